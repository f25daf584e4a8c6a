package casebook

import "time"

// Duty is a statutory clock: who owes which act to whom by when. What started it
// and when it ends is frozen when it is written; only its state changes, and
// every change is an entry of its own.
type Duty struct {
	ID       ID
	Mark     Mark
	Incident ID
	Party    ID
	// PartyName is the party as it was called then.
	PartyName string
	Regime    string
	Pack      string // digest of the pack version that was applied
	Stage     string // the pack's id of it ("level1_report")
	Key       string // tells several of one stage apart: the anchor's own moment, a month; "" if there is one
	Article   string
	Anchor    string    // the pack's word for what started it ("detection")
	Started   time.Time // the anchor's moment
	Limit     string    // as people write it: "2h", "30 working days", "at once"
	Due       time.Time // the last second on time
	Zone      string    // IANA name of the zone in which the limit is reckoned
	Calendar  string    // name and version of the calendar of working days, "" where none is used
	State     DutyState
	// Provisional: a blank may be touched, or nobody has confirmed yet. Due is then
	// the stage's shortest limit, held until a person says more.
	Provisional bool
	// Blank says who must fill in what, "" where nothing is blank.
	Blank      string
	To         []string // roles that must get it
	AnyOf      bool     // one of To is enough
	CopyTo     []string
	Meets      string // what meets it: dispatched, delivered, acknowledged
	Confidence string // of the limit: text, summary, memory, unknown
	RestsOn    string // what the limit rests on, as a sentence for people
	MetAt      time.Time
	Supersedes ID // the duty that this one came instead of
	// WasDue is when that one was due, where that was another moment; zero otherwise.
	WasDue time.Time
	Reason string
	// Told counts what people were told of it: see Moments.
	Told       int
	RecordedAt time.Time
}

// DutyState is where a duty stands.
type DutyState uint8

// The states of a duty. Unset is a provisional one. Missed is due and still
// unfiled, Late is filed after its moment.
const (
	Unset DutyState = iota
	OpenDuty
	Met
	Late
	Missed
	Suspended
	Superseded
	VoidDuty

	DutyStates = iota // how many there are
)

var dutyStateNames = words{"unset", "open", "met", "late", "missed", "suspended", "superseded", "void"}

func (s DutyState) String() string { return dutyStateNames.of(uint8(s)) }

// ParseDutyState reads a state's word.
func ParseDutyState(s string) (DutyState, error) {
	n, err := dutyStateNames.find("state of a duty", s)
	return DutyState(n), err
}

// Runs reports whether the duty's moment is still before people.
func (s DutyState) Runs() bool { return s == Unset || s == OpenDuty }

// Moments are when people are told of a duty, in their order: half of its time
// gone, a tenth left (but a quarter of an hour at least, if it has that much), and
// the moment just past its due one. A duty with under a minute has the last only; a
// provisional one then has none, since the call that opens it says all.
func (d Duty) Moments() []time.Time {
	past := d.Due.Add(time.Second)
	span := d.Due.Sub(d.Started)
	switch {
	case span < time.Minute && d.Provisional:
		return nil
	case span < time.Minute:
		return []time.Time{past}
	}
	half := d.Started.Add(span / 2).Truncate(time.Second)
	last := d.Due.Add(-max(span/10, 15*time.Minute))
	if !last.After(half) {
		return []time.Time{half, past}
	}
	return []time.Time{half, last.Truncate(time.Second), past}
}

// Next gives the moment at which people must next be told of the duty; zero when
// there is nothing left to tell.
func (d Duty) Next() time.Time {
	moments := d.Moments()
	if !d.State.Runs() || d.Told >= len(moments) {
		return time.Time{}
	}
	return moments[d.Told]
}
