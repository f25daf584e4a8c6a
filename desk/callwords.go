package desk

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"tocsin/casebook"
	"tocsin/regime"
	"tocsin/report"
)

// callWords are the words of calls in one language, with what they are told by.
type callWords struct {
	lang report.Lang
	laws *regime.Library
	url  string // by which others reach the platform, "" not known

	subjects map[callKind]string // of one thing
	many     string              // behind the subject: how many more
	more     string
	duty     string // kind, what is owed, party, due local, due UTC, how long until then, article
	owed     string // stage, law, id of the stage
	until    string // a span that is left
	since    string // a span that has passed
	hours    string // hours and minutes
	minutes  string
	kinds    map[callKind]string
	grades   map[casebook.Reach]string
	blank    string
	restsOn  string
	decide   string
	drill    string
}

func (d *Desk) callWords() callWords {
	w := english
	if d.lang() == report.Chinese {
		w = chinese
	}
	w.lang, w.laws, w.url = d.lang(), d.laws, d.url
	return w
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
	duty:    "%s: %s; owed by %s, due %s (%s UTC), %s; %s",
	owed:    "%s (%s %s)",
	until:   "in %s",
	since:   "%s ago",
	hours:   "%d h %d min",
	minutes: "%d min",
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
	duty:    "%s：%s；责任方 %s，截止 %s（UTC %s），%s；%s",
	owed:    "%s（%s %s）",
	until:   "还有 %s",
	since:   "已过 %s",
	hours:   "%d 小时 %d 分钟",
	minutes: "%d 分钟",
	restsOn: "  依据：%s",
	grades:  map[casebook.Reach]string{casebook.Reached: "%s：达到 %s（%s）", casebook.Possible: "%s：可能达到 %s（%s）", casebook.Blank: "%s：%s 无法判定：%s"},
	blank:   "  待定级：%s",
	drill:   "【演练】",
	decide:  "  确认：tocsin incident confirm %s --as 姓名；排除：tocsin incident dismiss %s --as 姓名 --reason 理由",
}

// about names what a call is about in a few words.
func (w callWords) about(c call) string {
	if d := c.duty; !d.ID.IsZero() {
		return shortText(d.Due, d.Zone) + ", " + w.stage(d)
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
		fmt.Fprintf(&b, w.duty+"\n", w.kinds[c.kind], w.stage(d), d.PartyName, localText(d.Due, d.Zone), d.Due.UTC().Format(time.DateTime), w.left(d.Due.Sub(c.at)), w.said(d.Article))
		if d.RestsOn != "" {
			fmt.Fprintf(&b, w.restsOn+"\n", w.said(d.RestsOn))
		}
		if d.Blank != "" {
			fmt.Fprintf(&b, w.blank+"\n", w.said(d.Blank))
		}
		fmt.Fprintf(&b, "  %s %s\n", d.Incident.Text(casebook.IncidentPrefix), c.incident.Title)
		w.link(&b, "/duties/"+d.ID.Text(casebook.DutyPrefix))
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
		fmt.Fprintf(&b, "  "+w.grades[g.Reach]+"\n", g.Regime, w.said(strings.ReplaceAll(g.Level, "_", " ")), w.said(why))
	}
	if !c.incident.ID.IsZero() {
		w.link(&b, "/incidents/"+c.incident.ID.Text(casebook.IncidentPrefix))
	}
	if c.kind == callProposed || c.kind == callTriage {
		id := c.incident.ID.Text(casebook.IncidentPrefix)
		fmt.Fprintf(&b, w.decide+"\n", id, id)
	}
	return b.String()
}

// said is a text of a law pack in the language of the calls.
func (w callWords) said(text string) string {
	said, _ := report.Said(w.lang).Find(text)
	return said
}

// stage is what a duty asks for, in the words of the law under which it was written, with
// the law's short name.
func (w callWords) stage(d casebook.Duty) string {
	pack, err := w.laws.ByDigest(d.Pack)
	if err != nil {
		return d.Regime + " " + d.Stage
	}
	law := pack.ID
	if w.lang == report.Chinese {
		law = cmp.Or(pack.Number, pack.NativeName, pack.ID)
	}
	s, _ := pack.Stage(d.Stage)
	return fmt.Sprintf(w.owed, w.said(cmp.Or(s.Name, d.Stage)), law, d.Stage)
}

// left says how long it is until a moment, or since it passed, to the minute.
func (w callWords) left(span time.Duration) string {
	way := w.until
	if span < 0 {
		way, span = w.since, -span
	}
	minutes := int(span / time.Minute)
	if minutes >= 60 {
		return fmt.Sprintf(way, fmt.Sprintf(w.hours, minutes/60, minutes%60))
	}
	return fmt.Sprintf(way, fmt.Sprintf(w.minutes, minutes))
}

// link writes where a thing is looked at and acted on, if that is known.
func (w callWords) link(b *strings.Builder, path string) {
	if w.url != "" {
		fmt.Fprintf(b, "  %s%s\n", w.url, path)
	}
}

// shortText writes a moment in its legal zone to the minute.
func shortText(t time.Time, zone string) string {
	if at, err := time.LoadLocation(zone); err == nil {
		t = t.In(at)
	}
	return t.Format("2006-01-02 15:04 -07:00")
}
