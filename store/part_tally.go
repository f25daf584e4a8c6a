package store

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tocsin/casebook"
)

var partTallyTable = plain("part_tally", column{"party", 't', true}, column{"subject", 'i', true}, column{"number", 'i', true}, column{"word", 't', true},
	column{"role", 'i', true}, column{"state", 'i', true}, column{"tenant", 'i', true}, column{"tlp", 'i', true}, column{"exercise", 'i', true},
	column{"n", 'i', false}, column{"observations", 'i', false})

// The subjects of tallies of parts.
const (
	partsStand     = 1 + iota // by region, role and state
	partsFirstSeen            // by the hour in which they were first seen
)

// A partTallyKey says of what there are so and so many.
type partTallyKey struct {
	party           string
	subject, number int64
	word            string
	role, state     int64
	tenant          int64
	tlp, exercise   int64
}

func (k partTallyKey) compare(o partTallyKey) int {
	return cmp.Or(strings.Compare(k.party, o.party), cmp.Compare(k.subject, o.subject), cmp.Compare(k.number, o.number), strings.Compare(k.word, o.word),
		cmp.Compare(k.role, o.role), cmp.Compare(k.state, o.state), cmp.Compare(k.tenant, o.tenant), cmp.Compare(k.tlp, o.tlp), cmp.Compare(k.exercise, o.exercise))
}

// partTallies is by how much a write changes what is counted: parts, and the
// observations in them.
type partTallies map[partTallyKey][2]int64

// partCounted is what a part is counted by.
type partCounted struct {
	party, region string
	hour          int64
	role, state   int64
	tenant        int64
	tlp, exercise int64
	observations  int64
}

// counted is what a part of a finding is counted by, where so many observations are in
// the whole: of what is a party's alone the finding says where it stands.
func (p *findingPart) counted(f *findingRow, whole int64) partCounted {
	state := p.State
	if p.Count == whole {
		state = f.State
	}
	return partCounted{p.party, clean(p.Mark.Region), tallyHour(p.FirstSeen.UnixMicro()), int64(f.Role), int64(state), f.Mark.Tenant, int64(p.Mark.TLP), bit(f.Mark.Exercise), p.Count}
}

// countParts gives what parts are counted by, each by its key.
func countParts(parts map[partKey]*findingPart, f func(k partKey) (row *findingRow, whole int64)) map[partKey]partCounted {
	all := make(map[partKey]partCounted, len(parts))
	for k, p := range parts {
		row, whole := f(k)
		all[k] = p.counted(row, whole)
	}
	return all
}

// move takes parts from where they were counted to where they are now.
func (t partTallies) move(was, is map[partKey]partCounted) {
	for k, c := range is {
		if before, ok := was[k]; ok {
			if before == c {
				continue
			}
			t.add(before, -1)
		}
		t.add(c, 1)
	}
}

func (t partTallies) add(c partCounted, by int64) {
	for _, k := range []partTallyKey{
		{c.party, partsStand, 0, c.region, c.role, c.state, c.tenant, c.tlp, c.exercise},
		{c.party, partsFirstSeen, c.hour, "", c.role, 0, c.tenant, c.tlp, c.exercise},
	} {
		n := t[k]
		t[k] = [2]int64{n[0] + by, n[1] + by*c.observations}
	}
}

// countParts writes tallies of parts, in the order of their keys.
func (tx *Tx) countParts(t partTallies) error {
	rows := make([][]any, 0, len(t))
	for _, k := range slices.SortedFunc(maps.Keys(t), partTallyKey.compare) {
		if n := t[k]; n != [2]int64{} {
			rows = append(rows, []any{k.party, k.subject, k.number, k.word, k.role, k.state, k.tenant, k.tlp, k.exercise, n[0], n[1]})
		}
	}
	_, err := tx.db.dialect.each(tx, partTallyTable.insertSQL+` ON CONFLICT (party, subject, number, word, role, state, tenant, tlp, exercise)
		DO UPDATE SET n = part_tally.n + excluded.n, observations = part_tally.observations + excluded.observations`, rows)
	return err
}

// ownParts is where a party counts its findings, as a table: number, word, role, state,
// exercise, n, observations. What was taken back from it is counted off.
func (r *Reader) ownParts(subject int64) string {
	number, word, state := "q.first_seen / 3600000000", "''", "0"
	if subject == partsStand {
		number, word, state = "0", "q.region", wholeState
	}
	party := partyText(r.scope.Party)
	return fmt.Sprintf(`(SELECT y.number, y.word, y.role, y.state, y.exercise, y.n, y.observations FROM part_tally y WHERE y.party = '%[1]s' AND y.subject = %[2]d AND %[3]s
		UNION ALL SELECT %[4]s, %[5]s, f.role, %[6]s, f.exercise, -1, -q.count FROM share h CROSS JOIN finding_part q CROSS JOIN finding f
		WHERE h.party = '%[1]s' AND h.kind = %[7]d AND h.shared_to > 0 AND q.finding = h.object AND q.party = h.party AND f.id = q.finding AND f.tenant = %[8]d AND q.tlp IN (%[9]s)) AS y`,
		party, subject, r.labels("y"), number, word, state, casebook.SharedFinding, r.scope.Tenant, r.tlps())
}
