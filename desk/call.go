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
	w := wordsOf(d.language)
	m := Message{Subject: w.subject(calls), At: at.UTC(), Urgent: calls[0].kind < callClock}
	var text strings.Builder
	items := []any{}
	for i, c := range calls {
		if i == maxCalls {
			fmt.Fprintf(&text, w.more+"\n", len(calls)-maxCalls)
			break
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

// callWords are the words of calls in one language.
type callWords struct {
	subjects map[callKind]string // of one thing
	many     string              // behind the subject: how many more
	more     string
	duty     string // kind, act, party, due local, due UTC, article
	act      string // regime and stage
	kinds    map[callKind]string
	grades   map[casebook.Reach]string
	blank    string
	restsOn  string
	decide   string
	drill    string
}

func wordsOf(language string) callWords {
	if language == "zh" {
		return chinese
	}
	return english
}

var english = callWords{
	subjects: map[callKind]string{
		callMissed: "MISSED: %s", callWarning: "Due soon: %s", callOpened: "Clock started: %s", callNobody: "No clock runs, this platform speaks for no party: %s", callBounced: "NOT DELIVERED: %s", callReopened: "Seen again: %s", callOverdue: "Order overdue: %s", callAnswered: "An answer to decide on: %s", callCorrection: "A correction waits for a second person: %s", callPassed: "Provisional moment passed: %s",
		callTriage: "Still waiting for a yes or no: %s", callProposed: "Possible incident: %s", callClock: "Clock: %s",
	},
	many: " and %d more", more: "and %d more: see the list of duties and incidents",
	kinds: map[callKind]string{
		callMissed: "MISSED, due and not filed", callWarning: "Due soon", callOpened: "A clock started", callNobody: "No clock runs: this platform speaks for no party yet (tocsin party add --own)", callBounced: "NOT DELIVERED, send it again or bring it by another channel", callReopened: "Seen again after it was said to be clean", callOverdue: "The limit of an order passed", callAnswered: "An answer to an order leaves something to decide", callCorrection: "A correction of a legal moment waits for another person's yes (tocsin incident correct)", callPassed: "The moment of a provisional duty passed",
		callTriage: "Waits for a yes or no for over 15 minutes", callProposed: "May be an incident", callClock: "The clock of the platform",
	},
	duty:    "%s: %s of %s, due %s (%s UTC), %s",
	act:     "%s %s",
	restsOn: "  rests on: %s",
	grades:  map[casebook.Reach]string{casebook.Reached: "%s: %s reached (%s)", casebook.Possible: "%s: %s possible (%s)", casebook.Blank: "%s: %s can't be told: %s"},
	blank:   "  to be graded: %s",
	drill:   "[EXERCISE] ",
	decide:  "  say yes: tocsin incident confirm %s --as NAME; no: tocsin incident dismiss %s --as NAME --reason WHY",
}

var chinese = callWords{
	subjects: map[callKind]string{
		callMissed: "已逾期：%s", callWarning: "即将到期：%s", callOpened: "时限开始：%s", callNobody: "未计时，平台尚未登记本方单位：%s", callBounced: "未能送达：%s", callReopened: "再次出现：%s", callOverdue: "处置通知超期：%s", callAnswered: "反馈待决定：%s", callCorrection: "时刻更正待第二人确认：%s", callPassed: "暂定时限已过：%s",
		callTriage: "仍待确认：%s", callProposed: "疑似事件：%s", callClock: "时钟：%s",
	},
	many: " 等另外 %d 项", more: "另有 %d 项，见义务与事件列表",
	kinds: map[callKind]string{
		callMissed: "已逾期，尚未报送", callWarning: "即将到期", callOpened: "时限开始计算", callNobody: "未开始计时：平台尚未登记本方单位（tocsin party add --own）", callBounced: "未能送达，请重发或改用其他渠道", callReopened: "报称已清除后再次出现", callOverdue: "处置通知的时限已过", callAnswered: "对处置通知的反馈需要决定", callCorrection: "法定时刻的更正待另一人确认（tocsin incident correct）", callPassed: "暂定义务的时限已过",
		callTriage: "等待确认已超过 15 分钟", callProposed: "可能构成事件", callClock: "平台时钟",
	},
	duty:    "%s：%s，责任方 %s，截止 %s（UTC %s），%s",
	act:     "%s %s",
	restsOn: "  依据：%s",
	grades:  map[casebook.Reach]string{casebook.Reached: "%s：达到 %s（%s）", casebook.Possible: "%s：可能达到 %s（%s）", casebook.Blank: "%s：%s 无法判定：%s"},
	blank:   "  待定级：%s",
	drill:   "【演练】",
	decide:  "  确认：tocsin incident confirm %s --as 姓名；排除：tocsin incident dismiss %s --as 姓名 --reason 理由",
}

// about names what a call is about in a few words.
func (w callWords) about(c call) string {
	if d := c.duty; !d.ID.IsZero() {
		return fmt.Sprintf(w.act, d.Regime, d.Stage) + ", " + localText(d.Due, d.Zone)
	}
	if c.note != "" && (c.kind == callClock || c.kind >= callBounced && c.kind <= callCorrection) {
		return c.note
	}
	return c.incident.Title
}

func (w callWords) subject(calls []call) string {
	s := fmt.Sprintf(w.subjects[calls[0].kind], w.about(calls[0]))
	if calls[0].exercise() {
		s = w.drill + s
	}
	if n := len(calls) - 1; n > 0 {
		s += fmt.Sprintf(w.many, n)
	}
	return clipLine(s, 200)
}

func (w callWords) line(c call) string {
	var b strings.Builder
	if c.exercise() {
		b.WriteString(w.drill)
	}
	if d := c.duty; !d.ID.IsZero() {
		fmt.Fprintf(&b, w.duty+"\n", w.kinds[c.kind], fmt.Sprintf(w.act, d.Regime, d.Stage), d.PartyName, localText(d.Due, d.Zone), d.Due.UTC().Format(time.DateTime), d.Article)
		if d.RestsOn != "" {
			fmt.Fprintf(&b, w.restsOn+"\n", d.RestsOn)
		}
		if d.Blank != "" {
			fmt.Fprintf(&b, w.blank+"\n", d.Blank)
		}
		fmt.Fprintf(&b, "  %s\n", d.Incident.Text(casebook.IncidentPrefix))
		return b.String()
	}
	fmt.Fprintf(&b, "%s: %s\n", w.kinds[c.kind], w.about(c))
	for _, g := range c.grades {
		why := g.Blank
		if g.Reach != casebook.Blank {
			var figures []string
			for _, name := range g.Figures.Names() {
				figures = append(figures, name+" "+g.Figures[name].String())
			}
			why = strings.Join(figures, ", ")
		}
		fmt.Fprintf(&b, "  "+w.grades[g.Reach]+"\n", g.Regime, g.Level, why)
	}
	if c.kind == callProposed || c.kind == callTriage {
		id := c.incident.ID.Text(casebook.IncidentPrefix)
		fmt.Fprintf(&b, w.decide+"\n", id, id)
	}
	return b.String()
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
