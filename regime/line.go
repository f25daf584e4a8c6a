package regime

import (
	"time"

	"tocsin/casebook"
)

// Line is a duty as tocsin regime due prints it.
type Line struct {
	Regime     string   `json:"regime"`
	Stage      string   `json:"stage"`
	Article    string   `json:"article"`
	Anchor     string   `json:"anchor"`
	Started    string   `json:"started"`
	Limit      string   `json:"limit"`
	Due        string   `json:"due"`      // the last second on time, UTC
	Local      string   `json:"local"`    // the same in zone
	Zone       string   `json:"zone"`     // the recipient's
	Calendar   *string  `json:"calendar"` // name and version, null where none had a say
	State      string   `json:"state"`
	To         []string `json:"to"`
	CopyTo     []string `json:"copy_to"`
	Confidence string   `json:"confidence"`
	Pack       string   `json:"pack"`

	Name        string   `json:"name"`
	Key         string   `json:"key"`     // tells several of one stage apart
	Event       string   `json:"event"`   // the recorded event that started it
	ToMode      string   `json:"to_mode"` // any_of: one recipient is enough; all_of: each must get it
	ToRoles     []string `json:"to_roles"`
	OwedBy      string   `json:"owed_by"` // role, for an authority's own clock; "" the party
	Meets       string   `json:"meets"`   // what meets it: dispatched, delivered, acknowledged
	Provisional bool     `json:"provisional"`
	Blank       string   `json:"blank"`    // who must fill in what
	RestsOn     string   `json:"rests_on"` // what the limit rests on, as a sentence
	Cap         string   `json:"cap"`      // the second limit that ended it early
	WasDue      string   `json:"was_due"`  // before a correction or a pause
	MetAt       string   `json:"met_at"`
	Reason      string   `json:"reason"`
	Readings    []string `json:"readings"` // what each source says, where there are several
	LateReasons string   `json:"late_reasons"`

	Grade   string         `json:"grade"`   // that it is owed under, "" at any
	Rule    string         `json:"rule"`    // that reached or may reach the grade, "" where a person gave it
	Figures casebook.Facts `json:"figures"` // that decided it
}

// Line gives the duty as it is printed. Lists are never null.
func (d Due) Line() Line {
	l := Line{
		Regime: d.Regime, Stage: d.Stage, Article: d.Article, Anchor: d.Anchor, Started: utc(d.Started), Limit: d.Limit,
		Due: utc(d.Due), Local: d.Due.In(d.Location).Format(time.RFC3339Nano), Zone: d.Zone, State: d.State.String(),
		To: list(d.ToNames), CopyTo: list(d.CopyName), Confidence: d.Confidence, Pack: d.Pack,
		Name: d.Name, Key: d.Key, Event: d.Event, ToMode: "all_of", ToRoles: list(d.To), OwedBy: d.OwedBy, Meets: d.Meets,
		Provisional: d.Provisional, Blank: d.Blank, RestsOn: d.RestsOn, Cap: d.Cap, WasDue: utc(d.WasDue), MetAt: utc(d.MetAt),
		Reason: d.Reason, Readings: list(d.Readings), LateReasons: d.LateReasons,
	}
	l.Grade, l.Rule, l.Figures = d.Grade.Level, d.Grade.Rule, d.Grade.Figures
	if l.Figures == nil {
		l.Figures = casebook.Facts{}
	}
	if d.Calendar != "" {
		l.Calendar = &d.Calendar
	}
	if d.AnyOf {
		l.ToMode = "any_of"
	}
	return l
}

// utc writes a moment; "" for none.
func utc(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func list(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}
