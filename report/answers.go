package report

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"

	"tocsin/casebook"
)

// Answer is what a party says of one row of an order.
type Answer struct {
	Record int64 // in the table, from 1
	Line   int64 // on which it begins
	Task   string
	Number int    // of the row
	Asset  string // as the party wrote it, "" where it didn't
	Port   uint16 // 0 where it didn't
	Kind   casebook.AnswerKind
	Note   string
	At     time.Time // when it was done, as the party says; zero where it doesn't
	Until  time.Time // asked for with "needs longer"
}

// maxRefused bounds the refusals that are given one by one; the last one says that
// there were more.
const maxRefused = 1000

// answerHeads are the columns by their names, folded, in both languages.
var answerHeads = map[string]string{
	"task": "task", "tasknumber": "task", "taskno": "task", "order": "task", "任务编号": "task", "任务号": "task", "编号": "task",
	"number": "number", "row": "number", "rownumber": "number", "no": "number", "nr": "number", "序号": "number", "行号": "number",
	"asset": "asset", "address": "asset", "ip": "asset", "ipaddress": "asset", "domain": "asset", "对象": "asset", "地址": "asset", "ip地址": "asset", "域名": "asset", "ip地址域名": "asset", "ip地址或域名": "asset",
	"port": "port", "端口": "port",
	"answer": "answer", "result": "answer", "status": "answer", "处置结果": "answer", "答复": "answer", "反馈": "answer", "结果": "answer", "处理结果": "answer",
	"note": "note", "notes": "note", "remark": "note", "remarks": "note", "reason": "note", "comment": "note", "备注": "note", "说明": "note", "理由": "note",
	"at": "at", "doneat": "at", "done": "at", "acted": "at", "actedat": "at", "处置时间": "at", "完成时间": "at", "处理时间": "at",
	"until": "until", "neededuntil": "until", "延期至": "until", "延期": "until",
}

// ReadAnswers reads a party's answers to the rows of an order: a table as a
// spreadsheet saves it, in UTF-8, UTF-16 or GB 18030, divided by comma, semicolon or
// tab, with the columns in any order and named in English or Chinese. It needs the
// columns number and answer. A moment without an offset is meant in zone, nil for
// UTC. A row whose answer is empty isn't answered yet and is passed over. A row that
// makes no sense is a refusal with its line, and reading goes on; of a row that is
// answered twice the first answer counts. It gives ErrInvalid where no table can be
// read, ErrTooLarge above MaxTable octets and MaxRows rows.
func ReadAnswers(r io.Reader, zone *time.Location) ([]Answer, []casebook.Refusal, error) {
	text, err := readText(r)
	if err != nil {
		return nil, nil, fmt.Errorf("answers: %w", err)
	}
	a := answerReader{table: newTable(text), zone: zone, seen: map[int]int64{}}
	if a.zone == nil {
		a.zone = time.UTC
	}
	if err := a.head(); err != nil {
		return nil, nil, fmt.Errorf("answers: %w", err)
	}
	for {
		cells, line, err := a.table.next()
		if err == io.EOF {
			return a.answers, a.refusals, nil
		}
		if a.record++; a.record > MaxRows {
			return nil, nil, fmt.Errorf("answers: over %d rows: %w", MaxRows, casebook.ErrTooLarge)
		}
		a.take(cells, line, err)
	}
}

type answerReader struct {
	table    *table
	zone     *time.Location
	columns  map[string]int
	record   int64
	seen     map[int]int64 // line of the answer to a row
	answers  []Answer
	refusals []casebook.Refusal
}

func (a *answerReader) head() error {
	names, line, err := a.table.next()
	if err != nil {
		return fmt.Errorf("no table: the first line names the columns, among them number and answer: %w", casebook.ErrInvalid)
	}
	a.columns = map[string]int{}
	for i, name := range names {
		known, ok := answerHeads[foldHead(name)]
		if !ok {
			continue
		}
		if _, twice := a.columns[known]; twice {
			return fmt.Errorf("line %d: two columns are %s: %w", line, known, casebook.ErrInvalid)
		}
		a.columns[known] = i
	}
	for _, needed := range []struct{ name, zh string }{{"number", "序号"}, {"answer", "处置结果"}} {
		if _, ok := a.columns[needed.name]; !ok {
			return fmt.Errorf("line %d: no column is named %s (%s): %w", line, needed.name, needed.zh, casebook.ErrInvalid)
		}
	}
	return nil
}

func foldHead(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, strings.TrimSpace(s))
}

// refuse is a bad cell: the column, and why.
type refuse struct{ field, reason string }

func (r refuse) Error() string { return r.reason }

func (a *answerReader) take(cells []string, line int64, err error) {
	answer := Answer{Record: a.record, Line: line}
	if err == nil {
		var said bool
		if said, err = a.read(cells, &answer); err == nil && !said {
			return
		}
	}
	if earlier, twice := a.seen[answer.Number]; err == nil && twice {
		err = refuse{"number", fmt.Sprintf("row %d is answered on line %d already: the first answer counts; send another table to change it", answer.Number, earlier)}
	}
	if err == nil {
		a.seen[answer.Number] = line
		a.answers = append(a.answers, answer)
		return
	}
	bad := casebook.Refusal{Row: a.record, Line: line, Reason: err.Error()}
	var r refuse
	if errors.As(err, &r) {
		bad.Field = r.field
	}
	switch {
	case len(a.refusals) < maxRefused-1:
		a.refusals = append(a.refusals, bad)
	case len(a.refusals) == maxRefused-1:
		bad.Field, bad.Reason = "", "more rows were refused, from this one on, than are listed"
		a.refusals = append(a.refusals, bad)
	}
}

func (a *answerReader) cell(cells []string, column string) string {
	i, ok := a.columns[column]
	if !ok || i >= len(cells) {
		return ""
	}
	return strings.TrimSpace(plainCell(cells[i]))
}

// read fills an answer from its cells; said is false for a row without an answer.
func (a *answerReader) read(cells []string, into *Answer) (said bool, err error) {
	word := a.cell(cells, "answer")
	if word == "" {
		return false, nil
	}
	n, err := wholeCell(a.cell(cells, "number"))
	if err != nil || n < 1 || n > MaxRows {
		return false, refuse{"number", fmt.Sprintf("%.40q is no number of a row: rows count from 1, as in the order", a.cell(cells, "number"))}
	}
	into.Number = int(n)
	if into.Kind, err = answerWord(word); err != nil {
		return false, refuse{"answer", err.Error()}
	}
	into.Task, into.Asset, into.Note = a.cell(cells, "task"), a.cell(cells, "asset"), a.cell(cells, "note")
	if p := a.cell(cells, "port"); p != "" {
		n, err := wholeCell(p)
		if err != nil || n < 0 || n > math.MaxUint16 {
			return false, refuse{"port", fmt.Sprintf("%.40q is no port from 0 to 65535", p)}
		}
		into.Port = uint16(n)
	}
	for column, moment := range map[string]*time.Time{"at": &into.At, "until": &into.Until} {
		if *moment, err = readMoment(a.cell(cells, column), a.zone); err != nil {
			return false, refuse{column, err.Error()}
		}
	}
	switch {
	case into.Kind == casebook.AnswerNeedsLonger && into.Until.IsZero():
		return false, refuse{"until", "needs_longer asks for a moment in the column until"}
	case into.Kind == casebook.AnswerRefused && into.Note == "":
		return false, refuse{"note", "refused asks for a reason in the column note"}
	}
	return true, nil
}

// wholeCell reads a whole number as spreadsheets write it: 3, 3.0, 1,024.
func wholeCell(s string) (int64, error) {
	s = strings.TrimSpace(s)
	if whole, zeros, ok := strings.Cut(s, "."); ok && strings.Trim(zeros, "0") == "" {
		s = whole
	}
	if len(s) > 4 && s[len(s)-4] == ',' {
		s = strings.ReplaceAll(s, ",", "")
	}
	return strconv.ParseInt(s, 10, 64)
}

// answerWord reads an answer: our word in any spelling ("Not ours", "NOT-OURS"), or
// the Chinese one.
func answerWord(s string) (casebook.AnswerKind, error) {
	folded := foldHead(s)
	var list []string
	for _, w := range answerWords {
		if folded == foldHead(w.kind.String()) || folded == foldHead(w.zh) {
			return w.kind, nil
		}
		list = append(list, w.kind.String()+" ("+w.zh+")")
	}
	return 0, fmt.Errorf("%.60q is no answer: write one of %s", s, strings.Join(list, ", "))
}

func trimCell(s string) string { return strings.Trim(s, " \t\r\n\u00a0\u3000\uFEFF") }
