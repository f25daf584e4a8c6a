package watch

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"tocsin/courier"
)

// words are what calls are made of, in one language. Verbs come in the same order
// in each.
type words struct {
	subject  map[Kind]string
	faults   map[Fault]string
	next     string // behind a subject: the next moment
	heard    string // platform, moment, span
	never    string // platform
	reason   string // fault, what was said
	open     string // duties open, how many are listed
	none     string // nothing was open
	more     string // how many aren't listed
	blind    string // all that was listed passed
	due      string // one due moment: number, mark, moment
	local    string // the same in the duty's zone: moment, zone
	party    string
	ids      string // incident, duty
	isNew    string
	passed   string
	ahead    string // span until then
	drill    string // before what is of a drill
	prov     string
	act      string
	ack      string
	repeat   string // number of the call, span until the next one
	back     string // platform, moment, span
	meantime string // how many passed
	nothing  string
	nowState string // state
	unlisted string
	fast     string // a clock: platform, offset, bound
	slow     string // the same
	own      string // its own measure
	clockAct string
	test     string
	hours    string
	minutes  string
	seconds  string
	days     string
}

// languages are those that calls are spoken in.
var languages = map[string]words{
	"en": {
		subject: map[Kind]string{
			KindSilent: "SILENT: %s isn't watching its deadlines",
			KindSoon:   "DUE SOON while %s is silent",
			KindPassed: "DEADLINE PASSED while %s is silent",
			KindBack:   "BACK: %s watches its deadlines again",
			KindClock:  "CLOCK: %s and its watcher disagree",
			KindTest:   "TEST: tocsin watch can reach you",
		},
		faults: map[Fault]string{
			"": "unknown", NoAnswer: "it doesn't answer", WrongAnswer: "it answers something wrong", KeyRefused: "it refuses the watcher's key",
			CertificateRefused: "its certificate doesn't hold", Stale: "it answers, but its watch loop stands still",
			OtherInstance: "another platform answers in its place",
		},
		next:     "; next due %s",
		heard:    "The platform %s was last known to watch its deadlines at %s, %s ago.",
		never:    "The platform %s has never been heard since this watch began.",
		reason:   "Reason: %s (%s).",
		open:     "Open duties that it last told of: %d. The soonest, %d of them:",
		none:     "It last told of no open duty.",
		more:     "Open and not listed here: %d more. Look them up in its records.",
		blind:    "Every moment listed has passed: others, not listed, may have passed too.",
		due:      "%d. %s %s UTC",
		local:    " = %s (%s)",
		party:    "party %s",
		ids:      "incident %s, duty %s",
		isNew:    "NEW",
		passed:   "PASSED",
		ahead:    "in %s",
		drill:    "[EXERCISE] ",
		prov:     "provisional: the moment isn't settled, this is the shortest",
		act:      "File what is due by phone or mail now, note when and with whom, and get the platform back.",
		ack:      "Whoever takes this over says so on the watching machine: tocsin watch --ack NAME",
		repeat:   "This is call %d of this silence. The next one follows in %s if nobody does.",
		back:     "The platform %s has been watching its deadlines again since %s. It didn't for %s.",
		meantime: "Moments that passed meanwhile: %d.",
		nothing:  "No moment that it had told of passed meanwhile.",
		nowState: "the platform now says: %s",
		unlisted: "the platform no longer lists it as open: filed, or recorded as missed",
		fast:     "The clock of %s is ahead of the watcher's by %s, give or take %s.",
		slow:     "The clock of %s is behind the watcher's by %s, give or take %s.",
		own:      "By its own measure the platform's clock is off by %s.",
		clockAct: "Deadlines are proven to the second: find out which clock is wrong, and set it by a time server.",
		test:     "This is a test that somebody asked for. Nothing has happened.",
		days:     "%d d", hours: "%d h", minutes: "%d min", seconds: "%d s",
	},
	"zh": {
		subject: map[Kind]string{
			KindSilent: "失联：%s 已停止监视时限",
			KindSoon:   "时限将至：%s 仍失联",
			KindPassed: "时限已过：%s 仍失联",
			KindBack:   "恢复：%s 已重新监视时限",
			KindClock:  "时钟：%s 与监视机不一致",
			KindTest:   "测试：tocsin watch 可以联系到您",
		},
		faults: map[Fault]string{
			"": "不明", NoAnswer: "平台无应答", WrongAnswer: "平台应答有误", KeyRefused: "平台拒绝监视机的密钥",
			CertificateRefused: "平台证书无效", Stale: "平台有应答，但其时限监视已停",
			OtherInstance: "应答的是另一个平台",
		},
		next:     "；下一时限 %s",
		heard:    "平台 %s 最后一次确知在监视时限：%s，距今 %s。",
		never:    "自开始监视以来，平台 %s 从未应答。",
		reason:   "原因：%s（%s）。",
		open:     "平台最后告知有 %d 项未完成的义务，最近的 %d 项：",
		none:     "平台最后告知没有未完成的义务。",
		more:     "另有 %d 项未列出，请查平台记录。",
		blind:    "所列时限均已过，未列出的也可能已过。",
		due:      "%d. %s %s UTC",
		local:    " = %s（%s）",
		party:    "责任方 %s",
		ids:      "事件 %s，义务 %s",
		isNew:    "新",
		passed:   "已过",
		ahead:    "还有 %s",
		drill:    "【演练】",
		prov:     "暂定：时限未定，取最短者",
		act:      "请立即用电话或邮件报送到期事项，记下时间和对方姓名，并恢复平台。",
		ack:      "接手者请在监视机上执行：tocsin watch --ack 姓名",
		repeat:   "这是本次失联的第 %d 次呼叫；无人接手则 %s后再次呼叫。",
		back:     "平台 %s 自 %s 起已重新监视时限，此前中断 %s。",
		meantime: "其间有 %d 项时限已过：",
		nothing:  "其间没有已告知的时限到期。",
		nowState: "平台现在的状态：%s",
		unlisted: "平台已不再列为未完成：已报送或已记为逾期",
		fast:     "%s 的时钟比监视机快 %s，误差不超过 %s。",
		slow:     "%s 的时钟比监视机慢 %s，误差不超过 %s。",
		own:      "平台自测时钟偏差 %s。",
		clockAct: "时限须以秒为证：请查明哪个时钟有误，并与时间服务器校准。",
		test:     "这是应要求发出的测试，没有发生任何事情。",
		days:     "%d 天", hours: "%d 小时", minutes: "%d 分钟", seconds: "%d 秒",
	},
}

// Languages gives the languages that calls can be spoken in.
func Languages() []string { return []string{"en", "zh"} }

const utc = "2006-01-02 15:04:05"

// Message writes a call in a language, "en" for one that there isn't. It is the
// same for the same call, whenever it is written.
func (c Call) Message(language string) courier.Message {
	w, ok := languages[language]
	if !ok {
		language, w = "en", languages["en"]
	}
	m := courier.Message{ID: c.ID, Kind: "watch_" + string(c.Kind), Language: language, At: c.At, Urgency: courier.Urgent}
	var lines []string
	switch c.Kind {
	case KindTest, KindClock:
		m.Urgency = courier.Normal
		lines = w.aside(c)
	case KindBack:
		lines = w.returned(c)
	default:
		lines = w.silence(c)
	}
	m.Subject, m.Text = "[tocsin] "+w.title(c), strings.Join(lines, "\n")
	c.To = nil
	m.Body = struct {
		Kind string `json:"kind"`
		Call
	}{"watch_call", c}
	return m
}

func (w words) title(c Call) string {
	title := w.subject[c.Kind]
	if strings.Contains(title, "%s") {
		title = fmt.Sprintf(title, host(c.Platform))
	}
	for _, d := range c.Due {
		if c.Kind != KindBack && !d.Passed {
			if d.Due.Exercise {
				title = w.drill + title
			}
			return title + fmt.Sprintf(w.next, d.Due.Due.Format(utc)+" UTC")
		}
	}
	return title
}

func host(platform string) string {
	if u, err := url.Parse(platform); err == nil && u.Host != "" {
		return u.Host
	}
	return platform
}

func (w words) silence(c Call) []string {
	first := fmt.Sprintf(w.never, c.Platform)
	if !c.Heard.IsZero() {
		first = fmt.Sprintf(w.heard, c.Platform, c.At.Add(-c.Silent).Format(utc)+" UTC", w.span(c.Silent))
	}
	lines := []string{first, fmt.Sprintf(w.reason, w.faults[c.Fault], c.Detail), "", w.act, w.ack, fmt.Sprintf(w.repeat, c.Number, w.span(c.Repeat)), ""}
	if len(c.Due) == 0 && c.Open == 0 {
		if c.Heard.IsZero() {
			return lines
		}
		return append(lines, w.none)
	}
	lines = append(lines, fmt.Sprintf(w.open, c.Open, len(c.Due)))
	ahead := false
	for i, d := range c.Due {
		mark := w.passed
		if !d.Passed {
			ahead, mark = true, fmt.Sprintf(w.ahead, w.span(d.Due.Due.Sub(c.At)))
		}
		if d.New && c.Number > 1 {
			mark = w.isNew + ", " + mark
		}
		lines = append(lines, w.one(i+1, mark, d.Due))
	}
	if more := c.Open - len(c.Due); more > 0 {
		lines = append(lines, fmt.Sprintf(w.more, more))
		if !ahead {
			lines = append(lines, w.blind)
		}
	}
	return lines
}

func (w words) returned(c Call) []string {
	lines := []string{fmt.Sprintf(w.back, c.Platform, c.Heard.Format(utc)+" UTC", w.span(c.Silent)), ""}
	if len(c.Due) == 0 {
		return append(lines, w.nothing)
	}
	lines = append(lines, fmt.Sprintf(w.meantime, len(c.Due)))
	for i, d := range c.Due {
		state := w.unlisted
		if d.State != "" {
			state = fmt.Sprintf(w.nowState, d.State)
		}
		lines = append(lines, w.one(i+1, w.passed, d.Due)+"\n   "+state)
	}
	return lines
}

func (w words) aside(c Call) []string {
	if c.Kind == KindTest {
		return []string{w.test}
	}
	differs := w.fast
	if c.Offset < 0 {
		differs = w.slow
	}
	lines := []string{fmt.Sprintf(differs, c.Platform, c.Offset.Abs().Round(time.Millisecond), c.OffsetBound.Round(time.Millisecond))}
	if c.OwnOffset != 0 {
		lines = append(lines, fmt.Sprintf(w.own, c.OwnOffset.Round(time.Millisecond)))
	}
	return append(lines, w.clockAct)
}

// one writes a due moment: the legal moment in UTC and in the duty's zone, and
// under it what is owed by whom under which article.
func (w words) one(n int, mark string, d Due) string {
	text := fmt.Sprintf(w.due, n, "["+mark+"]", d.Due.Format(utc))
	if d.Exercise {
		text = fmt.Sprintf(w.due, n, w.drill+"["+mark+"]", d.Due.Format(utc))
	}
	if local := d.local(); local != "" {
		text += fmt.Sprintf(w.local, local, d.Zone)
	}
	var what []string
	for _, part := range []string{d.Regime + " " + d.Stage, d.Article} {
		if part = strings.TrimSpace(part); part != "" {
			what = append(what, part)
		}
	}
	if d.Party != "" {
		what = append(what, fmt.Sprintf(w.party, d.Party))
	}
	what = append(what, fmt.Sprintf(w.ids, d.Incident, d.Duty))
	if d.Provisional {
		what = append(what, w.prov)
	}
	return text + "\n   " + strings.Join(what, " · ")
}

// span writes a duration by its two largest units.
func (w words) span(d time.Duration) string {
	d = d.Round(time.Second).Abs()
	units := []struct {
		word string
		n    int64
	}{{w.days, int64(d / (24 * time.Hour))}, {w.hours, int64(d/time.Hour) % 24}, {w.minutes, int64(d/time.Minute) % 60}, {w.seconds, int64(d/time.Second) % 60}}
	var parts []string
	for i, u := range units {
		if u.n > 0 || i == len(units)-1 && len(parts) == 0 {
			parts = append(parts, fmt.Sprintf(u.word, u.n))
		}
		if len(parts) == 2 || len(parts) == 1 && u.n == 0 {
			break
		}
	}
	return strings.Join(parts, " ")
}
