package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"

	modernc "modernc.org/sqlite" // the driver "sqlite"

	"tocsin/casebook"
)

// Result codes of SQLite.
const (
	readOnly = 8  // SQLITE_READONLY
	ioFailed = 10 // SQLITE_IOERR
	corrupt  = 11 // SQLITE_CORRUPT
	diskFull = 13 // SQLITE_FULL
	cantOpen = 14 // SQLITE_CANTOPEN
	tooBig   = 18 // SQLITE_TOOBIG
	notADB   = 26 // SQLITE_NOTADB
)

// sqlite speaks to one file. Many rows go through the driver itself, one
// prepared statement a row: database/sql in between costs as much as the insert.
type sqlite struct {
	statements map[string]driver.Stmt // of the writers' connection
	args       []driver.NamedValue
}

func (*sqlite) name() string { return "sqlite" }

func (*sqlite) open(place string) (write, read *sql.DB, err error) {
	// For the owner alone, whoever may look into the folder.
	f, err := os.OpenFile(place, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, nil, err
	}
	if err := f.Close(); err != nil {
		return nil, nil, err
	}
	// The path is escaped: it may hold a question mark or a percent sign.
	file := "file:" + (&url.URL{Path: place}).EscapedPath()
	const pragmas = "?_pragma=journal_mode(wal)&_pragma=synchronous(full)&_pragma=busy_timeout(10000)&_pragma=foreign_keys(off)&_pragma=cache_size(-12000)&_pragma=journal_size_limit(67108864)&_pragma=wal_autocheckpoint(8192)"
	if write, err = sql.Open("sqlite", file+pragmas); err != nil {
		return nil, nil, err
	}
	write.SetMaxOpenConns(1)
	if read, err = sql.Open("sqlite", file+"?_pragma=busy_timeout(10000)&_pragma=query_only(1)&_pragma=cache_size(-8000)"); err != nil {
		return nil, nil, errors.Join(err, write.Close())
	}
	read.SetMaxOpenConns(4)
	return write, read, nil
}

// openReadOnly reads beside an owner where there is one. A file without a write
// ahead log belongs to nobody: it is read as it lies, also from a read-only disk.
func (*sqlite) openReadOnly(place string) (*sql.DB, error) {
	if _, err := os.Stat(place); err != nil {
		return nil, err
	}
	mode := "?mode=ro&immutable=1"
	if _, err := os.Stat(place + "-wal"); err == nil {
		mode = "?mode=ro&_pragma=busy_timeout(10000)"
	}
	return sql.Open("sqlite", "file:"+(&url.URL{Path: place}).EscapedPath()+mode)
}

// backfill: PASSIVE waits for nobody, and nobody for it.
func (*sqlite) backfill(ctx context.Context, read *sql.DB) error {
	_, err := read.ExecContext(ctx, "PRAGMA wal_checkpoint(PASSIVE)")
	return err
}

func (*sqlite) own(context.Context, *sql.Conn) error { return nil } // the data directory's lock does it

func (*sqlite) begin() string    { return "BEGIN IMMEDIATE" }
func (*sqlite) snapshot() string { return "BEGIN" }
func (*sqlite) retry(error) bool { return false }
func (*sqlite) unfit(err error) bool {
	var e *modernc.Error
	return errors.As(err, &e) && e.Code()&0xff == tooBig
}
func (*sqlite) keeps() int { return 150 }

// broken: a full disk, and what one that fails gives.
func (*sqlite) broken(err error) (broken, full bool) {
	var e *modernc.Error
	if !errors.As(err, &e) {
		return false, false
	}
	switch e.Code() & 0xff {
	case diskFull:
		return true, true
	case readOnly, ioFailed, corrupt, cantOpen, notADB:
		return true, false
	}
	return false, false
}

func (*sqlite) sequencesInline() bool { return true }
func (*sqlite) lock(*Tx, lock) error  { return nil } // the file has one owner

func (*sqlite) schema(text string) []string {
	return split(strings.NewReplacer("{id}", "INTEGER PRIMARY KEY", "{clustered}", "WITHOUT ROWID").Replace(text))
}

// split cuts a migration into statements; its comments hold no semicolon.
func split(text string) []string {
	var statements []string
	for s := range strings.SplitSeq(text, ";\n") {
		if strings.TrimSpace(s) != "" {
			statements = append(statements, s)
		}
	}
	return statements
}

func (*sqlite) ids(tx *Tx, table string, n int) ([]int64, error) { return tx.db.ids.take(tx, table, n) }

// forget closes them: a connection with open statements stays, and so do its locks.
func (d *sqlite) forget(*sql.Conn) {
	for _, s := range d.statements {
		s.Close()
	}
	d.statements = nil
}

func (d *sqlite) drop(query string) {
	d.statements[query].Close()
	delete(d.statements, query)
}

// raw lends the driver's connection and a way to its prepared statements.
func (d *sqlite) raw(tx *Tx, f func(prepare func(query string) (driver.Stmt, error)) error) error {
	return tx.db.conn.Raw(func(c any) error {
		return f(func(query string) (driver.Stmt, error) {
			if s, ok := d.statements[query]; ok {
				return s, nil
			}
			s, err := c.(driver.ConnPrepareContext).PrepareContext(context.Background(), query)
			if err != nil {
				return nil, err
			}
			if d.statements == nil {
				d.statements = map[string]driver.Stmt{}
			}
			d.statements[query] = s
			return s, nil
		})
	})
}

func (d *sqlite) bind(row ...any) []driver.NamedValue {
	d.args = d.args[:0]
	for i, v := range row {
		d.args = append(d.args, driver.NamedValue{Ordinal: i + 1, Value: v})
	}
	return d.args
}

// run runs a statement once a row.
func (d *sqlite) run(tx *Tx, query string, rows [][]any) (changed int64, err error) {
	query, bound := spell(query, rows)
	err = d.raw(tx, func(prepare func(string) (driver.Stmt, error)) error {
		s, err := prepare(query)
		if err != nil {
			return err
		}
		if len(rows) >= spellFrom {
			defer d.drop(query) // made for these rows
		}
		for i, row := range rows {
			// A context that can end costs a goroutine a row; asking now and then is enough.
			if i%256 == 0 && tx.ctx.Err() != nil {
				return tx.ctx.Err()
			}
			d.args = d.args[:0]
			for _, column := range bound {
				d.args = append(d.args, driver.NamedValue{Ordinal: len(d.args) + 1, Value: row[column]})
			}
			r, err := s.(driver.StmtExecContext).ExecContext(context.Background(), d.args)
			if err != nil {
				return err
			}
			n, _ := r.RowsAffected()
			changed += n
		}
		return nil
	})
	return changed, err
}

func (d *sqlite) insert(tx *Tx, t *table, rows [][]any) error {
	_, err := d.run(tx, t.insertSQL, rows)
	return err
}

func (d *sqlite) update(tx *Tx, t *table, rows [][]any) (int64, error) {
	return d.run(tx, t.updateSQL, t.updates(rows))
}

func (d *sqlite) each(tx *Tx, query string, rows [][]any) (int64, error) {
	return d.run(tx, query, rows)
}

func (d *sqlite) insertSeen(tx *Tx, claims []claim) ([]bool, error) {
	fresh := make([]bool, len(claims))
	err := d.raw(tx, func(prepare func(string) (driver.Stmt, error)) error {
		s, err := prepare(`INSERT INTO seen (observed_at, key, observation) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`)
		if err != nil {
			return err
		}
		for i, c := range claims {
			r, err := s.(driver.StmtExecContext).ExecContext(context.Background(), d.bind(c.observedAt, c.key[:], c.observation))
			if err != nil {
				return err
			}
			n, _ := r.RowsAffected()
			fresh[i] = n == 1
		}
		return nil
	})
	return fresh, err
}

// findings asks once for all keys that differ in their asset only: one statement
// a key costs four times as much.
func (d *sqlite) findings(tx *Tx, keys []findingKey, found func(i int, row []any) error) error {
	query := `SELECT ` + "f." + strings.Join(columnNames(findingTable), ", f.") + `, k.key FROM json_each(?) k CROSS JOIN finding f
		ON f.threat = ? AND f.role = ? AND f.asset_kind = ? AND f.asset = unhex(k.value) AND f.port = ?`
	groups := map[findingKey][]int{}
	for i, k := range keys {
		k.asset = casebook.Asset{Kind: k.asset.Kind}
		groups[k] = append(groups[k], i)
	}
	return d.raw(tx, func(prepare func(string) (driver.Stmt, error)) error {
		s, err := prepare(query)
		if err != nil {
			return err
		}
		for common, members := range groups {
			list, octets := []byte("["), []byte(nil)
			for _, i := range members {
				octets = keys[i].asset.AppendCanonical(octets[:0])
				list = append(hex.AppendEncode(append(list, '"'), octets), '"', ',')
			}
			list[len(list)-1] = ']'
			rows, err := s.(driver.StmtQueryContext).QueryContext(context.Background(),
				d.bind(string(list), common.threat, int64(common.role), int64(common.asset.Kind), int64(common.port)))
			if err == nil {
				err = eachDriverRow(rows, len(findingTable.columns)+1, func(row []any) error {
					last := len(row) - 1
					return found(members[row[last].(int64)], row[:last])
				})
			}
			if err != nil {
				return fmt.Errorf("find findings: %w", err)
			}
		}
		return nil
	})
}

func eachDriverRow(rows driver.Rows, columns int, f func(row []any) error) (err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	dest := make([]driver.Value, columns)
	for {
		err := rows.Next(dest)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		row := make([]any, columns)
		for i, v := range dest {
			row[i] = v
		}
		if err := f(row); err != nil {
			return err
		}
	}
}

func (*sqlite) relations(ctx context.Context, q querier) ([]string, error) {
	return names(q.QueryContext(ctx, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY name`))
}

func names(rows *sql.Rows, err error) ([]string, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		all = append(all, name)
	}
	return all, rows.Err()
}

func (*sqlite) copyTo(ctx context.Context, db *DB, file string) error {
	// The readers' connections refuse to write, to another file too.
	c, err := db.read.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.ExecContext(ctx, `PRAGMA query_only = 0`); err != nil {
		return err
	}
	_, err = c.ExecContext(ctx, `VACUUM INTO $1`, file)
	_, undo := c.ExecContext(context.WithoutCancel(ctx), `PRAGMA query_only = 1`)
	return errors.Join(err, undo)
}

// numberFrom: numbers follow the highest row.
func (*sqlite) numberFrom(*Tx, string, int64) error { return nil }
