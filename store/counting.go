package store

import (
	"cmp"
	"slices"
	"strings"

	"tocsin/casebook"
)

var tallyTable = plain("tally", column{"subject", 'i', true}, column{"number", 'i', true}, column{"word", 't', true}, column{"role", 'i', true}, column{"state", 'i', true},
	column{"tenant", 'i', true}, column{"tlp", 'i', true}, column{"exercise", 'i', true}, column{"n", 'i', false})

// The subjects of tallies.
const (
	observedInHour   = 1 + iota // observations, by the hour in which they were made
	firstSeenInHour             // findings, by the hour in which they were first seen
	findingsOfThreat            // findings, by threat and region
	findingsOfParty             // findings, by the party that holds the asset
)

// A tallyKey says of what there are so and so many.
type tallyKey struct {
	subject, number int64
	word            string
	role, state     int64
	tenant          int64
	tlp, exercise   int64
}

func (k tallyKey) compare(o tallyKey) int {
	return cmp.Or(cmp.Compare(k.subject, o.subject), cmp.Compare(k.number, o.number), strings.Compare(k.word, o.word), cmp.Compare(k.role, o.role),
		cmp.Compare(k.state, o.state), cmp.Compare(k.tenant, o.tenant), cmp.Compare(k.tlp, o.tlp), cmp.Compare(k.exercise, o.exercise))
}

// tallies is by how much a write changes what is counted.
type tallies map[tallyKey]int64

// counted is what a finding is counted by.
type counted struct {
	hour, threat  int64
	region, party string
	role, state   int64
	tenant        int64
	tlp, exercise int64
}

// tallyHour is the hour under which a moment is counted.
func tallyHour(us int64) int64 { return us / 3_600_000_000 }

func (f *findingRow) counted() counted {
	tenant, region, tlp, exercise, _ := mark(f.Mark)
	return counted{tallyHour(f.FirstSeen.UnixMicro()), f.threat, region, f.Party, int64(f.Role), int64(f.State), tenant, tlp, exercise}
}

// move takes a finding from where it was counted to where it is now; nil is nowhere.
func (t tallies) move(was, is *counted) {
	if was != nil && is != nil && *was == *is {
		return
	}
	t.add(was, -1)
	t.add(is, 1)
}

func (t tallies) add(c *counted, by int64) {
	if c == nil {
		return
	}
	t[tallyKey{firstSeenInHour, c.hour, "", c.role, 0, c.tenant, c.tlp, c.exercise}] += by
	t[tallyKey{findingsOfThreat, c.threat, clean(c.region), c.role, c.state, c.tenant, c.tlp, c.exercise}] += by
	t[tallyKey{findingsOfParty, 0, clean(c.party), c.role, c.state, c.tenant, c.tlp, c.exercise}] += by
}

// observe counts an observation.
func (t tallies) observe(m casebook.Mark, o *casebook.Observation) {
	t[tallyKey{observedInHour, tallyHour(o.ObservedAt.UnixMicro()), "", int64(o.Role), 0, m.Tenant, int64(o.TLP), bit(m.Exercise)}]++
}

// count writes tallies. Keys are sorted, so that two writers never wait for each
// other.
func (tx *Tx) count(t tallies) error {
	var keys []tallyKey
	for k, by := range t {
		if by != 0 {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, tallyKey.compare)
	rows := make([][]any, len(keys))
	for i, k := range keys {
		rows[i] = []any{k.subject, k.number, k.word, k.role, k.state, k.tenant, k.tlp, k.exercise, t[k]}
	}
	_, err := tx.db.dialect.each(tx, tallyTable.insertSQL+` ON CONFLICT (subject, number, word, role, state, tenant, tlp, exercise) DO UPDATE SET n = tally.n + excluded.n`, rows)
	return err
}
