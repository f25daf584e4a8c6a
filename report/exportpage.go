package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"tocsin/casebook"
	"tocsin/ledger"
)

// casePage is the first page of an archive.
type casePage struct {
	Lang     Lang
	Other    string // the page in the other language
	Title    string
	Marks    []string
	Head     []pair
	Faults   []string
	FaultsAt string
	Parts    []casePart
}

// Tag gives the language as HTML has it.
func (p casePage) Tag() string { return p.Lang.Tag() }

type casePart struct {
	Title  string
	Notes  []string
	Tables []caseTable
}

type caseTable struct {
	Title string
	Href  string // of what the title stands for
	Head  []string
	Rows  [][]caseCell
}

type caseCell struct{ Text, Href string }

// pager makes the parts of the page in one language.
type pager struct {
	c    Case
	a    *archive
	lang Lang
}

func (p pager) say(en, zh string) string { return Words{en, zh}.In(p.lang) }

func (p pager) when(a casebook.Anchor) string {
	zone := a.Zone
	if zone == "" {
		zone = p.c.Zone
	}
	return moment(a.At, zone)
}

// index writes the case for people.
func (c Case) index(w io.Writer, a *archive, lang Lang) error {
	p := pager{c, a, lang}
	page := casePage{
		Lang: lang, Other: p.say("index.zh.html", "index.html"), Title: p.say("Case: ", "案卷：") + oneLine(c.Incident.Title),
		Marks: marks(lang, c.Incident.Mark.Exercise, c.Incident.Mark.TLP), Faults: a.faults,
		FaultsAt: p.say("This archive has faults: something in it isn't as it was recorded", "本案卷存在问题：部分内容与记录不符"),
		Head: []pair{
			{Label: p.say("Incident", "事件编号"), Value: c.Incident.ID.Text(casebook.IncidentPrefix)},
			{Label: p.say("Kind", "类型"), Value: categoryWords[c.Incident.Category].In(lang)},
			{Label: p.say("State", "状态"), Value: c.Incident.State.String()},
			{Label: p.say("Opened", "立案时间"), Value: moment(c.Incident.OpenedAt, c.Zone)},
			{Label: p.say("Exported", "导出时间"), Value: moment(c.At, c.Zone), Notes: []string{c.By, c.Platform}},
			{Label: p.say("How to verify", "如何验证"), Value: "README.txt, SHA256SUMS, verify.sh"},
		},
		Parts: []casePart{
			p.timeline(), p.grades(), p.duties(), p.reports(), p.orders(), p.findings(), p.parties(), p.originals(), p.proofs(), p.packs(), p.record(),
		},
	}
	page.Parts = slices.DeleteFunc(page.Parts, func(part casePart) bool { return len(part.Tables) == 0 })
	if err := pages.ExecuteTemplate(w, "case.html", page); err != nil {
		return fmt.Errorf("write page of the case: %w", err)
	}
	return nil
}

// part makes a part with one table; none without rows.
func part(title string, head []string, rows [][]caseCell, notes ...string) casePart {
	p := casePart{Title: title, Notes: notes}
	if len(rows) > 0 {
		p.Tables = []caseTable{{Head: head, Rows: rows}}
	}
	return p
}

func cells(texts ...string) []caseCell {
	row := make([]caseCell, 0, len(texts))
	for _, t := range texts {
		row = append(row, caseCell{Text: clean(t)})
	}
	return row
}

func (p pager) heads(words ...Words) []string {
	var head []string
	for _, w := range words {
		head = append(head, w.In(p.lang))
	}
	return head
}

// timeline tells what happened in the order in which it happened, and when each was
// written down.
func (p pager) timeline() casePart {
	log := slices.Clone(p.c.Timeline)
	slices.SortStableFunc(log, func(a, b casebook.Anchor) int {
		if c := a.At.Compare(b.At); c != 0 {
			return c
		}
		return a.RecordedAt.Compare(b.RecordedAt)
	})
	by := map[casebook.ID]casebook.ID{}
	for _, a := range log {
		if !a.Supersedes.IsZero() {
			by[a.Supersedes] = a.ID
		}
	}
	var rows [][]caseCell
	for _, a := range log {
		note := a.Note
		if a.Clock.Off() {
			note = line(note, fmt.Sprintf(p.say("the platform's clock was off by %v", "平台时钟偏差 %v"), a.Clock.Offset))
		}
		if next, ok := by[a.ID]; ok {
			note = line(note, p.say("corrected by ", "已更正，见 ")+next.Text(casebook.AnchorPrefix))
		}
		rows = append(rows, cells(p.when(a), moment(a.RecordedAt, p.c.Zone), human(a.Kind), a.By, a.Source, note, a.ID.Text(casebook.AnchorPrefix)))
	}
	return part(p.say("Chronology", "时间线"), p.heads(
		Words{"Happened", "发生"}, Words{"Written", "记录"}, Words{"What", "事项"}, Words{"By", "记录人"}, Words{"Source", "来源"}, Words{"Note", "说明"}, Words{"Entry", "编号"}), rows)
}

func (p pager) grades() casePart {
	var rows [][]caseCell
	for _, g := range p.c.Grades {
		var figures []string
		for _, name := range g.Figures.Names() {
			figures = append(figures, human(name)+": "+g.Figures[name].String())
		}
		level := g.Level
		if w, ok := levelWords[level]; ok {
			level = w.In(p.lang)
		}
		rows = append(rows, cells(moment(g.At, p.c.Zone), level, standingWords[g.Standing].In(p.lang), strings.Trim(g.Regime+", "+g.Article, ", "), strings.Join(figures, "\n"), g.By, line(g.Reason, g.Blank), g.Confidence))
	}
	return part(p.say("Grades", "定级"), p.heads(
		Words{"Since", "时间"}, Words{"Level", "级别"}, Words{"Whose word", "性质"}, Words{"Rule", "依据"}, Words{"Figures", "指标"}, Words{"By", "决定人"}, Words{"Why", "理由"}, Words{"Rule known from", "依据来源"}), rows)
}

// duties tells what was owed, and what each limit rests on.
func (p pager) duties() casePart {
	var rows [][]caseCell
	for _, d := range p.c.Duties {
		state := d.State.String()
		if !d.MetAt.IsZero() {
			state += "\n" + moment(d.MetAt, d.Zone)
		}
		limit := line(d.Limit+" "+p.say("from", "自")+" "+human(d.Anchor), moment(d.Started, d.Zone))
		rests := line(d.RestsOn, d.Confidence)
		if d.Calendar != "" {
			rests = line(rests, d.Calendar)
		}
		to := strings.Join(d.To, p.say(" and ", "、"))
		if d.AnyOf {
			to = strings.Join(d.To, p.say(" or ", " 或 "))
		}
		rows = append(rows, cells(d.PartyName, d.Regime+"\n"+d.Stage, d.Article, limit, moment(d.Due, d.Zone), state, rests, to, line(d.Reason, d.Blank), d.Pack))
	}
	return part(p.say("Duties", "法定义务"), p.heads(
		Words{"Who", "义务人"}, Words{"Regime, stage", "制度、阶段"}, Words{"Article", "条款"}, Words{"Limit", "时限"}, Words{"Due", "截止"}, Words{"State", "状态"},
		Words{"Rests on", "依据"}, Words{"To", "报送"}, Words{"Why", "说明"}, Words{"Pack", "规则版本"}), rows)
}

func (p pager) reports() casePart {
	out := casePart{Title: p.say("Reports", "报告")}
	for _, f := range p.c.Reports {
		id := f.Report.ID.Text(casebook.ReportPrefix)
		versions := caseTable{Title: fmt.Sprintf("%s · %s %s · %s", id, f.Report.Regime, f.Report.Stage, f.Report.State), Head: p.heads(
			Words{"Version", "版本"}, Words{"Filed", "报送时间"}, Words{"Written", "记录"}, Words{"Channel", "方式"}, Words{"By", "报送人"}, Words{"Corrects", "更正"}, Words{"Why late", "迟报理由"}, Words{"SHA-256", "SHA-256"})}
		for _, v := range f.Versions {
			row := cells(fmt.Sprint(v.Number), moment(v.FiledAt, p.c.Zone), moment(v.RecordedAt, p.c.Zone), v.Channel, v.By, number(int64(v.Corrects)), v.LateReason, v.Digest.String())
			row[0].Href = p.a.forms[formKey(id, v.Number)]
			versions.Rows = append(versions.Rows, row)
		}
		recipients := caseTable{Title: p.say("Recipients", "接收单位"), Head: p.heads(
			Words{"Version", "版本"}, Words{"Recipient", "接收单位"}, Words{"Dispatched", "发出"}, Words{"Delivered", "送达"}, Words{"Acknowledged", "确认"}, Words{"Their reference", "对方编号"}, Words{"Proof", "证明"})}
		for _, r := range f.Recipients {
			name := strings.TrimSpace(r.Name + " (" + human(r.Role) + ")")
			if r.Copy {
				name += p.say(", copy", "，抄送")
			}
			recipients.Rows = append(recipients.Rows, cells(fmt.Sprint(r.Version), name, moment(r.DispatchedAt, p.c.Zone), moment(r.DeliveredAt, p.c.Zone), moment(r.AcknowledgedAt, p.c.Zone), r.Reference, r.Proof))
		}
		out.Tables = append(out.Tables, versions, recipients)
	}
	return out
}

func (p pager) orders() casePart {
	out := casePart{Title: p.say("Orders", "处置通知")}
	for _, o := range p.c.Orders {
		id := o.Order.ID.Text(casebook.OrderPrefix)
		head := caseTable{Title: strings.TrimSpace(o.Order.Task + " · " + id), Href: p.a.orders[id], Head: p.heads(
			Words{"To", "主送"}, Words{"Asked", "要求"}, Words{"Power", "依据"}, Words{"Drafted", "起草"}, Words{"Approved", "批准"}, Words{"Served", "送达"}, Words{"Due", "截止"}, Words{"State", "状态"}, Words{"Why", "说明"})}
		head.Rows = [][]caseCell{cells(o.Order.PartyName, measureText(o.Order.Measure, p.lang), strings.Trim(o.Order.Power+", "+o.Order.Article, ", "), o.Order.DraftedBy, o.Order.ApprovedBy,
			moment(o.Order.ServedAt, p.c.Zone), moment(o.Order.Due, p.c.Zone), o.Order.State.String(), o.Order.Reason)}
		rows := caseTable{Title: p.say("Rows, answers, verification", "清单、反馈与核验"), Head: p.heads(
			Words{"No.", "序号"}, Words{"Asset", "对象"}, Words{"Role", "类型"}, Words{"First seen", "首次发现"}, Words{"Last seen", "最近发现"}, Words{"Answer", "反馈"}, Words{"Answered", "反馈时间"}, Words{"State", "状态"}, Words{"Checked", "核验时间"}, Words{"Why", "核验依据"})}
		for _, r := range o.Rows {
			rows.Rows = append(rows.Rows, cells(fmt.Sprint(r.Number), endpoint(r.Asset, r.Port), roleWords[r.Role].In(p.lang), exact(r.FirstSeen, p.c.Zone), exact(r.LastSeen, p.c.Zone),
				line(r.Answer.String(), r.Note), moment(r.AnsweredAt, p.c.Zone), r.State.String(), moment(r.CheckedAt, p.c.Zone), r.Why))
		}
		out.Tables = append(out.Tables, head, rows)
	}
	return out
}

func (p pager) findings() casePart {
	var rows [][]caseCell
	for i, f := range p.c.Findings {
		if i == pageRows {
			rows = append(rows, cells(fmt.Sprintf(p.say("and %d more: see case.json", "另有 %d 条，见 case.json"), len(p.c.Findings)-pageRows)))
			break
		}
		rows = append(rows, cells(endpoint(f.Asset, f.Port), roleWords[f.Role].In(p.lang), f.Name, exact(f.FirstSeen, p.c.Zone), exact(f.LastSeen, p.c.Zone),
			fmt.Sprint(f.Count), f.State.String(), holderText(Row{ASN: f.ASN, Holder: f.Holder}), f.ID.Text(casebook.FindingPrefix)))
	}
	return part(p.say("Findings", "发现"), p.heads(
		Words{"Asset", "对象"}, Words{"Role", "类型"}, Words{"What", "名称"}, Words{"First seen", "首次发现"}, Words{"Last seen", "最近发现"}, Words{"Times", "次数"}, Words{"State", "状态"}, Words{"Holder", "归属"}, Words{"Finding", "编号"}), rows)
}

func (p pager) parties() casePart {
	var rows [][]caseCell
	for _, party := range p.c.Parties {
		rows = append(rows, cells(party.Name, strings.Join(party.Roles, ", "), party.Region, party.ID.Text(casebook.PartyPrefix)))
	}
	return part(p.say("Parties", "相关单位"), p.heads(Words{"Name", "名称"}, Words{"Roles", "角色"}, Words{"Region", "地区"}, Words{"Party", "编号"}), rows)
}

func (p pager) originals() casePart {
	var rows [][]caseCell
	for i, o := range p.c.Originals {
		s := p.a.originals[i]
		row := cells(o.Delivery.Name, o.Delivery.Feed, moment(o.Delivery.ReceivedAt, p.c.Zone), fmt.Sprint(o.Delivery.Bytes), o.Delivery.Digest.String(), s.fault)
		row[0].Href = s.name
		rows = append(rows, row)
	}
	return part(p.say("Originals, as they came", "原始数据"), p.heads(
		Words{"File", "文件"}, Words{"Feed", "来源"}, Words{"Received", "接收时间"}, Words{"Octets", "字节"}, Words{"SHA-256", "SHA-256"}, Words{"Fault", "问题"}), rows)
}

func (p pager) proofs() casePart {
	var rows [][]caseCell
	for i, a := range p.c.Proofs {
		s := p.a.proofs[i]
		row := cells(a.Name, a.Says, a.Of, a.Digest.String(), s.fault)
		row[0].Href = s.name
		rows = append(rows, row)
	}
	return part(p.say("Proofs of sending and receipts", "送达证明"), p.heads(Words{"File", "文件"}, Words{"What", "说明"}, Words{"Of", "所属"}, Words{"SHA-256", "SHA-256"}, Words{"Fault", "问题"}), rows)
}

func (p pager) packs() casePart {
	var rows [][]caseCell
	for i, pack := range p.c.Packs {
		row := cells(pack.Regime, pack.Digest)
		row[0].Href = p.a.packNames[i]
		rows = append(rows, row)
	}
	return part(p.say("The law as it was applied", "适用规则"), p.heads(Words{"Regime", "制度"}, Words{"Digest", "摘要"}), rows)
}

func (p pager) record() casePart {
	var rows [][]caseCell
	for _, ch := range p.c.Record.Changes {
		e, _ := ledger.ParseEntry(ch.Entry) // told as a fault where it can't be read
		row := cells(fmt.Sprint(ch.Leaf), e.Kind, e.Actor, moment(micros(e.At), p.c.Zone), ch.Says)
		row[0].Href = leafName(ch.Leaf) + ".entry"
		rows = append(rows, row)
	}
	return part(p.say("Entries of the record", "记录条目"), p.heads(Words{"Leaf", "序号"}, Words{"Act", "行为"}, Words{"Actor", "行为人"}, Words{"At", "时间"}, Words{"What", "内容"}), rows)
}

func formKey(id string, version int) string { return fmt.Sprintf("%s/%d", id, version) }
