package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"tocsin/casebook"
)

// postgres speaks to a server, perhaps with other processes beside this one.
// Many rows move by COPY, by arrays and by pipelined statements.
type postgres struct{}

func (*postgres) name() string { return "postgres" }

func (*postgres) open(place string) (write, read *sql.DB, err error) {
	if write, err = sql.Open("pgx", place); err != nil {
		return nil, nil, err
	}
	write.SetMaxOpenConns(2)
	config, err := pgx.ParseConfig(place)
	if err != nil {
		return nil, nil, errors.Join(err, write.Close())
	}
	read = stdlib.OpenDB(*config, stdlib.OptionAfterConnect(pagesPlans))
	read.SetMaxOpenConns(6)
	return write, read, nil
}

// pagesPlans has questions of pages planned for what they ask: a state or a role may fit
// one finding in a thousand or nearly all, and a plan made for neither reads all of
// them. To compile a plan, or to start processes for its parts, takes longer than a page.
func pagesPlans(ctx context.Context, c *pgx.Conn) error {
	_, err := c.Exec(ctx, `SET plan_cache_mode = force_custom_plan; SET jit = off; SET max_parallel_workers_per_gather = 0`)
	return err
}

func (*postgres) openReadOnly(place string) (*sql.DB, error) { return sql.Open("pgx", place) }

func (*postgres) own(ctx context.Context, c *sql.Conn) error {
	var mine bool
	err := c.QueryRowContext(ctx, `SELECT pg_try_advisory_lock($1)`, int64(lockOwning)).Scan(&mine)
	if err == nil && !mine {
		err = fmt.Errorf("%w: %w", ErrHeld, casebook.ErrConflict)
	}
	return err
}

func (*postgres) backfill(context.Context, *sql.DB) error { return nil } // the server does

func (*postgres) keeps() int { return 0 }

func (*postgres) begin() string         { return "BEGIN" }
func (*postgres) snapshot() string      { return "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" }
func (*postgres) sequencesInline() bool { return false }

// forget gives the lock back at once: a server notices only later that a connection
// was closed, and the next tocsin would be refused until then.
func (*postgres) forget(c *sql.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_, _ = c.ExecContext(ctx, `SELECT pg_advisory_unlock($1)`, int64(lockOwning))
}

// retry: serialization failure, deadlock, and two processes that made one row.
func (*postgres) retry(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && slices.Contains([]string{"40001", "40P01", "23505"}, e.Code)
}

// Unreachable reports whether an error says that the database's server is away or starting,
// so that the same may succeed later: no connection, or SQLSTATE classes 08, 53 and 57P.
func Unreachable(err error) bool {
	var away *pgconn.ConnectError
	var said *pgconn.PgError
	if errors.As(err, &said) {
		return strings.HasPrefix(said.Code, "08") || strings.HasPrefix(said.Code, "53") || strings.HasPrefix(said.Code, "57P")
	}
	return errors.As(err, &away)
}

// unfit: data exceptions and program limits (SQLSTATE classes 22 and 54).
func (*postgres) unfit(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && (strings.HasPrefix(e.Code, "22") || strings.HasPrefix(e.Code, "54"))
}

// broken: a server that is away, SQLSTATE 53100, system errors (class 58), and a connection
// that broke in between.
func (*postgres) broken(err error) (broken, full bool) {
	var said *pgconn.PgError
	if errors.As(err, &said) {
		return Unreachable(err) || strings.HasPrefix(said.Code, "58"), said.Code == "53100"
	}
	return Unreachable(err) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.As(err, new(*net.OpError)) || pgconn.SafeToRetry(err), false
}

func (*postgres) lock(tx *Tx, work lock) error {
	_, err := tx.exec(`SELECT pg_advisory_xact_lock($1)`, int64(work))
	return err
}

func (*postgres) schema(text string) []string {
	text = strings.NewReplacer("{id}", "BIGINT PRIMARY KEY", "{clustered}", "",
		// Order text by its octets, as SQLite does.
		" TEXT ", ` TEXT COLLATE "C" `).Replace(text)
	statements := split(text)
	for _, s := range statements {
		if name, ok := strings.CutPrefix(strings.TrimSpace(dropComments(s)), "CREATE TABLE "); ok && strings.Contains(s, "id ") {
			statements = append(statements, "CREATE SEQUENCE IF NOT EXISTS "+strings.Fields(name)[0]+"_id")
		}
	}
	return statements
}

func dropComments(s string) string {
	var kept []string
	for line := range strings.Lines(s) {
		if !strings.HasPrefix(strings.TrimSpace(line), "--") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

func (*postgres) ids(tx *Tx, table string, n int) ([]int64, error) {
	rows, err := tx.query(`SELECT nextval($1::text::regclass) FROM generate_series(1, $2)`, table+"_id", n)
	if err != nil {
		return nil, fmt.Errorf("number rows of %s: %w", table, err)
	}
	defer rows.Close()
	ids := make([]int64, 0, n)
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids, rows.Err()
}

func (*postgres) raw(tx *Tx, f func(*pgx.Conn) error) error {
	return tx.db.conn.Raw(func(c any) error { return f(c.(*stdlib.Conn).Conn()) })
}

func (d *postgres) insert(tx *Tx, t *table, rows [][]any) error {
	if len(rows) < 8 {
		_, err := d.each(tx, t.insertSQL, rows)
		return err
	}
	return d.raw(tx, func(c *pgx.Conn) error {
		names := make([]string, len(t.columns))
		for i, col := range t.columns {
			names[i] = col.name
		}
		_, err := c.CopyFrom(tx.ctx, pgx.Identifier{t.name}, names, pgx.CopyFromRows(rows))
		return err
	})
}

func (d *postgres) update(tx *Tx, t *table, rows [][]any) (int64, error) {
	return d.each(tx, t.updateSQL, t.updates(rows))
}

// each runs a statement once a row, in one round trip.
func (d *postgres) each(tx *Tx, query string, rows [][]any) (changed int64, err error) {
	err = d.raw(tx, func(c *pgx.Conn) error {
		var b pgx.Batch
		for _, row := range rows {
			b.Queue(query, row...).Exec(func(tag pgconn.CommandTag) error {
				changed += tag.RowsAffected()
				return nil
			})
		}
		return c.SendBatch(tx.ctx, &b).Close()
	})
	return changed, err
}

func (*postgres) insertSeen(tx *Tx, claims []claim) ([]bool, error) {
	at, keys, ids := make([]int64, len(claims)), make([][]byte, len(claims)), make([]int64, len(claims))
	place := make(map[int64]int, len(claims))
	for i, c := range claims {
		at[i], keys[i], ids[i] = c.observedAt, c.key[:], c.observation
		place[c.observation] = i
	}
	rows, err := tx.query(`INSERT INTO seen (observed_at, key, observation)
		SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bigint[])
		ON CONFLICT DO NOTHING RETURNING observation`, at, keys, ids)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	fresh := make([]bool, len(claims))
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		fresh[place[id]] = true
	}
	return fresh, rows.Err()
}

func (*postgres) findings(tx *Tx, keys []findingKey, found func(i int, row []any) error) error {
	n := len(keys)
	threats, roles, kinds, assets, ports, places := make([]int64, n), make([]int64, n), make([]int64, n), make([][]byte, n), make([]int64, n), make([]int64, n)
	for i, k := range keys {
		threats[i], roles[i], kinds[i], ports[i], places[i] = k.threat, int64(k.role), int64(k.asset.Kind), int64(k.port), int64(i)
		assets[i] = k.asset.AppendCanonical(nil)
	}
	columns := "f." + strings.Join(columnNames(findingTable), ", f.")
	rows, err := tx.query(`SELECT `+columns+`, k.place FROM finding f
		JOIN unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bytea[], $5::bigint[], $6::bigint[]) AS k (threat, role, asset_kind, asset, port, place)
		ON f.threat = k.threat AND f.role = k.role AND f.asset_kind = k.asset_kind AND f.asset = k.asset AND f.port = k.port
		ORDER BY k.place`, threats, roles, kinds, assets, ports, places)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		row, err := scanRow(rows, len(findingTable.columns)+1)
		if err != nil {
			return err
		}
		last := len(row) - 1
		if err := found(int(row[last].(int64)), row[:last]); err != nil {
			return err
		}
	}
	return rows.Err()
}

func columnNames(t *table) []string {
	all := make([]string, len(t.columns))
	for i, c := range t.columns {
		all[i] = c.name
	}
	return all
}

// scanRow reads a row as the values that the driver gives, each its own.
func scanRow(rows *sql.Rows, columns int) ([]any, error) {
	row, into := make([]any, columns), make([]any, columns)
	for i := range row {
		into[i] = &row[i]
	}
	return row, rows.Scan(into...)
}

func (*postgres) relations(ctx context.Context, q querier) ([]string, error) {
	return names(q.QueryContext(ctx, `SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY tablename`))
}

func (*postgres) copyTo(ctx context.Context, db *DB, file string) error {
	return copyInto(ctx, db, file)
}

func (*postgres) numberFrom(tx *Tx, table string, next int64) error {
	_, err := tx.exec(`SELECT setval($1::text::regclass, $2, false)`, table+"_id", next)
	return err
}
