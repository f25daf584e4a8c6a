package store

import (
	"cmp"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tocsin/casebook"
)

var partTable = covered(31, "finding_part", `public:b! finding:i! party:t! region:t tlp:i recorded_at:i
	type:i state:i severity:i first_seen:i last_seen:i count:i days:b sources:b asn:i holder:t`)

// A findingPart is a finding as one party sees it: the figures of the observations
// that were attributed to that party. A range that moves from one party to another
// leaves each with its own, in whatever order the observations come.
type findingPart struct {
	id      int64
	salt    []byte
	finding int64
	party   string
	isNew   bool
	sources []byte
	casebook.Finding
}

type partKey struct {
	finding int64
	party   string
}

func (p *findingPart) row(tx *Tx) []any {
	return tx.line(p.id, p.salt, p.ID[:], p.finding, p.party, p.Mark.Region, int64(p.Mark.TLP), micros(p.RecordedAt),
		int64(p.Type), int64(p.State), int64(p.Severity), p.FirstSeen.UnixMicro(), p.LastSeen.UnixMicro(), p.Count,
		octets(p.Days.AppendBinary(nil)), octets(p.sources), int64(p.ASN), p.Holder)
}

func scanPart(rows *sql.Rows) (*findingPart, error) {
	row, err := scanRow(rows, len(partTable.columns))
	if err != nil {
		return nil, err
	}
	s := scanner{row: row}
	p := &findingPart{id: s.int(), salt: s.bytes()}
	copy(p.ID[:], s.bytes())
	p.finding, p.party = s.int(), s.text()
	p.Mark.Region, p.Mark.TLP, p.RecordedAt = s.text(), casebook.TLP(s.int()), moment(s.int())
	p.Type, p.State, p.Severity = casebook.Type(s.int()), casebook.State(s.int()), casebook.Severity(s.int())
	p.FirstSeen, p.LastSeen, p.Count = time.UnixMicro(s.int()).UTC(), time.UnixMicro(s.int()).UTC(), s.int()
	days := s.bytes()
	p.sources, p.ASN, p.Holder = s.bytes(), uint32(s.int()), s.text()
	if s.err == nil {
		p.Days, s.err = casebook.ParseDays(days)
	}
	if s.err != nil {
		return nil, fmt.Errorf("part %d of a finding: %w", p.id, s.err)
	}
	return p, nil
}

// take folds one claim into figures: those of a finding, or of a party's part in it.
// It says whether the day of the claim is a new one.
func take(f *casebook.Finding, sources *[]byte, c *Claim, source int64) (newDay bool) {
	o := &c.Observation
	if f.Count == 0 {
		f.FirstSeen, f.Mark.TLP = o.ObservedAt, o.TLP
	}
	if when := o.ObservedAt.Compare(f.LastSeen); when >= 0 || f.Count == 0 {
		if when != 0 || f.Count == 0 || o.Type < f.Type { // of one moment, whichever claim came first
			f.Type = o.Type
		}
		f.LastSeen = o.ObservedAt
		f.ASN, f.Holder, f.Party, f.Mark.Region = c.ASN, c.Holder, c.Party, c.Region
	}
	if o.ObservedAt.Before(f.FirstSeen) {
		f.FirstSeen = o.ObservedAt
	}
	f.Count++
	f.Severity = max(f.Severity, o.Severity)
	f.Mark.TLP = casebook.Stricter(f.Mark.TLP, o.TLP)
	*sources = addNumber(*sources, source)
	return f.Days.Add(casebook.DayOf(o.ObservedAt))
}

// intoParts folds claims whose holding names a party that the platform knows into
// that party's part of their finding, and shares it.
func (f *folding) intoParts(rows []*findingRow, fresh map[int64]bool) error {
	parties, err := f.parties()
	if err != nil || len(parties) == 0 && len(f.held) == 0 {
		return err
	}
	wanted, before := map[partKey][]*Claim{}, map[int64]int64{}
	rest := f.fresh
	for _, row := range rows {
		n := 1
		for n < len(rest) && rest[n].key == rest[0].key {
			n++
		}
		before[row.id] = row.Count - int64(n)
		for i := range rest[:n] {
			c := rest[i].claim
			for _, p := range parties[clean(c.Party)] {
				if p.At(c.ObservedAt) {
					k := partKey{row.id, partyText(p.ID)}
					wanted[k] = append(wanted[k], c)
				}
			}
		}
		rest = rest[n:]
	}
	return f.saveParts(rows, fresh, wanted, before)
}

// saveParts folds claims into the parts to which they lead. before is how many
// observations were in each finding: a part that was all of it may not be any more.
func (f *folding) saveParts(rows []*findingRow, fresh map[int64]bool, wanted map[partKey][]*Claim, before map[int64]int64) error {
	keys := slices.SortedFunc(maps.Keys(wanted), func(a, b partKey) int {
		return cmp.Or(cmp.Compare(a.finding, b.finding), strings.Compare(a.party, b.party))
	})
	touched := slices.Clone(f.held)
	for _, k := range keys {
		if !fresh[k.finding] {
			touched = append(touched, k.finding)
		}
	}
	parts, err := f.tx.partsOf(touched)
	if err != nil {
		return err
	}
	findings := map[int64]*findingRow{}
	for _, row := range rows {
		findings[row.id] = row
	}
	was := countParts(parts, func(k partKey) (*findingRow, int64) { return findings[k.finding], before[k.finding] })
	missing := slices.DeleteFunc(slices.Clone(keys), func(k partKey) bool { return parts[k] != nil })
	ids, err := f.tx.takeIDs("finding_part", len(missing))
	if err != nil {
		return err
	}
	var added, changed [][]any
	for _, k := range keys {
		p := parts[k]
		if p == nil {
			p = &findingPart{id: ids[0], salt: f.tx.salt(), finding: k.finding, party: k.party, isNew: true}
			ids = ids[1:]
			// Its name tells when it was made: one that is older than the party's part in
			// it would tell of somebody else's.
			if p.ID = findings[k.finding].ID; !fresh[k.finding] {
				p.ID = casebook.NewID(f.tx.at)
			}
			parts[k] = p
			f.ofParts = append(f.ofParts, partTerms(k.party, k.finding, findings[k.finding].Asset)...)
		}
		for _, c := range wanted[k] {
			take(&p.Finding, &p.sources, c, f.source.id)
		}
		if p.RecordedAt = f.tx.at; p.isNew {
			added = append(added, p.row(f.tx))
		} else {
			changed = append(changed, p.row(f.tx))
		}
	}
	if err := f.tx.insert(partTable, added...); err != nil {
		return err
	}
	if err := f.tx.update(partTable, changed...); err != nil {
		return err
	}
	f.parts.move(was, countParts(parts, func(k partKey) (*findingRow, int64) { return findings[k.finding], findings[k.finding].Count }))
	return f.shareParts(missing)
}

// shareParts shares what a party has a part in now and hadn't before.
func (f *folding) shareParts(keys []partKey) error {
	ids, err := f.tx.takeIDs("share", len(keys))
	if err != nil {
		return err
	}
	rows := make([][]any, len(keys))
	for i, k := range keys {
		rows[i] = []any{ids[i], f.tx.salt(), int64(casebook.SharedFinding), k.finding, k.party, micros(f.tx.at), int64(0),
			"attributed", f.tx.actor, micros(f.tx.at)}
	}
	return f.tx.insert(shareTable, rows...)
}

// parties gives the parties that the batch's holdings name and the platform knows,
// by name; of one name there may be several, one after the other.
func (f *folding) parties() (map[string][]casebook.Party, error) {
	if !slices.ContainsFunc(f.fresh, func(p part) bool { return p.claim.Party != "" }) {
		return nil, nil
	}
	all, err := partiesOf(f.tx.ctx, f.tx.conn, fmt.Sprintf("p.tenant = %d", f.delivery.Mark.Tenant))
	named := map[string][]casebook.Party{}
	for _, p := range all {
		named[p.Name] = append(named[p.Name], p)
	}
	return named, err
}

// partsOf finds the parts of some findings.
func (tx *Tx) partsOf(findings []int64) (map[partKey]*findingPart, error) {
	slices.Sort(findings)
	known := map[partKey]*findingPart{}
	for chunk := range slices.Chunk(slices.Compact(findings), 500) {
		rows, err := tx.query(partTable.selectSQL + ` WHERE finding IN (` + listOf(chunk) + `)`)
		parts, err := collect(rows, err, scanPart)
		if err != nil {
			return nil, err
		}
		for _, p := range parts {
			known[partKey{p.finding, p.party}] = p
		}
	}
	return known, nil
}

// PartName gives the name by which a party knows a finding, which may be another than
// the platform's. It gives ErrNotFound where the party has no part in it.
func (tx *Tx) PartName(finding, party casebook.ID) (casebook.ID, error) {
	p, err := tx.part(finding, party)
	if err != nil {
		return casebook.ID{}, err
	}
	return p.ID, nil
}

func (tx *Tx) part(finding, party casebook.ID) (*findingPart, error) {
	n, err := numberOf(tx.ctx, tx.conn, "finding", casebook.FindingPrefix, finding)
	if err != nil {
		return nil, err
	}
	rows, err := tx.query(partTable.selectSQL+` WHERE finding = $1 AND party = $2`, n, partyText(party))
	parts, err := collect(rows, err, scanPart)
	if err == nil && len(parts) == 0 {
		err = fmt.Errorf("%s has no part in finding %s: %w", partyText(party), finding.Text(casebook.FindingPrefix), casebook.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	return parts[0], nil
}
