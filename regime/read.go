package regime

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"tocsin/casebook"
)

// The bounds of an incident's file.
const (
	maxIncident = 1 << 20 // octets
	maxEvents   = 10_000
)

type incidentFile struct {
	Party struct {
		Roles         []string `json:"roles"`
		Region        string   `json:"region"`
		MemberState   string   `json:"member_state"`
		NetworkRegion string   `json:"network_region"`
		EffectRegion  string   `json:"effect_region"`
	} `json:"party"`
	Facts  casebook.Facts             `json:"facts"`
	Grades map[string]json.RawMessage `json:"grades"`
	Events map[string]json.RawMessage `json:"events"`
}

// ReadIncident reads an incident as docs/regimes.md describes it. name is the
// file's, for messages. It gives ErrInvalid for what isn't one, naming the field,
// and the nearest known name where a fact, an event, a role, a regime or a grade
// isn't known; ErrTooLarge beyond a mebioctet or 10,000 events.
func (l *Library) ReadIncident(name string, text []byte) (Incident, error) {
	in, err := l.readIncident(text)
	if err != nil {
		return Incident{}, fmt.Errorf("%s: %w", name, err)
	}
	return in, nil
}

func (l *Library) readIncident(text []byte) (Incident, error) {
	if len(text) > maxIncident {
		return Incident{}, fmt.Errorf("more than %d octets: %w", maxIncident, casebook.ErrTooLarge)
	}
	if err := onceEach(text); err != nil {
		return Incident{}, err
	}
	var f incidentFile
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return Incident{}, jsonFault(text, d.InputOffset(), err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Incident{}, fmt.Errorf("line %d: something follows the incident: %w", lineAt(text, d.InputOffset()), casebook.ErrInvalid)
	}
	in := Incident{Party: Party(f.Party), Facts: f.Facts, Grades: map[string][]Graded{}}
	if err := l.checkParty(in.Party); err != nil {
		return Incident{}, err
	}
	if err := l.facts.Check(in.Facts); err != nil {
		return Incident{}, err
	}
	for _, id := range slices.Sorted(maps.Keys(f.Grades)) {
		list, err := l.readGrades(id, f.Grades[id])
		if err != nil {
			return Incident{}, err
		}
		in.Grades[id] = list
	}
	names := l.eventNames()
	for _, kind := range slices.Sorted(maps.Keys(f.Events)) {
		if !slices.Contains(names, kind) {
			return Incident{}, fmt.Errorf("events.%.80s: no such event%s: %w", kind, meantEvent(kind, names), casebook.ErrInvalid)
		}
		list, err := readEvents(kind, f.Events[kind])
		if err != nil {
			return Incident{}, err
		}
		if in.Events = append(in.Events, list...); len(in.Events) > maxEvents {
			return Incident{}, fmt.Errorf("events: more than %d: %w", maxEvents, casebook.ErrTooLarge)
		}
	}
	return in, nil
}

// Newest gives the later of a moment and the incident's newest event.
func (in Incident) Newest(at time.Time) time.Time {
	for _, e := range in.Events {
		if e.At.After(at) {
			at = e.At
		}
	}
	return at
}

// meantEvent names the nearest event, or the words there are; stages are too many
// to list.
func meantEvent(kind string, names []string) string {
	if n := Nearest(kind, names); n != "" {
		return "; did you mean " + n + "?"
	}
	return "; there are " + strings.Join(anchorNames(), ", ") + ", and <stage>.submitted and <stage>.received"
}

func (l *Library) checkParty(p Party) error {
	for _, r := range p.Roles {
		if !slices.Contains(Roles, r) {
			return fmt.Errorf("party.roles: no such role %.40q%s: %w", r, meant(r, Roles), casebook.ErrInvalid)
		}
	}
	if _, ok := states[p.MemberState]; !ok && p.MemberState != "" {
		return fmt.Errorf("party.member_state: %.40q isn't a member state's code such as DE: %w", p.MemberState, casebook.ErrInvalid)
	}
	for _, r := range []struct{ field, code string }{{"region", p.Region}, {"network_region", p.NetworkRegion}, {"effect_region", p.EffectRegion}} {
		if c, _, _ := strings.Cut(r.code, "-"); r.code != "" && (len(c) != 2 || strings.ToUpper(r.code) != r.code) {
			return fmt.Errorf("party.%s: %.40q isn't a code of ISO 3166 such as CN-11: %w", r.field, r.code, casebook.ErrInvalid)
		}
	}
	return nil
}

type gradeFile struct {
	Grade string `json:"grade"`
	At    string `json:"at"`
	Known string `json:"known"` // when it should have been known
	Final bool   `json:"determined"`
}

// readGrades reads a grade, or the grades that followed one another.
func (l *Library) readGrades(id string, raw json.RawMessage) ([]Graded, error) {
	p, err := l.Find(id)
	if err != nil {
		return nil, fmt.Errorf("grades.%.80s: no such regime%s: %w", id, meant(id, l.IDs()), casebook.ErrInvalid)
	}
	at := "grades." + id
	var files []gradeFile
	var one string
	switch {
	case json.Unmarshal(raw, &one) == nil:
		files = []gradeFile{{Grade: one}}
	case decodeStrict(raw, &files) != nil || len(files) == 0 || len(files) > 100:
		return nil, fmt.Errorf("%s: expected a grade, or a list of {grade, at} in the order of time: %w", at, casebook.ErrInvalid)
	}
	known := slices.Clone(p.Grades.Levels)
	if p.Grades.Rest != "" {
		known = append(known, p.Grades.Rest)
	}
	var list []Graded
	for i, f := range files {
		if !slices.Contains(known, f.Grade) {
			return nil, fmt.Errorf("%s: no such grade %.40q%s: %w", at, f.Grade, meant(f.Grade, known), casebook.ErrInvalid)
		}
		g := Graded{Level: f.Grade, Final: f.Final}
		for _, m := range []struct {
			name, text string
			into       *time.Time
		}{{"at", f.At, &g.At}, {"known", f.Known, &g.Known}} {
			if m.text == "" {
				continue
			}
			if *m.into, err = moment(at+"."+m.name, m.text); err != nil {
				return nil, err
			}
		}
		if i > 0 && (g.At.IsZero() || g.At.Before(list[i-1].At)) {
			return nil, fmt.Errorf("%s: the change to %s needs at, a moment after the grade before: %w", at, g.Level, casebook.ErrInvalid)
		}
		list = append(list, g)
	}
	return list, nil
}

type eventFile struct {
	At     string   `json:"at"`
	Was    string   `json:"was"`
	Until  string   `json:"until"`
	Reason string   `json:"reason"`
	By     []string `json:"by"`
}

// UnmarshalJSON reads a moment alone, or one with what goes with it.
func (e *eventFile) UnmarshalJSON(text []byte) error {
	var at string
	if json.Unmarshal(text, &at) == nil {
		*e = eventFile{At: at}
		return nil
	}
	type plain eventFile
	return decodeStrict(text, (*plain)(e))
}

func readEvents(kind string, raw json.RawMessage) ([]Event, error) {
	var files []eventFile
	var one eventFile
	if json.Unmarshal(raw, &one) == nil && string(raw) != "null" {
		files = []eventFile{one}
	} else if decodeStrict(raw, &files) != nil || string(raw) == "null" {
		return nil, fmt.Errorf("events.%s: expected a moment such as \"2026-03-02T09:00:00+08:00\", an object {at, was, until, reason, by}, or a list of them: %w", kind, casebook.ErrInvalid)
	}
	var list []Event
	for _, f := range files {
		e := Event{Kind: kind, Reason: f.Reason, By: f.By}
		var err error
		if e.At, err = moment("events."+kind, f.At); err != nil {
			return nil, err
		}
		if f.Was != "" {
			if e.Was, err = moment("events."+kind+".was", f.Was); err != nil {
				return nil, err
			}
		}
		extends := strings.HasSuffix(kind, ".extended")
		if extends || f.Until != "" {
			if e.Until, err = moment("events."+kind+".until", f.Until); err != nil {
				return nil, err
			}
		}
		if f.Until != "" && !extends {
			return nil, fmt.Errorf("events.%s: until is for <stage>.extended: %w", kind, casebook.ErrInvalid)
		}
		if (f.Was != "" || kind == voided || extends) && (strings.TrimSpace(f.Reason) == "" || !twoPeople(f.By)) {
			return nil, fmt.Errorf("events.%s: a correction, an extension, and that there was no incident need a reason and by, two people: %w", kind, casebook.ErrInvalid)
		}
		list = append(list, e)
	}
	return list, nil
}

func twoPeople(by []string) bool {
	people := slices.Compact(slices.Sorted(slices.Values(by)))
	return len(people) >= 2 && people[0] != ""
}

// The years between which a moment is believed.
const firstYear, lastYear = 1990, 2200

// moment reads a moment with its offset: without one it isn't known when it was.
func moment(at, text string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || t.Year() < firstYear || t.Year() > lastYear {
		return time.Time{}, fmt.Errorf("%s: %.40q isn't a moment with its offset such as 2026-03-02T09:00:00+08:00: %w", at, text, casebook.ErrInvalid)
	}
	return t, nil
}

func decodeStrict(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

func lineAt(text []byte, offset int64) int {
	return 1 + bytes.Count(text[:min(int(offset), len(text))], []byte("\n"))
}

// jsonFault says where a JSON text is at fault.
func jsonFault(text []byte, offset int64, err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("line %d: %s: %w", lineAt(text, syntax.Offset), syntax, casebook.ErrInvalid)
	case errors.As(err, &kind):
		return fmt.Errorf("line %d: %s: got a %s: %w", lineAt(text, kind.Offset), kind.Field, kind.Value, casebook.ErrInvalid)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("line %d: the JSON ends too early: %w", lineAt(text, offset), casebook.ErrInvalid)
	case errors.Is(err, casebook.ErrInvalid):
		return fmt.Errorf("line %d: %w", lineAt(text, offset), err)
	}
	return fmt.Errorf("line %d: %s: an incident has party, facts, grades and events: %w", lineAt(text, offset), strings.TrimPrefix(err.Error(), "json: "), casebook.ErrInvalid)
}

// onceEach refuses an object that says the same name twice: which one was meant
// can't be known.
func onceEach(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	type level struct {
		names map[string]bool // nil in a list
		key   bool            // a name comes next
	}
	var stack []level
	for {
		t, err := d.Token()
		if err != nil {
			return nil // the reader that follows says what is wrong
		}
		top := len(stack) - 1
		switch t {
		case json.Delim('{'), json.Delim('['):
			if top >= 0 {
				stack[top].key = stack[top].names != nil
			}
			if len(stack) == maxDepth {
				return fmt.Errorf("line %d: more than %d objects within objects: %w", lineAt(text, d.InputOffset()), maxDepth, casebook.ErrTooLarge)
			}
			l := level{}
			if t == json.Delim('{') {
				l = level{names: map[string]bool{}, key: true}
			}
			stack = append(stack, l)
		case json.Delim('}'), json.Delim(']'):
			stack = stack[:top]
		default:
			if top < 0 || stack[top].names == nil {
				continue
			}
			if !stack[top].key {
				stack[top].key = true
				continue
			}
			name, _ := t.(string)
			if stack[top].names[name] {
				return fmt.Errorf("line %d: %.80q is there twice: %w", lineAt(text, d.InputOffset()), name, casebook.ErrInvalid)
			}
			stack[top].names[name], stack[top].key = true, false
		}
	}
}
