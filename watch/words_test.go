package watch

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"tocsin/courier"
)

var update = flag.Bool("update", false, "write what calls say now into testdata")

// TestWordsOfCalls holds every kind of call, in both languages, against testdata.
func TestWordsOfCalls(t *testing.T) {
	p := newPlay(t)
	p.due = []Due{due("dty_1", 2*minute), due("dty_2", 45*minute), due("dty_3", 30*hour)}
	p.due[1].Provisional, p.due[1].Zone, p.due[1].Article, p.due[1].Party = true, "Europe/Berlin", "", ""
	p.up(minute)
	p.down(NoAnswer, 45*minute)
	p.due[0].State = "missed"
	p.wrong = -4500 * time.Millisecond
	p.own = -4480 * time.Millisecond
	p.up(minute)
	never := newPlay(t)
	never.down(NoAnswer, 2*minute)
	var all []Call
	for _, c := range append(p.calls, never.calls...) {
		if c.Kind != KindSilent || c.Number < 3 {
			all = append(all, c)
		}
	}
	more := all[0]
	more.Open, more.Due = 700, more.Due[:1]
	empty := all[0]
	empty.Open, empty.Due, empty.Fault = 0, nil, Stale
	all = append(all, more, empty, TestCall(rules, begin))

	archive := &txtar.Archive{Comment: []byte("What calls say; go test ./watch -update writes it.\n")}
	for _, language := range Languages() {
		for i, c := range all {
			m := c.Message(language)
			archive.Files = append(archive.Files, txtar.File{Name: fmt.Sprintf("%s-%02d-%s-%s", language, i+1, c.Kind, m.Urgency),
				Data: []byte(m.Subject + "\n\n" + m.Text + "\n")})
		}
	}
	body, err := json.MarshalIndent(all[1].Message("en").Body, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	archive.Files = append(archive.Files, txtar.File{Name: "body.json", Data: append(body, '\n')})
	got := string(txtar.Format(archive))
	name := filepath.Join("testdata", "calls.txtar")
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("calls say something else than %s: go test ./watch -update, and read the difference\n%s", name, got)
	}
}

var verb = regexp.MustCompile(`%[a-z]`)

// TestLanguagesSayTheSame wants each text in each language, with the same verbs in
// the same order.
func TestLanguagesSayTheSame(t *testing.T) {
	flat := func(w words) map[string]string {
		all := map[string]string{}
		v := reflect.ValueOf(w)
		for i := range v.NumField() {
			name := v.Type().Field(i).Name
			if v.Field(i).Kind() == reflect.String {
				all[name] = v.Field(i).String()
				continue
			}
			for _, key := range v.Field(i).MapKeys() {
				all[name+" "+key.String()] = v.Field(i).MapIndex(key).String()
			}
		}
		return all
	}
	english := flat(languages["en"])
	for language, w := range languages {
		got := flat(w)
		for name, text := range english {
			if got[name] == "" || strings.Join(verb.FindAllString(text, -1), " ") != strings.Join(verb.FindAllString(got[name], -1), " ") {
				t.Errorf("%s, %s: %q, English %q", language, name, got[name], text)
			}
		}
		if len(got) != len(english) {
			t.Errorf("%s has %d texts, English %d", language, len(got), len(english))
		}
	}
	if m := (Call{ID: "wch_00000000", Kind: KindTest}).Message("xx"); m.Language != "en" {
		t.Errorf("an unknown language became %q", m.Language)
	}
}

func TestAMessageIsTheSameWheneverItIsWritten(t *testing.T) {
	p := newPlay(t)
	p.due = []Due{due("dty_1", 20*minute)}
	p.up(minute)
	p.down(NoAnswer, 2*minute)
	first := p.state.Calls[0].Message("zh")
	p.state = Delivered(p.state, p.state.Calls[0].ID, "duty", p.now(), &courier.Failure{Temporary: true, Err: fmt.Errorf("lost")})
	p.restart(hour)
	if again := p.state.Calls[0].Message("zh"); !reflect.DeepEqual(first, again) {
		t.Errorf("first\n%+v\nthen\n%+v", first, again)
	}
}

func TestSpans(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "0 s", 400 * time.Millisecond: "0 s", 59 * time.Second: "59 s", time.Minute: "1 min", 90 * time.Second: "1 min 30 s",
		time.Hour: "1 h", time.Hour + time.Second: "1 h", 61 * time.Minute: "1 h 1 min", 49 * time.Hour: "2 d 1 h", -5 * time.Second: "5 s"} {
		if got := languages["en"].span(d); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
}

// TestADrillSaysSo where a moment of one is told, and in the subject where it is the next.
func TestADrillSaysSo(t *testing.T) {
	for language, mark := range map[string]string{"en": "[EXERCISE] ", "zh": "【演练】"} {
		p := newPlay(t)
		p.due = []Due{due("dty_1", 2*hour), due("dty_2", 3*hour)}
		p.due[0].Exercise = true
		p.up(minute)
		p.down(NoAnswer, 10*minute)
		if len(p.calls) == 0 {
			t.Fatal("nobody was called")
		}
		m := p.calls[0].Message(language)
		if !strings.Contains(m.Subject, mark) || strings.Count(m.Text, mark) != 1 {
			t.Errorf("%s: got %q\n%s", language, m.Subject, m.Text)
		}
	}
}
