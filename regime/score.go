package regime

import (
	"cmp"
	"slices"
	"time"

	"tocsin/casebook"
)

// Score is one line of a scorecard: how the duties of one party, regime and stage
// that fell due in one month were met.
type Score struct {
	Party     casebook.ID
	PartyName string // as it was called at the newest of them
	Region    string // of the duties
	Regime    string
	Stage     string
	Month     string // of the due moment in the stage's own zone: 2026-03
	OnTime    int
	Late      int
	Never     int           // due, and not filed by the moment of the score
	Longest   time.Duration // lateness of the latest filing
	Reasons   []string      // that were given for lateness, each once, sorted
}

// Scores counts duties that fell due before a moment, in the order of party name,
// region, regime, stage and month. A duty that is unset, suspended, superseded or
// void counts nowhere: nobody is late for what nobody has set. Exercises aren't told
// apart: the caller picks what counts.
func Scores(duties []casebook.Duty, at time.Time) []Score {
	type line struct {
		party                        casebook.ID
		region, regime, stage, month string
	}
	found := map[line]*Score{}
	for _, d := range duties {
		if !d.Due.Before(at) || !slices.Contains([]casebook.DutyState{casebook.OpenDuty, casebook.Met, casebook.Late, casebook.Missed}, d.State) {
			continue
		}
		zone, err := time.LoadLocation(d.Zone)
		if err != nil {
			zone = time.UTC
		}
		l := line{d.Party, d.Mark.Region, d.Regime, d.Stage, d.Due.In(zone).Format("2006-01")}
		s := found[l]
		if s == nil {
			s = &Score{Party: d.Party, Region: l.region, Regime: l.regime, Stage: l.stage, Month: l.month}
			found[l] = s
		}
		s.PartyName = d.PartyName
		s.count(d)
	}
	list := make([]Score, 0, len(found))
	for _, s := range found {
		slices.Sort(s.Reasons)
		s.Reasons = slices.Compact(s.Reasons)
		list = append(list, *s)
	}
	slices.SortFunc(list, func(a, b Score) int {
		return cmp.Or(cmp.Compare(a.PartyName, b.PartyName), slices.Compare(a.Party[:], b.Party[:]), cmp.Compare(a.Region, b.Region),
			cmp.Compare(a.Regime, b.Regime), cmp.Compare(a.Stage, b.Stage), cmp.Compare(a.Month, b.Month))
	})
	return list
}

// count puts a duty that fell due into its column. What is open past its moment is
// unfiled, whether or not somebody has recorded the miss.
func (s *Score) count(d casebook.Duty) {
	switch d.State {
	case casebook.Met:
		s.OnTime++
	case casebook.Late:
		s.Late++
		s.Longest = max(s.Longest, d.MetAt.Sub(d.Due))
		if d.Reason != "" {
			s.Reasons = append(s.Reasons, d.Reason)
		}
	default:
		s.Never++
	}
}
