package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"tocsin/casebook"
)

// Instruction is an order as the party that must obey it reads it.
type Instruction struct {
	Order  casebook.Order
	Issuer string // who orders
	Power  string // what the power says, in the pack's words
	// Confidence says how surely the power is known ("text"); it is shown unless it is
	// "text".
	Confidence string
	Appeal     string // the way of appeal, in the pack's words; "" where the pack has none
	AppealTo   string // who decides on an appeal and how to reach them
	AnswerTo   string // where the answers go: a mail address
	AnswerPage string // of a page on which it is answered without an account, "" none
	Contact    string // who can be asked at any hour
	Zone       string // in which moments are shown
	Rows       []OrderRow
}

// OrderRow is one row with what a reader needs beside the record's own.
type OrderRow struct {
	casebook.OrderRow
	What string // the family, or what a source calls it
}

// Letter writes the order as a plain text letter.
func (o Instruction) Letter(lang Lang) string { return o.sheet(lang, letterRows).letter() }

// Page writes the order as one HTML page that needs nothing else, to be read and
// printed on A4.
func (o Instruction) Page(w io.Writer, lang Lang) error { return o.sheet(lang, pageRows).page(w) }

// Subject is the letter's subject.
func (o Instruction) Subject(lang Lang) string {
	said := fmt.Sprintf(Words{"Order %s: %s", "处置通知 %s：%s"}.In(lang), o.Order.Task, measureText(o.Order.Measure, lang))
	if o.Order.Mark.Exercise {
		said = exerciseMark.In(lang) + " " + said
	}
	return oneLine(said)
}

// orderColumns are the columns of an order's rows as CSV, in both languages. The
// last four are for the answer.
var orderColumns = []Words{
	{"task", "任务编号"}, {"number", "序号"}, {"asset_kind", "对象类型"}, {"asset", "IP地址或域名"}, {"port", "端口"},
	{"role", "类型"}, {"what", "名称"}, {"first_seen", "首次发现"}, {"last_seen", "最近发现"},
	{"answer", "处置结果"}, {"done_at", "处置时间"}, {"until", "延期至"}, {"note", "备注"},
}

// WriteRows writes the order's rows as CSV, as WriteRows does. The columns for the
// answer are empty where there is none yet: the party fills them in and sends the
// same table back, and ReadAnswers reads it.
func (o Instruction) WriteRows(w io.Writer, lang Lang) error {
	var head []string
	for _, c := range orderColumns {
		head = append(head, c.In(lang))
	}
	return writeTable(w, head, len(o.Rows), func(i int) []string {
		r := o.Rows[i]
		answer := ""
		if r.Answer != casebook.NoAnswer {
			answer = r.Answer.String()
		}
		return []string{
			o.Order.Task, strconv.Itoa(r.Number), r.Asset.Kind.String(), r.Asset.String(), port(r.Port), roleWords[r.Role].In(lang), r.What,
			instant(r.FirstSeen), instant(r.LastSeen), answer, instant(r.AnsweredAt), instant(r.Until), r.Note,
		}
	})
}

func measureText(measure string, lang Lang) string { return wordOf(measureWords, measure, lang) }

// spanText writes a limit as people do: 24 hours, 5 days, 1 hour 30 minutes.
func spanText(d time.Duration, lang Lang) string {
	if d <= 0 {
		return Words{"at once", "立即"}.In(lang)
	}
	minutes := int64(d / time.Minute)
	if d%time.Minute != 0 {
		return d.String()
	}
	days := int64(0)
	if minutes%(24*60) == 0 && minutes >= 48*60 {
		days, minutes = minutes/(24*60), 0
	}
	var said []string
	for _, u := range []struct {
		n         int64
		one, more string
		zh        string
	}{{days, "day", "days", "日"}, {minutes / 60, "hour", "hours", "小时"}, {minutes % 60, "minute", "minutes", "分钟"}} {
		switch {
		case u.n == 0:
		case lang == Chinese:
			said = append(said, fmt.Sprint(u.n)+u.zh)
		case u.n == 1:
			said = append(said, "1 "+u.one)
		default:
			said = append(said, fmt.Sprintf("%d %s", u.n, u.more))
		}
	}
	if lang == Chinese {
		return strings.Join(said, "")
	}
	return strings.Join(said, " ")
}

func (o Instruction) sheet(lang Lang, most int) sheet {
	say := func(en, zh string) string { return Words{en, zh}.In(lang) }
	s := sheet{Lang: lang, Title: say("Order to handle a threat", "网络安全威胁处置通知"), Marks: marks(lang, o.Order.Mark.Exercise, o.Order.Mark.TLP)}
	if o.Order.State < casebook.ServedOrder {
		s.Title += say(" (not served)", "（未送达）")
	}
	head := func(en, zh, value string) {
		if value != "" {
			s.Head = append(s.Head, pair{Label: say(en, zh), Value: clean(value)})
		}
	}
	head("Task number", "任务编号", o.Order.Task)
	head("Order", "通知编号", idText(o.Order.ID, casebook.OrderPrefix))
	head("Incident", "事件编号", idText(o.Order.Incident, casebook.IncidentPrefix))
	head("From", "发出单位", o.Issuer)
	head("To", "主送", o.Order.PartyName)
	head("What is asked", "处置要求", measureText(o.Order.Measure, lang))
	o.powerHead(&s, say)
	head("Limit", "时限", fmt.Sprintf(say("%s from service", "自送达起 %s"), spanText(o.Order.Limit, lang)))
	head("Served", "送达时间", moment(o.Order.ServedAt, o.Zone))
	head("Due", "截止时间", moment(o.Order.Due, o.Zone))
	head("Questions at any hour", "24小时联系方式", o.Contact)
	if o.Order.Text != "" {
		s.Intro = append(s.Intro, clean(o.Order.Text))
	}
	s.Table = o.table(lang, most)
	o.answerPart(&s, lang)
	s.Close = append(s.Close, o.appealText(lang))
	return s
}

func (o Instruction) powerHead(s *sheet, say func(en, zh string) string) {
	p := pair{Label: say("Power", "法律依据"), Value: strings.Trim(o.Order.Power+", "+inWords(o.Order.Article, s.Lang), ", ")}
	if o.Power != "" {
		p.Notes = append(p.Notes, oneLine(inWords(o.Power, s.Lang)))
	}
	if o.Confidence != "" && o.Confidence != "text" {
		p.Notes = append(p.Notes, say("known from: ", "依据来源：")+wordOf(confidenceWords, o.Confidence, s.Lang))
	}
	s.Head = append(s.Head, p)
	if o.Order.Form != "" {
		s.Head = append(s.Head, pair{Label: say("Form", "形式"), Value: inWords(o.Order.Form, s.Lang)})
	}
}

func (o Instruction) table(lang Lang, most int) sheetTable {
	t := sheetTable{Caption: fmt.Sprintf(Words{"What it is about (%d)", "处置对象（%d 条）"}.In(lang), len(o.Rows))}
	for _, w := range []Words{
		{"No.", "序号"}, {"Address or name", "地址或域名"}, {"Port", "端口"}, {"Role", "类型"}, {"What", "名称"},
		{"First seen", "首次发现"}, {"Last seen", "最近发现"},
	} {
		t.Head = append(t.Head, w.In(lang))
	}
	for i, r := range o.Rows {
		if i == most {
			t.More = fmt.Sprintf(Words{"and %d more: the CSV has every row.", "另有 %d 条，详见 CSV 附件。"}.In(lang), len(o.Rows)-most)
			break
		}
		t.Rows = append(t.Rows, []string{
			strconv.Itoa(r.Number), oneLine(r.Asset.String()), port(r.Port), roleWords[r.Role].In(lang), oneLine(r.What),
			exact(r.FirstSeen, o.Zone), exact(r.LastSeen, o.Zone),
		})
	}
	return t
}

func (o Instruction) answerPart(s *sheet, lang Lang) {
	how := Words{
		"Fill in the column “answer” of the CSV, one word a row, and send it back under the task number.",
		"请在 CSV 的“处置结果”栏逐行填写下列用语之一，并注明任务编号反馈。"}.In(lang)
	if o.AnswerTo != "" {
		how += " " + fmt.Sprintf(Words{"Send it to %s.", "反馈至：%s。"}.In(lang), o.AnswerTo)
	}
	if o.AnswerPage != "" {
		how = fmt.Sprintf(Words{
			"On this page, without an account, row by row or by its CSV: %s\nIt opens this order and nothing else: give it to those only who answer.",
			"请在以下页面直接反馈（无需账号），可逐条填写或上传 CSV：%s\n该链接仅能打开本通知，请只交给负责反馈的人员。"}.In(lang), o.AnswerPage)
	}
	s.Answer = append(s.Answer, pair{Label: Words{"How to answer", "反馈方式"}.In(lang), Value: how})
	for _, w := range answerWords {
		label := w.kind.String()
		if lang == Chinese {
			label = w.zh + "（" + label + "）"
		}
		s.Answer = append(s.Answer, pair{Label: label, Value: w.says.In(lang)})
	}
}

func (o Instruction) appealText(lang Lang) string {
	if o.Appeal == "" && o.AppealTo == "" {
		return Words{
			"Appeal: the instrument names no way of its own. Whoever objects says so with the answer “appealed”, and the harm that is feared; somebody other than who approved this order decides.",
			"申诉：所依据文件未规定专门申诉途径。有异议的，请以“已申诉”反馈并说明可能造成的损害，由批准本通知以外的人员决定。"}.In(lang)
	}
	var said []string
	for _, part := range []string{o.Appeal, o.AppealTo} {
		if part != "" {
			said = append(said, strings.TrimRight(oneLine(inWords(part, lang)), ".。"))
		}
	}
	return Words{"Appeal: ", "申诉："}.In(lang) + strings.Join(said, Words{". To: ", "。受理："}.In(lang)) + Words{".", "。"}.In(lang)
}

// Match sorts answers to the rows of an order: those that belong to a row, and as
// refusals those with another task number, a number that the order doesn't have, or
// an asset or a port other than the row's.
func (o Instruction) Match(answers []Answer) (good []Answer, bad []casebook.Refusal) {
	byNumber := map[int]OrderRow{}
	for _, r := range o.Rows {
		byNumber[r.Number] = r
	}
	for _, a := range answers {
		if field, reason := o.mismatch(a, byNumber); reason != "" {
			bad = append(bad, casebook.Refusal{Row: a.Record, Line: a.Line, Field: field, Reason: reason})
			continue
		}
		good = append(good, a)
	}
	return good, bad
}

func (o Instruction) mismatch(a Answer, rows map[int]OrderRow) (field, reason string) {
	row, ok := rows[a.Number]
	switch {
	case a.Task != "" && !sameTask(a.Task, o.Order.Task):
		return "task", fmt.Sprintf("the answer is to task %.40q, this order is %s", a.Task, o.Order.Task)
	case !ok:
		return "number", fmt.Sprintf("the order has no row %d: its rows are 1 to %d", a.Number, len(o.Rows))
	case a.Asset != "" && !sameAsset(a.Asset, row.Asset):
		return "asset", fmt.Sprintf("row %d is about %s, not %.80q", a.Number, row.Asset, a.Asset)
	case a.Port != 0 && row.Port != 0 && a.Port != row.Port:
		return "port", fmt.Sprintf("row %d is about port %d, not %d", a.Number, row.Port, a.Port)
	}
	return "", ""
}

// sameTask compares task numbers as people copy them.
func sameTask(a, b string) bool {
	if strings.EqualFold(strings.TrimSpace(a), b) {
		return true
	}
	x, err1 := ParseTaskNumber(a)
	y, err2 := ParseTaskNumber(b)
	return err1 == nil && err2 == nil && x == y
}

// sameAsset compares an asset with what a person wrote for it: in any case, with
// brackets, with the dots of a name made harmless.
func sameAsset(said string, a casebook.Asset) bool {
	s := strings.TrimSpace(strings.NewReplacer("[.]", ".", "(.)", ".", "hxxp", "http").Replace(said))
	s = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSuffix(s, "."), "["), "]")
	if strings.EqualFold(s, a.String()) {
		return true
	}
	b, err := assetOf(a.Kind.String(), s)
	if a.Kind == casebook.DomainName {
		b, err = casebook.DomainAsset(s)
	}
	return err == nil && b == a
}
