package report_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"golang.org/x/text/encoding/simplifiedchinese"

	"tocsin/casebook"
	"tocsin/report"
)

func inUTF16(s string, little, mark bool) string {
	units := utf16.Encode([]rune(s))
	if mark {
		units = append([]uint16{0xfeff}, units...)
	}
	var b []byte
	for _, u := range units {
		if little {
			b = append(b, byte(u), byte(u>>8))
		} else {
			b = append(b, byte(u>>8), byte(u))
		}
	}
	return string(b)
}

var beijing = time.FixedZone("", 8*3600)

// TestAnswersInEveryDress reads the same three answers as different spreadsheets save
// them.
func TestAnswersInEveryDress(t *testing.T) {
	plain := "number,answer,until,note\r\n1,done,,\r\n2,needs_longer,2026-03-16 18:00,waits for a part\r\n3,not_ours,,\"held by \"\"AS64501\"\", we think\"\r\n"
	chinese := "序号,处置结果,延期至,备注\n1,已完成,,\n2,需延期,2026年3月16日 18:00,waits for a part\n3,非我方,,\"held by \"\"AS64501\"\", we think\"\n"
	gb, err := simplifiedchinese.GB18030.NewEncoder().String(chinese)
	if err != nil {
		t.Fatal(err)
	}
	semicolons := strings.NewReplacer(",", ";").Replace(strings.ReplaceAll(plain, ", we", "\x00we"))
	want := []report.Answer{
		{Record: 1, Line: 2, Number: 1, Kind: casebook.AnswerDone},
		{Record: 2, Line: 3, Number: 2, Kind: casebook.AnswerNeedsLonger, Until: at(t, "2026-03-16T10:00:00Z"), Note: "waits for a part"},
		{Record: 3, Line: 4, Number: 3, Kind: casebook.AnswerNotOurs, Note: `held by "AS64501", we think`},
	}
	for name, c := range map[string]struct {
		text  string
		lines int64 // further down than in the plain one
	}{
		"plain":                        {plain, 0},
		"with a mark":                  {"\uFEFF" + plain, 0},
		"bare line feeds":              {strings.ReplaceAll(plain, "\r\n", "\n"), 0},
		"no end":                       {strings.TrimSuffix(plain, "\r\n"), 0},
		"semicolons":                   {strings.ReplaceAll(semicolons, "\x00we", ", we"), 0},
		"tabs":                         {strings.ReplaceAll(strings.NewReplacer(",", "\t").Replace(strings.ReplaceAll(plain, ", we", "\x00we")), "\x00we", ", we"), 0},
		"sep= in front":                {"sep=;\r\n" + strings.ReplaceAll(semicolons, "\x00we", ", we"), 1},
		"UTF-16 with a mark":           {inUTF16(plain, true, true), 0},
		"UTF-16 with a mark, big":      {inUTF16(plain, false, true), 0},
		"UTF-16":                       {inUTF16(plain, true, false), 0},
		"UTF-16, big":                  {inUTF16(plain, false, false), 0},
		"Chinese":                      {chinese, 0},
		"Chinese, as Excel there does": {gb, 0},
		"other columns, other order": {"remarks ,Colour,ANSWER,Until,Row number\n,red,DONE,,1.0\nwaits for a part,,Needs longer,2026/3/16 18:00,2\n" +
			"\"held by \"\"AS64501\"\", we think\",,not-ours,,3\n", 0},
		"empty lines, rows without an answer": {"number,answer,until,note\n\n,,,\n1,done,,\n7,,,\n2,needs_longer,2026-03-16T18:00:00+08:00,waits for a part\n3,not_ours,,\"held by \"\"AS64501\"\", we think\"\n", -1},
		"a spreadsheet's own moments":         {"number,answer,until,note\n1,done,,\n2,needs_longer,46097.75,waits for a part\n3,not_ours,,\"held by \"\"AS64501\"\", we think\"\n", 0},
	} {
		got, bad, err := report.ReadAnswers(strings.NewReader(c.text), beijing)
		if err != nil || len(bad) > 0 {
			t.Errorf("%s: %v, refused %+v", name, err, bad)
			continue
		}
		for i := range got {
			if c.lines >= 0 {
				got[i].Line -= c.lines
			} else if i < len(want) {
				got[i].Line, got[i].Record = want[i].Line, want[i].Record
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got\n%+v\nwant\n%+v", name, got, want)
		}
	}
}

// TestAnswerWords: each answer of the record is known in both languages.
func TestAnswerWords(t *testing.T) {
	var text strings.Builder
	text.WriteString("number,answer,until,note\n")
	words := []string{"done", "in_part", "already_clean", "not_ours", "cannot_identify", "user_told", "needs_longer", "conflicts", "refused", "appealed",
		"已完成", "部分完成", "已清除", "非我方", "无法定位", "已通知用户", "需延期", "冲突", "拒绝", "已申诉"}
	for i, w := range words {
		fmt.Fprintf(&text, "%d,%s,2026-03-16,because\n", i+1, w)
	}
	got, bad, err := report.ReadAnswers(strings.NewReader(text.String()), nil)
	if err != nil || len(bad) > 0 || len(got) != len(words) {
		t.Fatalf("%d answers, refused %+v, %v", len(got), bad, err)
	}
	for i, a := range got {
		if want, _ := casebook.ParseAnswer(words[i%10]); a.Kind != want {
			t.Errorf("%s is %v", words[i], a.Kind)
		}
	}
}

func TestAnswersRefused(t *testing.T) {
	for _, c := range []struct{ name, row, field, reason string }{
		{"no number", ",done,,,", "number", "no number of a row"},
		{"row 0", "0,done,,,", "number", "count from 1"},
		{"a word that is none", "1,fixed it,,,", "answer", "write one of done (已完成)"},
		{"longer without until when", "1,needs_longer,,,", "until", "asks for a moment"},
		{"refused without a reason", "1,refused,,,", "note", "asks for a reason"},
		{"day or month first", "1,needs_longer,3/4/2026,,", "until", "no moment"},
		{"port out of range", "1,done,,,65536", "port", "no port"},
		{"twice", "9,refused,,no,", "number", "answered on line 2 already"},
		{"an endless quotation", "1,\"done,,,", "", "quotation mark"},
	} {
		text := "number,answer,until,note,port\n9,done,,,\n" + c.row + "\n10,done,,,\n"
		got, bad, err := report.ReadAnswers(strings.NewReader(text), nil)
		if err != nil || len(bad) != 1 || bad[0].Field != c.field || !strings.Contains(bad[0].Reason, c.reason) || bad[0].Line != 3 {
			t.Errorf("%s: got %+v, %v", c.name, bad, err)
		}
		if len(got) != 2 || got[0].Number != 9 || got[1].Number != 10 {
			t.Errorf("%s: the good rows are %+v", c.name, got)
		}
	}
	for name, text := range map[string]string{
		"nothing":           "",
		"no column answer":  "number,note\n1,x\n",
		"two of a kind":     "number,row,answer\n1,1,done\n",
		"octets of a photo": "\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01",
	} {
		if _, _, err := report.ReadAnswers(strings.NewReader(text), nil); !errors.Is(err, casebook.ErrInvalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestAnswersBounded: whatever is sent, what is given is bounded, and time goes with
// the length of the text.
func TestAnswersBounded(t *testing.T) {
	text := "number,answer\n" + strings.Repeat("1,done\n", report.MaxRows+1)
	if _, _, err := report.ReadAnswers(strings.NewReader(text), nil); !errors.Is(err, casebook.ErrTooLarge) {
		t.Errorf("rows without end: got %v", err)
	}
	bad := "number,answer\n" + strings.Repeat("x,done\n", 5000)
	if _, refused, err := report.ReadAnswers(strings.NewReader(bad), nil); err != nil || len(refused) != 1000 {
		t.Errorf("refusals without end: got %d, %v", len(refused), err)
	}
	quotes := "number,answer\n" + strings.Repeat("\"\n", report.MaxRows-1)
	start := time.Now()
	if _, _, err := report.ReadAnswers(strings.NewReader(quotes), nil); err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("open quotation marks took %v", took)
	}
	if _, _, err := report.ReadAnswers(endless{}, nil); !errors.Is(err, casebook.ErrTooLarge) {
		t.Errorf("octets without end: got %v", err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	return len(p), nil
}

// TestOrderComesBack fills in the very table that is sent out, in both languages, as
// a spreadsheet would save it.
func TestOrderComesBack(t *testing.T) {
	o := instruction(t)
	for _, lang := range []report.Lang{report.English, report.Chinese} {
		out := written(t, func(b *bytes.Buffer) error { return o.WriteRows(b, lang) })
		if !bytes.HasPrefix(out, []byte("\xef\xbb\xbf")) || bytes.Count(out, []byte("\r\n")) != len(o.Rows)+1 {
			t.Errorf("%s: no byte order mark, or other line ends than CRLF", lang.Tag())
		}
		rows, err := csv.NewReader(bytes.NewReader(out[3:])).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		rows[1][9], rows[2][9], rows[3][9], rows[3][12] = "done", "已通知用户", "cannot identify", "shared address, no log"
		rows[1][10] = "2026-03-14 20:15"
		var back bytes.Buffer
		w := csv.NewWriter(&back)
		w.Comma = ';'
		w.WriteAll(rows)
		answers, bad, err := report.ReadAnswers(&back, beijing)
		if err != nil || len(bad) > 0 {
			t.Fatalf("%v, refused %+v", err, bad)
		}
		good, bad := o.Match(answers)
		if len(good) != 3 || len(bad) > 0 || good[0].Kind != casebook.AnswerDone || !good[0].At.Equal(at(t, "2026-03-14T12:15:00Z")) ||
			good[1].Kind != casebook.AnswerUserTold || good[2].Note != "shared address, no log" {
			t.Errorf("%s: got %+v, refused %+v", lang.Tag(), good, bad)
		}
	}
}

func TestMatchRefuses(t *testing.T) {
	o := instruction(t)
	for _, c := range []struct {
		answer report.Answer
		field  string
	}{
		{report.Answer{Number: 1, Task: o.Order.Task, Asset: "203.0.113[.]7", Port: 8443}, ""},
		{report.Answer{Number: 1, Task: strings.ToLower(o.Order.Task)}, ""},
		{report.Answer{Number: 2, Asset: "C2.Example.NET."}, ""},
		{report.Answer{Number: 3, Asset: "2001:0DB8:0::25"}, ""},
		{report.Answer{Number: 1, Task: "CN-11-2026-000124-01"}, "task"},
		{report.Answer{Number: 4}, "number"},
		{report.Answer{Number: 1, Asset: "203.0.113.8"}, "asset"},
		{report.Answer{Number: 1, Port: 443}, "port"},
	} {
		good, bad := o.Match([]report.Answer{c.answer})
		if c.field == "" && len(good) != 1 || c.field != "" && (len(bad) != 1 || bad[0].Field != c.field) {
			t.Errorf("%+v: took %v, refused %+v", c.answer, good, bad)
		}
	}
}

func FuzzReadAnswers(f *testing.F) {
	f.Add([]byte("number,answer,until,note\r\n1,done,,\r\n2,needs_longer,2026-03-16 18:00,x\r\n"))
	f.Add([]byte("sep=;\n序号;处置结果\n1;已完成\n"))
	f.Add([]byte("\xff\xfen\x00u\x00m\x00b\x00e\x00r\x00,\x00a\x00n\x00s\x00w\x00e\x00r\x00\n\x001\x00,\x00d\x00o\x00n\x00e\x00"))
	f.Add([]byte("number,answer\n\"1,\"\"done\n\"2\",done\"x\"\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, bad, err := report.ReadAnswers(bytes.NewReader(text), beijing)
		again, _, err2 := report.ReadAnswers(bytes.NewReader(text), beijing)
		if !slices.Equal(got, again) || (err == nil) != (err2 == nil) {
			t.Fatal("the same octets give different answers")
		}
		if len(bad) > 1000 {
			t.Fatalf("%d refusals", len(bad))
		}
		seen := map[int]bool{}
		for _, a := range got {
			if a.Number < 1 || a.Number > report.MaxRows || seen[a.Number] || a.Kind == casebook.NoAnswer || a.Line < 2 {
				t.Fatalf("took %+v", a)
			}
			seen[a.Number] = true
		}
		for _, r := range bad {
			if r.Reason == "" || r.Line < 2 {
				t.Fatalf("refused %+v", r)
			}
		}
	})
}
