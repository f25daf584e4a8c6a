package web

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"tocsin/casebook"
	"tocsin/report"
)

// sheetRows is how many rows of an order are answered on one page.
const sheetRows = 50

// answerWords are what a party may say of a row.
var answerWords = []string{"done", "in_part", "already_clean", "not_ours", "cannot_identify", "user_told", "needs_longer", "conflicts", "refused", "appealed"}

// answerSheet is the part of a page in which the rows of an order are shown and
// answered: on the order's own page, and on the one to which a link leads.
type answerSheet struct {
	Form      form
	At        string // address of the page; answers go below it
	Rows      []report.OrderRow
	Zone      string
	Zones     []string
	Total     int
	Next      int // row after which the next page begins, 0 the last page
	CanAnswer bool
	Named     bool // who answers is asked for their name
	Result    *answerResult
}

// answerResult is what became of a table of answers.
type answerResult struct {
	Taken int
	Bad   []casebook.Refusal
}

// sheetOf makes the sheet of an order from the row on at which the address says that the
// page begins.
func sheetOf(x *exchange, in report.Instruction, f form, at string) (answerSheet, error) {
	after, err := queryNumber(x, "after")
	if err != nil {
		return answerSheet{}, err
	}
	if x.page != "" { // a form that was refused: its rows are shown
		for _, n := range f.answered() {
			after = int64((n - 1) / sheetRows * sheetRows)
			break
		}
	}
	v := answerSheet{Form: f, At: at, Zone: in.Zone, Zones: zonesIn(in.Zone), Total: len(in.Rows)}
	from := min(int(min(after, int64(len(in.Rows)))), len(in.Rows))
	v.Rows = in.Rows[from:min(from+sheetRows, len(in.Rows))]
	if end := from + len(v.Rows); end < len(in.Rows) {
		v.Next = end
	}
	return v, nil
}

// answered gives the numbers of the rows that a form answers, in their order.
func (f form) answered() []int {
	var all []int
	for _, key := range slices.Sorted(maps.Keys(f.values)) {
		text, ok := strings.CutPrefix(key, "answer.")
		if n, err := strconv.Atoi(text); ok && err == nil && n > 0 && f.values.Get(key) != "" {
			all = append(all, n)
		}
	}
	slices.Sort(all)
	return all
}

// answers reads what was typed row by row. Rows that nothing is said of are left out.
func (f *form) answers() []report.Answer {
	zone := f.zone("zone")
	var all []report.Answer
	for _, n := range f.answered() {
		key := strconv.Itoa(n)
		a := report.Answer{Number: n, Note: f.text("note."+key, 2000, false), Until: f.until("until."+key, zone)}
		var err error
		if a.Kind, err = casebook.ParseAnswer(f.values.Get("answer." + key)); err != nil {
			f.wrong("answer."+key, "fault.choice")
		}
		if a.Kind == casebook.AnswerNeedsLonger && a.Until.IsZero() && !f.Wrong("until."+key) {
			f.wrong("until."+key, "fault.missing")
		}
		if a.Kind == casebook.AnswerRefused && a.Note == "" {
			f.wrong("note."+key, "fault.missing")
		}
		all = append(all, a)
	}
	if len(all) == 0 {
		f.wrong("answers", "fault.answers")
	}
	return all
}

// table reads answers from the file that came with a form. Moments without an offset are
// meant in the order's zone.
func (f *form) table(in report.Instruction) ([]report.Answer, []casebook.Refusal, error) {
	_, content, err := f.upload("table")
	if err == nil && content == nil {
		f.wrong("table", "fault.missing")
	}
	if err != nil || f.err() != nil {
		return nil, nil, firstOf(err, f.err())
	}
	zone, err := time.LoadLocation(in.Zone)
	if err != nil {
		zone = time.UTC
	}
	return report.ReadAnswers(bytes.NewReader(content), zone)
}

// firstOf gives the first error that there is.
func firstOf(all ...error) error {
	for _, err := range all {
		if err != nil {
			return err
		}
	}
	return nil
}

// orderRowsFile gives the rows of an order as the table that is filled in and sent back.
func (s *server) orderRowsFile(x *exchange) error {
	id, err := casebook.ParseID(casebook.OrderPrefix, x.request.PathValue("id"))
	if err != nil {
		return err
	}
	in, err := s.desk.Instruction(x.request.Context(), x.caller.scope, id)
	if err != nil {
		return err
	}
	return s.giveRows(x, in)
}

func (s *server) giveRows(x *exchange, in report.Instruction) error {
	l, _ := choose(s.site.languages, x.request)
	var table bytes.Buffer
	if err := in.WriteRows(&table, l.paper()); err != nil {
		return err
	}
	name := in.Order.Task
	if name == "" {
		name = in.Order.ID.Text(casebook.OrderPrefix)
	}
	return x.download(fmt.Sprintf("%s.csv", name), "text/csv; charset=utf-8", table.Bytes())
}

// paper is the language of papers that is the language of the page.
func (l *language) paper() report.Lang {
	if l.tag == "zh" {
		return report.Chinese
	}
	return report.English
}
