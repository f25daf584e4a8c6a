package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"tocsin/casebook"
)

// Letter writes the form as a plain text letter, the body of a mail.
func (f Form) Letter(lang Lang) string { return f.sheet(lang, letterRows).letter() }

// Page writes the form as one HTML page that needs nothing else, to be read and
// printed on A4.
func (f Form) Page(w io.Writer, lang Lang) error { return f.sheet(lang, pageRows).page(w) }

// Subject is the letter's subject: exercise mark, kind of filing, name, version.
func (f Form) Subject(lang Lang) string {
	said := f.title(lang)
	if name := f.Value("name"); name != "" {
		said += ": " + name
	}
	if f.Exercise {
		said = exerciseMark.In(lang) + " " + said
	}
	if f.Task != "" {
		said += " [" + f.Task + "]"
	}
	return oneLine(said)
}

var exerciseMark = Words{"EXERCISE — NOT A REAL INCIDENT", "【演练，非真实事件】"}

func (f Form) title(lang Lang) string {
	title := inWords(f.Says, lang)
	switch {
	case title == "":
		title = Words{"Report", "网络安全信息报告"}.In(lang)
	case lang == Chinese:
		title = "网络安全信息报告：" + title
	}
	switch {
	case f.Version == 0:
		title += Words{" (draft)", "（草稿）"}.In(lang)
	case f.Corrects > 0:
		title += fmt.Sprintf(Words{" (version %d, corrects version %d)", "（第 %d 版，更正第 %d 版）"}.In(lang), f.Version, f.Corrects)
	case f.Version > 1:
		title += fmt.Sprintf(Words{" (version %d)", "（第 %d 版）"}.In(lang), f.Version)
	}
	return title
}

func marks(lang Lang, exercise bool, tlp casebook.TLP) []string {
	said := []string{tlpLabel(tlp)}
	if exercise {
		said = append([]string{exerciseMark.In(lang)}, said...)
	}
	return said
}

func (f Form) sheet(lang Lang, most int) sheet {
	s := sheet{Lang: lang, Title: f.title(lang), Marks: marks(lang, f.Exercise, f.TLP)}
	head := func(w Words, value string) {
		if value != "" {
			s.Head = append(s.Head, pair{Label: w.In(lang), Value: oneLine(value)})
		}
	}
	head(Words{"Report", "报告编号"}, idText(f.Report, casebook.ReportPrefix))
	head(Words{"Incident", "事件编号"}, idText(f.Incident, casebook.IncidentPrefix))
	head(Words{"Task number", "任务编号"}, f.Task)
	head(Words{"Legal basis", "依据"}, strings.Trim(f.Regime+", "+inWords(f.Article, lang), ", "))
	if !f.Due.IsZero() {
		head(Words{"Due", "报告时限"}, moment(f.Due, f.Zone))
	}
	head(Words{"Written", "成文时间"}, moment(f.At, f.Zone))
	head(Words{"Why it is late", "迟报理由"}, f.Late)
	for _, field := range f.Fields {
		if field.Empty() && !field.Required && field.Asked == "" {
			continue
		}
		p := pair{Label: field.Label.In(lang), Value: clean(field.Value)}
		if field.Empty() {
			p.Value = Words{"—", "—"}.In(lang)
			p.Notes = append(p.Notes, Words{"to follow", "后补"}.In(lang))
		}
		if field.Secret {
			p.Notes = append(p.Notes, Words{"trade secret: not to be disclosed", "商业秘密，不得公开"}.In(lang))
		}
		s.Parts = append(s.Parts, p)
	}
	s.Table = rowTable(lang, f.Rows, most, f.Zone)
	return s
}

// rowTable lists at most as many rows.
func rowTable(lang Lang, rows []Row, most int, zone string) sheetTable {
	t := sheetTable{Caption: fmt.Sprintf(Words{"Addresses and names (%d)", "地址与域名清单（%d 条）"}.In(lang), len(rows))}
	for _, w := range []Words{
		{"No.", "序号"}, {"Address or name", "地址或域名"}, {"Port", "端口"}, {"Role", "类型"}, {"What", "名称"},
		{"First seen", "首次发现"}, {"Last seen", "最近发现"}, {"Times", "次数"}, {"Holder", "归属"},
	} {
		t.Head = append(t.Head, w.In(lang))
	}
	for i, r := range rows {
		if i == most {
			t.More = fmt.Sprintf(Words{"and %d more: the CSV has every row.", "另有 %d 条，详见 CSV 附件。"}.In(lang), len(rows)-most)
			break
		}
		t.Rows = append(t.Rows, []string{
			strconv.Itoa(r.Number), oneLine(r.Asset.String()), port(r.Port), roleWords[r.Role].In(lang), oneLine(r.Name),
			exact(r.First, zone), exact(r.Last, zone), number(r.Count), oneLine(holderText(r)),
		})
	}
	return t
}

func holderText(r Row) string {
	if r.ASN == 0 {
		return r.Holder
	}
	return strings.TrimSpace(fmt.Sprintf("AS%d %s", r.ASN, r.Holder))
}

// exact writes a moment as an operator needs it to find one customer behind a
// shared address: with whatever fraction of a second is known, and its offset.
func exact(t time.Time, zone string) string {
	if t.IsZero() {
		return ""
	}
	loc := zoneOf(zone)
	if loc == nil {
		return t.UTC().Format("2006-01-02 15:04:05.999999 UTC")
	}
	return t.In(loc).Format("2006-01-02 15:04:05.999999 -07:00")
}
