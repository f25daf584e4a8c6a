package feed

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"tocsin/casebook"
)

const plainMapping = `about: addresses that somebody saw
input:
  format: csv
constants:
  type: scanner
fields:
  observed_at: {from: when}
  asset:
    - {from: ip, as: ip}
`

func TestAMistakeInAMappingIsToldWithFileAndPlace(t *testing.T) {
	change := func(old, new string) string { return strings.Replace(plainMapping, old, new, 1) }
	cases := []struct{ name, text, says string }{
		{"an unknown key", change("  format: csv", "  format: csv\n  separator: x"), `near.yaml line 4: unknown field "separator"`},
		{"an unknown key deep inside", change("as: ip}", "is: ip}"), `near.yaml line 9: unknown field "is"`},
		{"an unknown field", change("fields:", "fields:\n  port_of_call: x"), `near.yaml line 7: unknown field "port_of_call"`},
		{"no YAML", "about: [", "near.yaml line 1"},
		{"a list where a text should be", change("about: addresses that somebody saw", "about: [a]"), "near.yaml line 1"},
		{"the same key twice", change("input:", "about: again\ninput:"), "near.yaml line 2"},
		{"nothing", "", "near.yaml: input.format"},
		{"no sentence", change("about: addresses that somebody saw\n", ""), "near.yaml: about: expected a sentence"},
		{"no such format", change("csv", "xml"), `input.format: "xml", expected csv, json-lines or json`},
		{"a delimiter of two", change("csv", "csv\n  delimiter: ab"), `input.delimiter: "ab"`},
		{"a delimiter for JSON", change("csv", "json\n  delimiter: ;"), "for csv only"},
		{"records for CSV", change("csv", "csv\n  records: a"), "for json only"},
		{"no such type", change("scanner", "harmless"), `constants.type: "harmless" is no type of the RSIT taxonomy`},
		{"no type", change("type: scanner", "severity: low"), "constants.type: expected a type"},
		{"no such role", change("type: scanner", "type: scanner\n  role: king"), "constants.role"},
		{"no such severity", change("type: scanner", "type: scanner\n  severity: awful"), "constants.severity"},
		{"no such label", change("type: scanner", "type: scanner\n  tlp: WHITE"), "constants.tlp"},
		{"a confidence over 1", change("type: scanner", "type: scanner\n  confidence: 80"), "constants.confidence: 80, expected 0 to 1"},
		{"no moment", change("observed_at: {from: when}", "port: p"), "fields.observed_at.from"},
		{"no such layout", change("from: when", "from: when, as: yesterday"), `fields.observed_at.as: time layout "yesterday"`},
		{"a layout without a year", change("from: when", `from: when, as: "02 Jan 15:04"`), "fields.observed_at.as"},
		{"no such zone", change("from: when", "from: when, zone: Mars/Olympus"), "fields.observed_at.zone"},
		{"no asset", change("asset:\n    - {from: ip, as: ip}", "port: p"), "fields.asset: expected the columns"},
		{"no such kind", change("as: ip", "as: car"), `fields.asset: ip: kind "car" is unknown`},
		{"no kind", change(", as: ip", ""), "fields.asset: expected from"},
		{"a gap of no days", "gap_days: -1\n" + plainMapping, "gap_days: -1"},
	}
	for _, tc := range cases {
		_, err := OpenCatalogue(fstest.MapFS{"near.yaml": {Data: []byte(tc.text)}})
		if !errors.Is(err, casebook.ErrInvalid) || !strings.Contains(fmt.Sprint(err), tc.says) {
			t.Errorf("%s: got %v, want ErrInvalid … %s", tc.name, err, tc.says)
		}
	}
}

func TestASitesMappingIsAFormatLikeTheOthers(t *testing.T) {
	site := fstest.MapFS{"near.yaml": {Data: []byte(plainMapping)}, "feodo.yaml": {Data: []byte(plainMapping)}, "README": {Data: []byte("not ours")}}
	c, err := OpenCatalogue(site)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range c.Formats() {
		names = append(names, f.Name)
	}
	if want := []string{"c2-tracker", "feodo", "near", "sensor", "shadowserver"}; !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
	f, err := c.Find("near")
	if err != nil || f.About != "addresses that somebody saw" || f.GapDays != 30 || f.TLP != casebook.Amber {
		t.Errorf("got %+v, %v", f, err)
	}
	r := read(t, f, "", strings.NewReader("when,ip\n2026-11-22 00:00:00,192.0.2.1\n"))
	if len(r.lines) != 1 || !strings.Contains(r.lines[0], `"source":"near"`) {
		t.Errorf("got %s %v", r.lines, r.err)
	}
	if _, err := f.ReportType("x.csv", "scan_ssh"); !errors.Is(err, casebook.ErrInvalid) {
		t.Errorf("a report type of a format that has one: got %v, want ErrInvalid", err)
	}
	if got, err := f.ReportType("x.csv", ""); got != "" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if over, err := c.Find("feodo"); err != nil || over.Version == format(t, "feodo").Version || over.About != f.About {
		t.Errorf("the site's feodo is not over the built-in one: %+v, %v", over, err)
	}
}

func TestNamesOfSitesFormats(t *testing.T) {
	for _, name := range []string{"shadowserver.yaml", "Near.yaml", "a b.yaml", ".yaml"} {
		if _, err := OpenCatalogue(fstest.MapFS{name: {Data: []byte(plainMapping)}}); !errors.Is(err, casebook.ErrInvalid) {
			t.Errorf("%s: got %v, want ErrInvalid", name, err)
		}
	}
}

func TestFindNamesTheFeedsThereAre(t *testing.T) {
	_, err := Builtin().Find("fedo")
	if !errors.Is(err, casebook.ErrNotFound) || !strings.Contains(err.Error(), "c2-tracker, feodo, sensor, shadowserver") {
		t.Errorf("got %v, want ErrNotFound that names them", err)
	}
}

func TestTheZeroFormatRefuses(t *testing.T) {
	var f Format
	if _, err := f.Read(Input{Body: strings.NewReader("")}, nil); !errors.Is(err, casebook.ErrInvalid) {
		t.Errorf("got %v", err)
	}
	if _, err := f.ReportType("x", ""); !errors.Is(err, casebook.ErrInvalid) {
		t.Errorf("got %v", err)
	}
	if _, err := format(t, "feodo").Read(Input{}, nil); !errors.Is(err, casebook.ErrInvalid) {
		t.Errorf("no body: got %v", err)
	}
}

func jsonLines(t *testing.T) Format {
	t.Helper()
	f, err := parseMapping("lines", "lines.yaml", []byte(strings.Replace(plainMapping, "csv", "json-lines", 1)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func document(t *testing.T) Format {
	t.Helper()
	f, err := parseMapping("document", "document.yaml", []byte(strings.Replace(plainMapping, "csv", "json", 1)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

const jsonRecord = `{"when": "2026-11-22T00:00:00Z", "ip": "192.0.2.1"}`

func TestJSONThatCantBeARecordCostsItselfOnly(t *testing.T) {
	var names strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&names, `, "n%d": 1`, i)
	}
	long := func(inside string) string { return strings.Replace(jsonRecord, "{", "{"+inside+", ", 1) }
	cases := []struct{ name, record, reason string }{
		{"10 MB", long(`"x": "` + strings.Repeat("x", 10<<20) + `"`), "longer than 1048576 octets"},
		{"10 MB of members", "{" + strings.Repeat(`"a":1,`, 10<<20/6) + `"b":2}`, "longer than"},
		{"too many members", strings.Replace(jsonRecord, "}", names.String()+"}", 1), "new after 4096 others"},
		{"a name again and again", strings.Replace(jsonRecord, "}", strings.Repeat(`, "x": 1`, 17)+"}", 1), `"x" more than 16 times`},
		{"a long name", long(`"` + strings.Repeat("n", 300) + `": 1`), "name is longer than 256"},
		{"a text", `"text"`, "no JSON object but string"},
		{"a number", `7`, "no JSON object but number"},
		{"broken inside", `{"when" "x"}`, "not well-formed"},
		{"NUL", long(`"x": "\u0000"`), "NUL"},
		{"no moment", `{"ip": "192.0.2.1"}`, "tells no moment"},
		{"no address", `{"when": "2026-11-22T00:00:00Z"}`, "tells no address"},
	}
	for _, tc := range cases {
		for f, text := range map[*Format]string{
			ref(jsonLines(t)): jsonRecord + "\n" + tc.record + "\n\n" + jsonRecord,
			ref(document(t)):  "[" + jsonRecord + ",\n" + tc.record + ",\n\n" + jsonRecord + "]",
		} {
			r := read(t, *f, "", strings.NewReader(text))
			if r.err != nil || len(r.keys) != 2 || len(r.refused) != 1 || r.refused[0].Line != 2 || !strings.Contains(r.refused[0].Reason, tc.reason) {
				t.Errorf("%s, %s: got %d taken, refused %.200v, %v, want 2 taken and … %s on line 2", f.Name, tc.name, len(r.keys), r.refused, r.err, tc.reason)
			}
		}
	}
}

func ref(f Format) *Format { return &f }

func TestAJSONDocumentThatBreaksEndsTheReading(t *testing.T) {
	cases := []struct{ name, text, says string }{
		{"nothing", "", "ends early"},
		{"no array", "{}", `expected the array of records, found '{'`},
		{"cut", "[" + jsonRecord + ",\n{\"a\":", "line 2: the JSON ends early"},
		{"cut between", "[" + jsonRecord + ",", "ends early"},
		{"a stray bracket", "[" + jsonRecord + ", }]", "not well-formed"},
		{"too deep", "[" + jsonRecord + "," + strings.Repeat("[", 1000), "nested more than 100 deep"},
	}
	for _, tc := range cases {
		r := read(t, document(t), "", strings.NewReader(tc.text))
		if !errors.Is(r.err, casebook.ErrInvalid) && !errors.Is(r.err, casebook.ErrTooLarge) || !strings.Contains(fmt.Sprint(r.err), tc.says) {
			t.Errorf("%s: got %v, want a fault … %s", tc.name, r.err, tc.says)
		}
		if strings.Contains(tc.text, jsonRecord) && len(r.keys) != 1 {
			t.Errorf("%s: got %d taken before the fault, want 1", tc.name, len(r.keys))
		}
	}
}

func TestAnEndlessDocumentIsReadInBoundedMemory(t *testing.T) {
	f := document(t)
	body := io.MultiReader(strings.NewReader("["), io.LimitReader(&endless{text: jsonRecord + ","}, 4<<20), strings.NewReader(jsonRecord+"]"))
	result, err := f.Read(Input{Body: body}, func(*casebook.Observation, *casebook.Refusal) error { return nil })
	if err == nil || result.Taken < 80_000 { // cut somewhere inside a record
		t.Errorf("got %+v, %v", result, err)
	}
}

type endless struct {
	text string
	at   int
}

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = e.text[e.at]
		e.at = (e.at + 1) % len(e.text)
	}
	return len(p), nil
}
