package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"tocsin/casebook"
)

var findingTable = covered(5, "finding", `public:b! tenant:i! region:t tlp:i exercise:i! recorded_by:t! recorded_at:i
	threat:i! role:i! asset_kind:i! asset:b! port:i! type:i state:i severity:i first_seen:i last_seen:i count:i
	days:b sources:b asn:i holder:t party:t`)

// A findingRow is a Finding with what only the database needs.
type findingRow struct {
	id      int64
	salt    []byte
	threat  int64
	sources []byte
	casebook.Finding
}

func (f *findingRow) row(tx *Tx) []any {
	tenant, region, tlp, exercise, by := mark(f.Mark)
	return tx.line(f.id, f.salt, f.ID[:], tenant, region, tlp, exercise, by, micros(f.RecordedAt),
		f.threat, int64(f.Role), int64(f.Asset.Kind), octets(f.Asset.AppendCanonical(nil)), int64(f.Port),
		int64(f.Type), int64(f.State), int64(f.Severity), f.FirstSeen.UnixMicro(), f.LastSeen.UnixMicro(), f.Count,
		octets(f.Days.AppendBinary(nil)), octets(f.sources), int64(f.ASN), f.Holder, f.Party)
}

// findingOf reads a row in the order of the table's columns.
func findingOf(row []any) (*findingRow, error) {
	s := scanner{row: row}
	f := &findingRow{id: s.int(), salt: s.bytes()}
	copy(f.ID[:], s.bytes())
	f.Mark = casebook.Mark{Tenant: s.int(), Region: s.text(), TLP: casebook.TLP(s.int()), Exercise: s.int() != 0, RecordedBy: s.text()}
	f.RecordedAt = moment(s.int())
	f.threat, f.Role = s.int(), casebook.Role(s.int())
	kind, asset := casebook.AssetKind(s.int()), s.bytes()
	f.Port, f.Type, f.State, f.Severity = uint16(s.int()), casebook.Type(s.int()), casebook.State(s.int()), casebook.Severity(s.int())
	f.FirstSeen, f.LastSeen, f.Count = time.UnixMicro(s.int()).UTC(), time.UnixMicro(s.int()).UTC(), s.int()
	days := s.bytes()
	f.sources, f.ASN, f.Holder, f.Party = s.bytes(), uint32(s.int()), s.text(), s.text()
	if s.err != nil {
		return nil, fmt.Errorf("finding %d: %w", f.id, s.err)
	}
	var err error
	if f.Asset, err = casebook.CanonicalAsset(kind, asset); err == nil {
		f.Days, err = casebook.ParseDays(days)
	}
	if err != nil {
		return nil, fmt.Errorf("finding %d: %w", f.id, err)
	}
	return f, nil
}

// A scanner takes the values of a row one after the other and keeps the first
// that has another kind than asked for.
type scanner struct {
	row []any
	at  int
	err error
}

func (s *scanner) take(kind string) any {
	v := s.row[s.at]
	s.at++
	if got := fmt.Sprintf("%T", v); s.err == nil && got != kind {
		s.err = fmt.Errorf("column %d holds a %s, not a %s", s.at, got, kind)
	}
	return v
}

func (s *scanner) int() int64 {
	if v, ok := s.row[s.at].(int64); ok {
		s.at++
		return v
	}
	s.take("int64")
	return 0
}

func (s *scanner) text() string {
	if v, ok := s.row[s.at].(string); ok {
		s.at++
		return v
	}
	s.take("string")
	return ""
}

func (s *scanner) bytes() []byte {
	if v, ok := s.row[s.at].([]byte); ok {
		s.at++
		return v
	}
	s.take("[]uint8")
	return nil
}

// compare orders keys as the index does, but for assets of other kinds than
// addresses, whose order only has to be some order.
func (k findingKey) compare(o findingKey) int {
	if c := cmp.Or(cmp.Compare(k.threat, o.threat), cmp.Compare(k.role, o.role), cmp.Compare(k.asset.Kind, o.asset.Kind)); c != 0 {
		return c
	}
	return cmp.Or(k.asset.Addr.Compare(o.asset.Addr), cmp.Compare(k.asset.Bits, o.asset.Bits),
		strings.Compare(k.asset.Name, o.asset.Name), cmp.Compare(k.port, o.port))
}

// streamPage is how many findings of a stream are read at once: no connection
// waits for whoever reads the stream.
const streamPage = 2000

// Findings gives findings as a stream, in the order in which they were first
// recorded, each as it is when its turn comes.
func (r *Reader) Findings(ctx context.Context, f FindingFilter) iter.Seq2[casebook.Finding, error] {
	return func(yield func(casebook.Finding, error) bool) {
		last := int64(0)
		for {
			page, err := r.findings(ctx, f, `AND f.id > $1 ORDER BY f.id LIMIT $2`, []any{last, streamPage})
			if err != nil {
				yield(casebook.Finding{}, err)
				return
			}
			for _, one := range page {
				if !yield(one.Finding, nil) {
					return
				}
			}
			if len(page) < streamPage {
				return
			}
			last = page[len(page)-1].id
		}
	}
}

// fewChanged is up to how many findings that changed since a moment are sorted for a
// page; where more did, one that goes from the newest on soon finds enough of them.
const fewChanged = 20_000

// FindingPage gives a page of findings, newest first, from after the one named on.
func (r *Reader) FindingPage(ctx context.Context, f FindingFilter, after casebook.ID, limit int) ([]casebook.Finding, error) {
	if !f.Since.IsZero() && r.scope.All {
		var changed int
		err := r.q.QueryRowContext(ctx, `SELECT COUNT(*) FROM (SELECT 1 FROM finding WHERE recorded_at >= $1 LIMIT $2) AS changed`, micros(f.Since), fewChanged+1).Scan(&changed)
		if err != nil {
			return nil, err
		}
		f.few = changed <= fewChanged
	}
	public := r.findingView().public
	order, args := `ORDER BY `+public+` DESC LIMIT $1`, []any{limit}
	if !after.IsZero() {
		order, args = `AND `+public+` < $2 `+order, append(args, after[:])
	}
	rows, err := r.findings(ctx, f, order, args)
	return plainFindings(rows), err
}

// A findingView is where a reader's findings come from: whoever sees all sees them
// as they are, a party sees its part in them and nothing else of them.
type findingView struct {
	columns, from, sees string
	public, changed     string
	state, count        string
	own                 string // how the columns are called that are the party's own: region, last_seen
}

// wholeState is where a party's part stands: where all of the finding was attributed to
// the party, where the finding does.
const wholeState = "CASE WHEN q.count = f.count THEN f.state ELSE q.state END"

func (r *Reader) findingView() findingView {
	if r.scope.All || r.scope.Party.IsZero() {
		sees := r.labels("f")
		if !r.scope.All {
			sees = "1 = 0"
		}
		return findingView{"f." + strings.Join(columnNames(findingTable), ", f."), "finding f CROSS JOIN threat t", sees, "f.public", "f.recorded_at", "f.state", "f.count", "f"}
	}
	columns := `f.id, f.salt, q.public, f.tenant, q.region, q.tlp, f.exercise, '', q.recorded_at, f.threat, f.role, f.asset_kind, f.asset, f.port,
		q.type, ` + wholeState + `, q.severity, q.first_seen, q.last_seen, q.count, q.days, q.sources, q.asn, q.holder, ''`
	own := fmt.Sprintf(` AND q.finding = f.id AND q.party = '%[1]s' AND EXISTS (SELECT 1 FROM share
		WHERE share.kind = %[2]d AND share.object = f.id AND share.party = '%[1]s' AND share.shared_to = 0)`, partyText(r.scope.Party), casebook.SharedFinding)
	sees := strings.Replace(r.labels("q"), "q.tenant", "f.tenant", 1) + own
	return findingView{columns, "finding_part q CROSS JOIN finding f CROSS JOIN threat t", sees, "q.public", "q.recorded_at", wholeState, "q.count", "q"}
}

func (r *Reader) findings(ctx context.Context, f FindingFilter, tail string, args []any) ([]*findingRow, error) {
	v := r.findingView()
	w := where{text: v.sees, args: args}
	none, err := r.narrow(ctx, &w, v, f)
	if err != nil || none {
		return nil, err
	}
	heard, err := r.published(ctx)
	if err != nil {
		return nil, err
	}
	own, err := r.ownName(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := r.q.QueryContext(ctx, `SELECT `+v.columns+` FROM `+v.inParts()+` WHERE `+w.text+` `+tail, w.args...)
	all, err := collect(rows, err, func(rows *sql.Rows) (*findingRow, error) {
		row, err := scanRow(rows, len(findingTable.columns))
		if err != nil {
			return nil, err
		}
		f, err := findingOf(row)
		if err != nil {
			return nil, err
		}
		gap, days := heard.of(f.sources)
		f.Relapses = f.Days.Relapses(gap, days)
		if !r.scope.All {
			f.Party = own
		}
		return f, nil
	})
	if err != nil {
		return nil, err
	}
	return all, r.nameThreats(ctx, all)
}

// nameThreats says of findings of which threat they are. Threats are read once the
// findings are chosen: to join them misleads PostgreSQL, which expects one finding of
// some thousands.
func (r *Reader) nameThreats(ctx context.Context, all []*findingRow) error {
	named := map[int64]casebook.Finding{}
	for _, f := range all {
		named[f.threat] = casebook.Finding{}
	}
	for chunk := range slices.Chunk(slices.Sorted(maps.Keys(named)), 500) {
		rows, err := r.q.QueryContext(ctx, `SELECT id, public, family, name FROM threat WHERE id IN (`+listOf(chunk)+`)`)
		_, err = collect(rows, err, func(rows *sql.Rows) (n int64, err error) {
			var f casebook.Finding
			var public []byte
			err = rows.Scan(&n, &public, &f.Family, &f.Name)
			copy(f.Threat[:], public)
			named[n] = f
			return n, err
		})
		if err != nil {
			return err
		}
	}
	for _, f := range all {
		t := named[f.threat]
		f.Threat, f.Family, f.Name = t.Threat, t.Family, t.Name
	}
	return nil
}
