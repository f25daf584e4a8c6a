package watch

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // the machine that watches may be a small one
	"unicode"

	"tocsin/casebook"
)

// Heartbeat is what a platform says of itself at /api/v1/heartbeat.
type Heartbeat struct {
	Instance     string    // of its ledger
	Now, Started time.Time // by its clock
	// Watched is when its watch loop last completed a round; zero: not yet.
	Watched time.Time
	// ClockOffset is how far its clock is off by its own measurement, if ClockKnown.
	ClockOffset time.Duration
	ClockKnown  bool
	Open        int   // duties that are open
	Due         []Due // the soonest of them, MaxDue at most, soonest first
}

// Due is an open duty's moment.
type Due struct {
	Duty        string    `json:"duty"`
	Incident    string    `json:"incident"`
	Party       string    `json:"party"`
	Regime      string    `json:"regime"`
	Stage       string    `json:"stage"`
	Article     string    `json:"article"`
	Due         time.Time `json:"due"`   // the last moment on time
	Local       string    `json:"local"` // the same in Zone, RFC 3339
	Zone        string    `json:"zone"`
	Provisional bool      `json:"provisional"`
	Exercise    bool      `json:"exercise"` // of a drill
	State       string    `json:"state"`
}

// key names the duty and its moment: one that is moved is another fact.
func (d Due) key() string {
	return strings.Join([]string{d.Duty, d.Incident, d.Stage, d.Due.UTC().Format(time.RFC3339Nano)}, "|")
}

// order sorts the soonest first.
func order(a, b Due) int {
	if c := a.Due.Compare(b.Due); c != 0 {
		return c
	}
	return strings.Compare(a.key(), b.key())
}

// wire is a heartbeat as JSON has it. Moments are texts: "" and null are none.
type wire struct {
	Kind        string    `json:"kind"`
	Instance    string    `json:"instance"`
	Now         string    `json:"now"`
	Started     string    `json:"started"`
	Watched     string    `json:"watched_at"`
	ClockOffset float64   `json:"clock_offset_ms"`
	ClockKnown  bool      `json:"clock_known"`
	Open        int       `json:"open"`
	Due         []wireDue `json:"due"`
}

type wireDue struct {
	Due
	At string `json:"due"` // in the place of Due.Due
}

// maxBeat bounds a heartbeat, in octets.
const maxBeat = 1 << 20

// settled are the states of a duty that nobody needs to be called for.
var settled = []string{"met", "late", "superseded", "void", "suspended"}

// ParseHeartbeat reads a heartbeat. It gives ErrInvalid for what is none. Due
// moments that are settled or can't be read are left out, texts are cut to 300
// runes of one line.
func ParseHeartbeat(text []byte) (Heartbeat, error) {
	fault := func(err error) (Heartbeat, error) {
		return Heartbeat{}, fmt.Errorf("heartbeat: %v: %w", err, casebook.ErrInvalid)
	}
	var w wire
	if len(text) > maxBeat {
		return fault(fmt.Errorf("over %d octets", maxBeat))
	}
	if err := json.Unmarshal(text, &w); err != nil {
		return fault(err)
	}
	if w.Kind != "heartbeat" {
		return fault(fmt.Errorf("kind is %.40q", w.Kind))
	}
	b := Heartbeat{Instance: oneLine(w.Instance), ClockKnown: w.ClockKnown, Open: max(w.Open, 0)}
	if b.Instance == "" {
		return fault(errors.New("instance is empty"))
	}
	var err error
	for _, m := range []struct {
		name, text string
		into       *time.Time
	}{{"now", w.Now, &b.Now}, {"started", w.Started, &b.Started}, {"watched_at", w.Watched, &b.Watched}} {
		if m.text == "" && m.name == "watched_at" {
			continue
		}
		if *m.into, err = moment(m.text); err != nil {
			return fault(fmt.Errorf("%s: %w", m.name, err))
		}
	}
	b.ClockOffset = time.Duration(min(max(w.ClockOffset, -1e12), 1e12) * float64(time.Millisecond))
	for _, d := range w.Due {
		if due, ok := d.due(); ok {
			b.Due = append(b.Due, due)
		}
	}
	slices.SortFunc(b.Due, order)
	b.Due = slices.CompactFunc(b.Due, func(x, y Due) bool { return x.key() == y.key() })
	b.Due = b.Due[:min(len(b.Due), MaxDue)]
	b.Open = max(b.Open, len(b.Due))
	return b, nil
}

func (w wireDue) due() (Due, bool) {
	d := w.Due
	at, err := moment(w.At)
	if err != nil || slices.Contains(settled, d.State) {
		return Due{}, false
	}
	d.Due = at
	for _, text := range []*string{&d.Duty, &d.Incident, &d.Party, &d.Regime, &d.Stage, &d.Article, &d.Local, &d.Zone, &d.State} {
		*text = oneLine(*text)
	}
	return d, true
}

// moment reads a moment of this and the next century.
func moment(text string) (time.Time, error) {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%.40q is no moment as in RFC 3339", text)
	}
	if at = at.UTC(); at.Year() < 2000 || at.Year() > 2199 {
		return time.Time{}, fmt.Errorf("%.40q is out of the years 2000 to 2199", text)
	}
	return at, nil
}

func oneLine(text string) string {
	n := 0
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if n++; n > 300 {
			return -1
		}
		if unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Bidi_Control) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD")))
}

// local writes the moment in the duty's own zone: as the platform froze it if that
// is the same moment, otherwise by the zone's rules; "" if neither tells.
func (d Due) local() string {
	const form = "2006-01-02 15:04:05 -07:00"
	if at, err := time.Parse(time.RFC3339Nano, d.Local); err == nil && at.Equal(d.Due) {
		return at.Format(form)
	}
	if zone, err := time.LoadLocation(d.Zone); err == nil && d.Zone != "" && d.Zone != "Local" {
		return d.Due.In(zone).Format(form)
	}
	return ""
}
