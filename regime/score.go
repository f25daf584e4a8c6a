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
	Party       casebook.ID
	PartyName   string // as it was called at the newest of them
	Region      string // of the duties
	Regime      string
	Stage       string
	Month       string // of the due moment in the stage's own zone: 2026-03
	Exercise    bool   // drills have lines of their own
	OnTime      int
	Late        int
	Never       int           // due, and not filed by the moment of the score
	Longest     time.Duration // lateness of the latest filing
	Reasons     []LateReason  // that were given for lateness, by their text
	Unexplained int           // late without a reason
	newest      time.Time     // due moment of the one that gave PartyName
}

// LateReason is a reason that was given for lateness.
type LateReason struct {
	Text   string
	Duties int // how many it was given for
}

// Fell counts the duties of a line: those that fell due.
func (s Score) Fell() int { return s.OnTime + s.Late + s.Never }

// Line names the line.
func (s Score) Line() casebook.ScoreLine {
	return casebook.ScoreLine{Party: s.Party, Region: s.Region, Regime: s.Regime, Stage: s.Stage, Month: s.Month, Exercise: s.Exercise}
}

// A Scorecard counts duties that fell due before a moment. A duty that is unset,
// suspended, superseded or void counts nowhere: nobody is late for what nobody has
// set. Its memory grows with its lines, not with the duties.
type Scorecard struct {
	at    time.Time
	found map[casebook.ScoreLine]*Score
	zones map[string]*time.Location
}

// NewScorecard makes an empty one, as of a moment.
func NewScorecard(at time.Time) *Scorecard {
	return &Scorecard{at, map[casebook.ScoreLine]*Score{}, map[string]*time.Location{}}
}

// Scores counts duties, whatever their order.
func Scores(duties []casebook.Duty, at time.Time) []Score {
	c := NewScorecard(at)
	for _, d := range duties {
		c.Add(d)
	}
	return c.Scores()
}

// Counts reports whether a duty counts in a score as of a moment.
func Counts(d casebook.Duty, at time.Time) bool {
	return d.Due.Before(at) && slices.Contains([]casebook.DutyState{casebook.OpenDuty, casebook.Met, casebook.Late, casebook.Missed}, d.State)
}

// Month names the month in which a duty falls due, in the zone of its law.
func (c *Scorecard) Month(d casebook.Duty) string {
	zone, ok := c.zones[d.Zone]
	if !ok {
		var err error
		if zone, err = time.LoadLocation(d.Zone); err != nil {
			zone = time.UTC
		}
		c.zones[d.Zone] = zone
	}
	return d.Due.In(zone).Format("2006-01")
}

// Add counts a duty, if it counts.
func (c *Scorecard) Add(d casebook.Duty) {
	if !Counts(d, c.at) {
		return
	}
	l := casebook.ScoreLine{Party: d.Party, Region: d.Mark.Region, Regime: d.Regime, Stage: d.Stage, Month: c.Month(d), Exercise: d.Mark.Exercise}
	s := c.found[l]
	if s == nil {
		s = &Score{Party: d.Party, Region: l.Region, Regime: l.Regime, Stage: l.Stage, Month: l.Month, Exercise: l.Exercise}
		c.found[l] = s
	}
	if cmp.Or(d.Due.Compare(s.newest), cmp.Compare(d.PartyName, s.PartyName)) >= 0 {
		s.PartyName, s.newest = d.PartyName, d.Due
	}
	s.count(d)
}

// Scores gives the lines: live ones first, then drills, each in the order of party
// name, region, regime, stage and month.
func (c *Scorecard) Scores() []Score {
	list := make([]Score, 0, len(c.found))
	for _, s := range c.found {
		one := *s
		one.Reasons = slices.Clone(s.Reasons)
		slices.SortFunc(one.Reasons, func(a, b LateReason) int { return cmp.Compare(a.Text, b.Text) })
		list = append(list, one)
	}
	slices.SortFunc(list, func(a, b Score) int {
		if a.Exercise != b.Exercise {
			if b.Exercise {
				return -1
			}
			return 1
		}
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
		if d.Reason == "" {
			s.Unexplained++
			return
		}
		i := slices.IndexFunc(s.Reasons, func(r LateReason) bool { return r.Text == d.Reason })
		if i < 0 {
			i = len(s.Reasons)
			s.Reasons = append(s.Reasons, LateReason{Text: d.Reason})
		}
		s.Reasons[i].Duties++
	default:
		s.Never++
	}
}
