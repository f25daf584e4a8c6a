package regime

import (
	"slices"
	"time"
)

// Pack is one regime, as a lawyer wrote it down: who owes what to whom by when,
// under which article, and how sure each of it is. docs/regimes.md explains the
// file. A pack doesn't change once loaded.
type Pack struct {
	ID           string   `json:"id"`
	Version      int      `json:"version"`
	Name         string   `json:"name"`
	NativeName   string   `json:"native_name,omitempty"`
	Number       string   `json:"number,omitempty"`
	Date         string   `json:"date,omitempty"`
	Jurisdiction string   `json:"jurisdiction"` // ISO 3166-1, EU, or "global"
	Status       string   `json:"status"`       // in_force, historical, proposed, catalogue
	InForce      Span     `json:"in_force"`
	Zone         string   `json:"zone,omitempty"`
	Calendar     string   `json:"calendar,omitempty"`
	Confidence   string   `json:"confidence"`
	RestsOn      string   `json:"rests_on,omitempty"` // a sentence for people, beside each countdown
	Sources      []string `json:"sources"`
	Notes        []string `json:"notes,omitempty"`
	// WhyNot says of a catalogue entry why none of its stages runs; Known says what
	// is known of it.
	WhyNot string   `json:"why_not,omitempty"`
	Known  []string `json:"known,omitempty"`

	// Inherits names the pack that this one is laid over, and Region where it then
	// stands in that one's place (a province over the nation).
	Inherits string `json:"inherits,omitempty"`
	Region   string `json:"region,omitempty"`
	// Transposes names the pack that this one stands for where MemberState is the
	// party's; GradesFor the one whose grades it adds to.
	Transposes  string `json:"transposes,omitempty"`
	MemberState string `json:"member_state,omitempty"`
	GradesFor   string `json:"grades_for,omitempty"`
	// National: the zone and the calendar of days are the party's member state's.
	National bool `json:"national,omitempty"`

	Who          Addressees           `json:"who"`
	Recipients   map[string]Recipient `json:"recipients,omitempty"`
	Grades       Grades               `json:"grades,omitzero"`
	Stages       []Stage              `json:"stages,omitempty"`
	Powers       []Power              `json:"powers,omitempty"`
	Consequences Consequences         `json:"consequences"`
	Examples     []Example            `json:"examples,omitempty"`
	ConfirmedBy  []Confirmation       `json:"confirmed_by,omitempty"`

	// Digest is "sha256:" and the hash of the pack's canonical bytes.
	Digest string `json:"-"`
	// Canonical are those bytes: the pack as JSON with sorted keys.
	Canonical []byte `json:"-"`
	// File is where it was read from, for messages.
	File string `json:"-"`

	zone     *time.Location
	calendar *Calendar
	tree     map[string]any // as written, bases laid under
}

// Span is when something is in force: from the first day to the last, each in the
// pack's zone. An empty Until is still so; an empty From was never so.
type Span struct {
	From       string `json:"from,omitempty"`
	Until      string `json:"until,omitempty"`
	Confidence string `json:"confidence,omitempty"`
	Note       string `json:"note,omitempty"`
}

// covers reports whether a moment is within the span.
func (s Span) covers(at time.Time, zone *time.Location) bool {
	if s.From == "" {
		return false
	}
	day := dayText(dayOf(at, zone))
	return day >= s.From && (s.Until == "" || day <= s.Until)
}

// Addressees are who owes the regime's duties.
type Addressees struct {
	Roles []string `json:"roles,omitempty"`
	// Perhaps are roles of which it isn't sure that the regime means them: a party
	// that has no other is asked.
	Perhaps    []string `json:"perhaps,omitempty"`
	Article    string   `json:"article,omitempty"`
	Confidence string   `json:"confidence,omitempty"`
	Note       string   `json:"note,omitempty"`
}

// Recipient is who gets a filing: a role, and what the regime calls it.
type Recipient struct {
	Name string `json:"name"`
	Role string `json:"role,omitempty"`
}

// Grades are the levels of a regime, gravest first, and the rules that reach them.
// The grade of an incident is the gravest whose rule holds.
type Grades struct {
	Levels []string `json:"levels,omitempty"`
	// Rest is the level of what reaches none of the rules, if the text has one.
	Rest  string `json:"rest,omitempty"`
	Rules []Rule `json:"rules,omitempty"`
	// Except is a condition under which nothing is graded at all.
	Except string `json:"except,omitempty"`
	// ImpliedBy names an anchor that is the grade itself: who classified an incident
	// as major has graded it.
	ImpliedBy string `json:"implied_by,omitempty"`
	Note      string `json:"note,omitempty"`

	except *Condition
}

// Rule is one way to reach a level.
type Rule struct {
	ID         string `json:"id"`
	Level      string `json:"level"`
	When       string `json:"when,omitempty"`
	Article    string `json:"article"`
	Says       string `json:"says"` // in our words
	Confidence string `json:"confidence"`
	Source     string `json:"source,omitempty"`
	// Blank says who must fill in what, where the threshold isn't known. When is
	// then what an incident must at least have to touch it; empty, any does.
	Blank string   `json:"blank,omitempty"`
	Roles []string `json:"roles,omitempty"` // only for a party with one of these

	when *Condition
}

// decides reports whether the rule may start a clock, or can only call a person.
func (r Rule) decides() bool { return r.Blank == "" && r.when != nil && sure(r.Confidence) }

// Stage is one act that is owed.
type Stage struct {
	ID      string   `json:"id"`
	Name    string   `json:"name"`
	Article string   `json:"article"`
	Grades  []string `json:"grades,omitempty"` // levels at which it is owed; none: at any
	Roles   []string `json:"roles,omitempty"`  // of the party; none: the pack's
	Not     []string `json:"not,omitempty"`    // a party with one of these doesn't owe it
	// By is set for an authority's own clock: the role that owes it, whoever asks.
	By     string `json:"by,omitempty"`
	When   string `json:"when,omitempty"` // condition over facts
	Anchor string `json:"anchor"`         // word of the law for what starts it
	Of     string `json:"of,omitempty"`   // the previous stage, where the anchor is one's sending or receipt
	// Or is another word that the text gives for the same: it starts the clock where
	// the anchor itself isn't recorded.
	Or      string    `json:"or,omitempty"`
	Which   string    `json:"which,omitempty"` // of several: first (unless said), last, each
	Limits  []Reading `json:"limits"`
	Cap     *Cap      `json:"cap,omitempty"`
	Rolls   *Roll     `json:"rolls,omitempty"`
	Zone    string    `json:"zone,omitempty"`
	To      Addressed `json:"to,omitzero"`
	CopyTo  []string  `json:"copy_to,omitempty"`
	Meets   string    `json:"meets,omitempty"`  // dispatched (unless said), delivered, acknowledged
	MetBy   []string  `json:"met_by,omitempty"` // other stages, events or another regime's stage whose filing meets this one
	Until   string    `json:"until,omitempty"`  // the stage whose due moment bounds this one's reason to be
	Every   string    `json:"every,omitempty"`  // month or quarter: one for each
	Content []string  `json:"content,omitempty"`
	Note    string    `json:"note,omitempty"`
	RestsOn string    `json:"rests_on,omitempty"`
	// LateReasons says when and how lateness must be explained.
	LateReasons string `json:"late_reasons,omitempty"`
	Pause       string `json:"pause,omitempty"` // who may suspend the clock, and for how long

	// Presumed: the condition holds unless the facts rule it out.
	Presumed bool `json:"presumed,omitempty"`

	when *Condition
	zone *time.Location
}

// Reading is one source's word on a limit. Where there are several, each is
// listed and the one that ends first runs, until somebody confirms one.
type Reading struct {
	Limit      string `json:"limit"`
	Anchor     string `json:"anchor,omitempty"` // instead of the stage's
	Of         string `json:"of,omitempty"`
	Confidence string `json:"confidence"`
	Source     string `json:"source,omitempty"`
	// Blank says who must fill the limit in, where it has no figure or none that is
	// sure.
	Blank string `json:"blank,omitempty"`
	When  string `json:"when,omitempty"` // only where this holds
	Note  string `json:"note,omitempty"`

	limit Limit
	when  *Condition
}

// Cap is a second limit that ends the first early. It doesn't hold for a clock
// that starts only after the cap has passed.
type Cap struct {
	Limit      string `json:"limit"`
	Anchor     string `json:"anchor"`
	Confidence string `json:"confidence"`

	limit Limit
}

// Roll moves a last day that isn't a working day. A rule that isn't sure moves
// nothing.
type Roll struct {
	To         string `json:"to"` // next_working_day, next_working_day_noon
	Article    string `json:"article"`
	Confidence string `json:"confidence"`
	// National: it holds through national law, so for a party whose member state is
	// known.
	National bool   `json:"national,omitempty"`
	Unless   string `json:"unless,omitempty"` // nothing moves where this holds or may hold
	Note     string `json:"note,omitempty"`

	unless *Condition
}

// Addressed are the recipients of a filing: one of them is enough, or all must
// get it.
type Addressed struct {
	AnyOf []string `json:"any_of,omitempty"`
	AllOf []string `json:"all_of,omitempty"`
}

func (a Addressed) list() []string { return slices.Concat(a.AllOf, a.AnyOf) }

// Consequences are what follows when a duty isn't met.
type Consequences struct {
	State    string    `json:"state"` // none, draft, in_force
	From     string    `json:"from,omitempty"`
	Until    string    `json:"until,omitempty"`
	Note     string    `json:"note,omitempty"`
	Schedule []Penalty `json:"schedule,omitempty"`
}

// Penalty is one line of a schedule of consequences.
type Penalty struct {
	ID       string   `json:"id"`
	Stages   []string `json:"stages,omitempty"` // none: every stage
	For      string   `json:"for"`              // late, missed
	Over     string   `json:"over,omitempty"`   // lateness from which it holds: 1h, 2 days
	Amount   int64    `json:"amount"`
	Most     int64    `json:"most,omitempty"` // with an hour's step: no more than this
	PerHour  int64    `json:"per_hour,omitempty"`
	Currency string   `json:"currency"`
	Article  string   `json:"article"`
}

// Confirmation is who said that a site's word holds, and when.
type Confirmation struct {
	Who  string `json:"who"`
	On   string `json:"on"`
	What string `json:"what,omitempty"`
}

// Addresses reports whether a party with these roles owes the regime anything.
// No roles at all are unknown.
func (p *Pack) Addresses(roles []string) Truth {
	truth := oneOf(roles, p.Who.Roles)
	if truth == No && len(p.Who.Perhaps) > 0 && oneOf(roles, p.Who.Perhaps) == Yes {
		return Maybe
	}
	return truth
}

func oneOf(have, want []string) Truth {
	switch {
	case len(want) == 0:
		return Yes
	case len(have) == 0:
		return Maybe
	case slices.ContainsFunc(have, func(r string) bool { return slices.Contains(want, r) }):
		return Yes
	}
	return No
}

// Stage gives a stage by its id.
func (p *Pack) Stage(id string) (Stage, bool) {
	i := slices.IndexFunc(p.Stages, func(s Stage) bool { return s.ID == id })
	if i < 0 {
		return Stage{}, false
	}
	return p.Stages[i], true
}
