package desk

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/casebook"
	"tocsin/store"
)

// callKind says why people are called.
type callKind int

// The reasons for a call, most urgent first.
const (
	callMissed     callKind = iota // a duty is due and not filed
	callWarning                    // a duty's moment comes near
	callOpened                     // a duty was opened
	callNobody                     // an incident is there, and nobody's duties are reckoned
	callBounced                    // a filing or an order was refused for good
	callReopened                   // what was said to be clean was seen again
	callOverdue                    // an order's limit passed with rows undone
	callAnswered                   // an answer leaves people something to decide
	callCorrection                 // a correction waits for a second person
	callPassed                     // the moment of a provisional duty passed
	callTriage                     // a proposed incident waits for a yes or no
	callProposed                   // a threat may be an incident
	callClock                      // the machine's clock is off, or jumped
)

var callKinds = [...]string{"duty_missed", "duty_warning", "duty_opened", "no_party", "not_delivered", "reopened", "order_overdue", "answer_to_decide", "correction_asked", "provisional_passed", "triage_lapsed", "incident_proposed", "clock"}

func (k callKind) String() string { return callKinds[k] }

// A call is one thing that people on duty must hear at once.
type call struct {
	kind     callKind
	duty     casebook.Duty
	incident casebook.Incident
	grades   []casebook.Grade
	note     string
	at       time.Time
}

// maxCalls bounds how many things one message tells; the rest is counted.
const maxCalls = 200

// A Message is what goes out: a line of the outbox, before a channel carries it.
type Message struct {
	Target  string          `json:"target"` // "" is whoever is on duty
	Subject string          `json:"subject"`
	Text    string          `json:"text"`
	Body    json.RawMessage `json:"body"`
	At      time.Time       `json:"at"`
	Urgent  bool            `json:"urgent"`
}

// exercise reports whether the call is part of a drill.
func (c call) exercise() bool { return c.duty.Mark.Exercise || c.incident.Mark.Exercise }

func falseFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// enqueue puts what people must hear into the outbox, in the commit that found it:
// one message for all of it, the most urgent first, drills last.
func (d *Desk) enqueue(tx *store.Tx, at time.Time, calls []call) error {
	if len(calls) == 0 {
		return nil
	}
	slices.SortStableFunc(calls, func(a, b call) int {
		return cmp.Or(falseFirst(a.exercise(), b.exercise()), cmp.Compare(a.kind, b.kind), falseFirst(a.duty.Provisional, b.duty.Provisional), a.duty.Due.Compare(b.duty.Due))
	})
	w := d.callWords()
	m := Message{Subject: w.subject(calls), At: at.UTC(), Urgent: calls[0].kind < callClock}
	var text strings.Builder
	items := []any{}
	for i, c := range calls {
		if i == maxCalls {
			fmt.Fprintf(&text, w.more+"\n", len(calls)-maxCalls)
			break
		}
		if !c.duty.ID.IsZero() && c.incident.ID.IsZero() {
			incident, err := tx.Incident(c.duty.Incident)
			if err != nil {
				return err
			}
			c.incident = incident
		}
		text.WriteString(w.line(c))
		items = append(items, c.item())
	}
	m.Text = text.String()
	body, err := json.Marshal(map[string]any{"kind": "call", "at": m.At, "count": len(calls), "items": items})
	if err != nil {
		return err
	}
	m.Body = body
	payload, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return tx.Enqueue(store.OutboxLine{Tenant: 1, Kind: "call", MessageID: strings.ReplaceAll(casebook.NewID(at).Text("msg"), "_", "-"), Payload: payload})
}

// item is a call for programs.
func (c call) item() map[string]any {
	item := map[string]any{"reason": c.kind.String(), "exercise": c.exercise()}
	if !c.incident.ID.IsZero() {
		item["incident"], item["title"] = c.incident.ID.Text(casebook.IncidentPrefix), c.incident.Title
	}
	if c.note != "" {
		item["note"] = c.note
	}
	if d := c.duty; !d.ID.IsZero() {
		item["duty"], item["incident"] = d.ID.Text(casebook.DutyPrefix), d.Incident.Text(casebook.IncidentPrefix)
		item["regime"], item["stage"], item["article"], item["party"] = d.Regime, d.Stage, d.Article, d.PartyName
		item["due"], item["local"], item["zone"] = d.Due.UTC(), localText(d.Due, d.Zone), d.Zone
		item["state"], item["provisional"] = d.State.String(), d.Provisional
	}
	var grades []map[string]any
	for _, g := range c.grades {
		grades = append(grades, map[string]any{"regime": g.Regime, "level": g.Level, "reach": g.Reach.String(), "article": g.Article, "figures": g.Figures, "blank": g.Blank})
	}
	if grades != nil {
		item["grades"] = grades
	}
	return item
}

// localText writes a moment in its legal zone, RFC 3339 with the offset.
func localText(t time.Time, zone string) string {
	if at, err := time.LoadLocation(zone); err == nil {
		t = t.In(at)
	}
	return t.Format(time.RFC3339)
}

// ReadMessage reads the payload of an outbox line. It gives ErrInvalid for one that
// is none.
func ReadMessage(payload []byte) (Message, error) {
	var m Message
	if err := json.Unmarshal(payload, &m); err != nil {
		return m, fmt.Errorf("the payload of an outbox line: %w: %w", err, casebook.ErrInvalid)
	}
	return m, nil
}
