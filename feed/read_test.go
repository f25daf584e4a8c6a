package feed

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/casebook"
)

// reading is what one reading yielded.
type reading struct {
	lines   []string // JSON of the observations
	keys    []casebook.Key
	moments []time.Time
	refused []casebook.Refusal
	result  Result
	err     error
}

func read(t testing.TB, f Format, reportType string, body io.Reader) reading {
	t.Helper()
	return readInput(t, f, Input{Type: reportType, Body: body})
}

func readInput(t testing.TB, f Format, in Input) reading {
	t.Helper()
	var r reading
	row := int64(0)
	in.Name = "test.csv"
	r.result, r.err = f.Read(in, func(o *casebook.Observation, bad *casebook.Refusal) error {
		row++
		switch {
		case (o == nil) == (bad == nil):
			t.Fatalf("row %d: both or neither were yielded", row)
		case bad != nil:
			if bad.Row != row || bad.Line < 1 || bad.Reason == "" {
				t.Fatalf("row %d: the refusal is %+v", row, *bad)
			}
			r.refused = append(r.refused, *bad)
		default:
			if o.Row != row || o.Asset.IsZero() || o.ObservedAt.IsZero() || o.Source == "" || o.Key == (casebook.Key{}) {
				t.Fatalf("row %d: the observation is %+v", row, *o)
			}
			r.lines = append(r.lines, string(o.AppendJSON(nil)))
			r.keys = append(r.keys, o.Key)
			r.moments = append(r.moments, o.ObservedAt)
		}
		return nil
	})
	got := Result{Rows: row, Taken: int64(len(r.keys)), Refused: int64(len(r.refused)), Warnings: r.result.Warnings}
	if fmt.Sprint(got) != fmt.Sprint(r.result) {
		t.Errorf("counted %+v, yielded %+v", r.result, got)
	}
	return r
}

func readText(t testing.TB, feedName, reportType, text string) reading {
	t.Helper()
	return read(t, format(t, feedName), reportType, strings.NewReader(text))
}

const sinkholeHeader = "timestamp,protocol,src_ip,src_port,dst_ip,dst_port,infection,family,tag\n"

func TestADirtySecondaryFieldKeepsTheRow(t *testing.T) {
	r := readText(t, "shadowserver", "event4_sinkhole", sinkholeHeader+
		"2021-03-04 00:00:00,tcp,192.0.2.7,4188,198.51.100.1.12,eighty,virut,virut,x\n"+
		"2021-03-04 00:00:00,carrier pigeon,192.0.2.8,70000,198.51.100.2,80,virut,,\n")
	want := []string{
		`"asset":"192.0.2.7","port":4188,"transport":"tcp","observed_at":"2021-03-04T00:00:00Z","row":1,"extra":{"dst_ip":"198.51.100.1.12","dst_port":"eighty","tag":"x"}`,
		`"asset":"192.0.2.8","port":0,"peer_kind":"ipv4-addr","peer":"198.51.100.2","peer_port":80,"observed_at":"2021-03-04T00:00:00Z","row":2,"extra":{"protocol":"carrier pigeon","src_port":"70000"}`,
	}
	for i, w := range want {
		if i >= len(r.lines) || !strings.Contains(r.lines[i], w) {
			t.Errorf("row %d: got  %s\nwant … %s", i+1, r.lines, w)
		}
	}
	if len(r.result.Warnings) != 4 || !strings.Contains(r.result.Warnings[0], `"dst_ip": values that made no sense, kept as they are: 1,`) {
		t.Errorf("got warnings %q, want one for each of four columns", r.result.Warnings)
	}
}

func TestABadRowIsRefusedWithItsLineAndReason(t *testing.T) {
	good := "2021-03-04 00:00:00,tcp,192.0.2.7,4188,198.51.100.1,80,virut,virut,\n"
	cases := []struct{ name, row, field, reason string }{
		{"no such moment", "2021-02-30 00:00:00,tcp,192.0.2.7,1,198.51.100.1,80,,,\n", "timestamp", `"2021-02-30 00:00:00" is not a moment`},
		{"a moment before there were feeds", "0000-00-00 00:00:00,tcp,192.0.2.7,1,198.51.100.1,80,,,\n", "timestamp", "is not a moment"},
		{"no moment", ",tcp,192.0.2.7,1,198.51.100.1,80,,,\n", "timestamp", "tells no moment"},
		{"a dirty address", "2021-03-04 00:00:00,tcp,192.0.2.7.8,1,198.51.100.1,80,,,\n", "src_ip", `"192.0.2.7.8" is no address`},
		{"an octal address", "2021-03-04 00:00:00,tcp,192.0.02.7,1,198.51.100.1,80,,,\n", "src_ip", "is no address"},
		{"the unspecified address", "2021-03-04 00:00:00,tcp,0.0.0.0,1,198.51.100.1,80,,,\n", "src_ip", "is no address"},
		{"no address", "2021-03-04 00:00:00,tcp,,1,198.51.100.1,80,,,\n", "src_ip", "tells no address"},
		{"too few fields", "2021-03-04 00:00:00,tcp\n", "", "the row has 2 fields, the header has 9"},
		{"too many fields", strings.TrimSpace(good) + ",,\n", "", "the row has 11 fields, the header has 9"},
		{"NUL", "2021-03-04 00:00:00,tcp,192.0.2.7,1,198.51.100.1,80,,vi\x00rut,\n", "", "NUL"},
		{"a row of 2 MB", "2021-03-04 00:00:00,tcp,192.0.2.7,1,198.51.100.1,80,,," + strings.Repeat("x", 2<<20) + "\n", "", "longer than 1048576 octets"},
		{"an open quote", "\"2021-03-04 00:00:00,tcp,192.0.2.7,1,198.51.100.1,80,,,\n", "", "the row has 1 fields"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			r := readText(t, "shadowserver", "event4_sinkhole", sinkholeHeader+good+tc.row+good)
			if r.err != nil || len(r.keys) != 2 || len(r.refused) != 1 {
				t.Fatalf("got %d taken, %d refused, %v, want 2 and 1", len(r.keys), len(r.refused), r.err)
			}
			bad := r.refused[0]
			if bad.Row != 2 || bad.Line != 3 || bad.Field != tc.field || !strings.Contains(bad.Reason, tc.reason) {
				t.Errorf("got %+v, want row 2, line 3, field %q, reason … %s", bad, tc.field, tc.reason)
			}
		})
	}
}

func TestADeliveryThatIsNoTableIsRefusedWhole(t *testing.T) {
	cases := []struct{ name, text, says string }{
		{"nothing", "", "no header"},
		{"empty lines only", "\n\r\n\n", "no header"},
		{"other text", "adasdasdasdasd\nadasdasdafgf\n", `no column timestamp; the header has "adasdasdasdasd"`},
		{"no moment", "ip,port\n192.0.2.1,80\n", `no column timestamp; the header has "ip", "port"`},
		{"no address", "timestamp,port\n2021-03-04 00:00:00,80\n", `no column src_ip or ip; the header has "timestamp", "port"`},
		{"binary", "\x7fELF\x02\x01\x01\x00\x00\x00\n\x00\x01", "NUL"},
		{"UTF-16 without a mark", "t\x00i\x00m\x00e\x00\n\x00", "NUL"},
		{"a header of 2 MB", strings.Repeat("x", 2<<20) + "\n", "longer than"},
		{"a header of 5,000 columns", strings.Repeat("a,", 5000) + "\n", "the bound is 4096"},
	}
	for _, tc := range cases {
		r := readText(t, "shadowserver", "event4_sinkhole", tc.text)
		if !errors.Is(r.err, casebook.ErrInvalid) || !strings.Contains(r.err.Error(), tc.says) || len(r.keys)+len(r.refused) > 0 {
			t.Errorf("%s: got %v after %d rows, want ErrInvalid … %s", tc.name, r.err, r.result.Rows, tc.says)
		}
		if r.err != nil && len(r.err.Error()) > 3000 {
			t.Errorf("%s: the message has %d octets", tc.name, len(r.err.Error()))
		}
	}
}

func TestWhatCameBeforeAFaultIsTaken(t *testing.T) {
	var text strings.Builder
	text.WriteString(sinkholeHeader)
	for i := range 50_000 {
		fmt.Fprintf(&text, "2021-03-04 %02d:%02d:%02d,tcp,192.0.2.%d,%d,198.51.100.1,80,virut,virut,%x\n", i/3600, i/60%60, i%60, i%256, i, i*i)
	}
	packed := gzipped(t, []byte(text.String()))
	r := read(t, format(t, "shadowserver"), "event4_sinkhole", bytes.NewReader(packed[:len(packed)/2]))
	if !errors.Is(r.err, casebook.ErrInvalid) || !strings.Contains(r.err.Error(), "cut short") || len(r.keys) < 10_000 || len(r.refused) > 0 {
		t.Errorf("got %d taken, %d refused, %v", len(r.keys), len(r.refused), r.err)
	}
}

func TestSpellingsOfTheSameTableGiveTheSameKeys(t *testing.T) {
	rows := "2021-03-04 00:00:00,tcp,192.0.2.7,4188,198.51.100.1,80,virut,virut,caf\xc3\xa9\n"
	want := readText(t, "shadowserver", "event4_sinkhole", sinkholeHeader+rows)
	if want.err != nil || len(want.keys) != 1 {
		t.Fatalf("got %+v", want)
	}
	cases := map[string]string{
		"a byte order mark":      "\xef\xbb\xbf" + sinkholeHeader + rows,
		"CRLF":                   strings.ReplaceAll(sinkholeHeader+rows, "\n", "\r\n"),
		"blanks in the header":   strings.ReplaceAll(sinkholeHeader, ",", " , ") + rows,
		"quotes":                 sinkholeHeader + `"2021-03-04 00:00:00","tcp","192.0.2.7","4188","198.51.100.1","80","virut","virut","caf` + "\xc3\xa9\"\n",
		"an empty column more":   strings.Replace(sinkholeHeader, "\n", ",version\n", 1) + strings.Replace(rows, "\n", ",\n", 1),
		"T and Z in the moment":  sinkholeHeader + strings.Replace(rows, "2021-03-04 00:00:00", "2021-03-04T01:00:00+01", 1),
		"columns in other order": "src_port,tag,dst_ip,protocol,src_ip,infection,family,dst_port,timestamp\n4188,caf\xc3\xa9,198.51.100.1,tcp,192.0.2.7,virut,virut,80,2021-03-04 00:00:00\n",
		"capitals in typed names": strings.NewReplacer("timestamp", "TIMESTAMP", "src_ip", "Src_IP", "family", "Family").
			Replace(sinkholeHeader) + rows,
	}
	for name, text := range cases {
		got := readText(t, "shadowserver", "event4_sinkhole", text)
		if got.err != nil || len(got.keys) != 1 || got.keys[0] != want.keys[0] {
			t.Errorf("%s: got %v %v %v, want %v", name, got.lines, got.refused, got.err, want.lines)
		}
	}
}

func TestUnknownAndTwofoldColumnsAreKeptAndSaidOnce(t *testing.T) {
	r := readText(t, "shadowserver", "scan_ssh", "timestamp,ip,port,novelty,tag,tag,\n"+
		"2021-03-04 00:00:00,192.0.2.7,22,a,b,c,d\n2021-03-04 00:00:01,192.0.2.7,22,a,b,c,d\n")
	want := `"extra":{"column 7":"d","novelty":"a","tag":"b","tag.2":"c"}`
	if len(r.lines) != 2 || !strings.Contains(r.lines[1], want) {
		t.Errorf("got %s, want … %s", r.lines, want)
	}
	if len(r.result.Warnings) != 3 {
		t.Errorf("got warnings %q, want one for novelty, the second tag and the column without a name", r.result.Warnings)
	}
}

func TestWarningsAreBounded(t *testing.T) {
	var header, row strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&header, ",novelty%d", i)
		row.WriteString(",x")
	}
	r := readText(t, "shadowserver", "scan_ssh", "timestamp,ip"+header.String()+"\n2021-03-04 00:00:00,192.0.2.7"+row.String()+"\n")
	if len(r.result.Warnings) != maxWarnings || r.result.Warnings[maxWarnings-1] != "2937 more warnings" || len(r.keys) != 1 {
		t.Errorf("got %d warnings, the last %q, and %d rows", len(r.result.Warnings), r.result.Warnings[len(r.result.Warnings)-1], len(r.keys))
	}
}

func TestFamiliesAreTextThatADatabaseTakes(t *testing.T) {
	r := readText(t, "shadowserver", "event4_sinkhole", sinkholeHeader+
		"2021-03-04 00:00:00,tcp,192.0.2.7,1,,,caf\xe9, unknown ,\n"+
		"2021-03-04 00:00:00,tcp,192.0.2.7,1,,,x,"+strings.Repeat("y", 300)+",\n")
	want := []string{
		`"identifier":"caf` + "\uFFFD" + `","family":"caf` + "\uFFFD" + `",`,
		`"identifier":"x","family":"x",`,
	}
	for i, w := range want {
		if i >= len(r.lines) || !strings.Contains(r.lines[i], w) {
			t.Errorf("row %d: got %s, want … %s", i+1, r.lines, w)
		}
	}
	if !strings.Contains(r.lines[0], `"extra":{"family":" unknown ","infection":"caf`+"\uFFFD"+`"}`) || !strings.Contains(r.lines[1], `"family":"yyy`) {
		t.Errorf("what was mended is not kept as it came: %s", r.lines)
	}
}

func TestAWordOverTheBoundStaysBeside(t *testing.T) {
	y := func(n int) string { return strings.Repeat("y", n) }
	cases := []struct{ name, infection, family, says, warning string }{
		{"as long as may be", "", " " + y(255) + " ", `"family":"` + y(255) + `",`, ""},
		{"one octet more", "", y(256), `"extra":{"family":"` + y(256) + `"}`, `"family": values that made no sense, kept as they are: 1, the first on line 2`},
		{"longer once it is text", "", strings.Repeat("y\xff", 100), `"extra":{"family":"y`, `"family"`},
		{"another column tells", "virut", y(256), `"identifier":"virut","family":"virut",`, `"family"`},
		{"a column read as two fields", y(256), "", `"extra":{"infection":"` + y(256) + `"}`, `"infection": values that made no sense, kept as they are: 1, the first on line 2`},
	}
	for _, tc := range cases {
		r := readText(t, "shadowserver", "event4_sinkhole", sinkholeHeader+"2021-03-04 00:00:00,tcp,192.0.2.7,1,,,"+tc.infection+","+tc.family+",\n")
		if len(r.lines) != 1 || !strings.Contains(r.lines[0], tc.says) {
			t.Errorf("%s: got %s, refused %v, want … %s", tc.name, r.lines, r.refused, tc.says)
		}
		if said := strings.Join(r.result.Warnings, "\n"); !strings.Contains(said, tc.warning) || (said == "") != (tc.warning == "") {
			t.Errorf("%s: got warnings %q, want one that says %s", tc.name, said, tc.warning)
		}
	}
}

func TestYieldEndsTheReading(t *testing.T) {
	full := errors.New("disk full")
	rows := 0
	text := sinkholeHeader + strings.Repeat("2021-03-04 00:00:00,tcp,192.0.2.7,1,,,x,y,\n", 10)
	result, err := format(t, "shadowserver").Read(Input{Type: "event4_sinkhole", Body: strings.NewReader(text)}, func(*casebook.Observation, *casebook.Refusal) error {
		if rows++; rows == 3 {
			return full
		}
		return nil
	})
	if err != full || rows != 3 || result.Rows != 3 {
		t.Errorf("got %v after %d rows, %+v", err, rows, result)
	}
}

func TestAFormatServesSeveralGoroutines(t *testing.T) {
	f := format(t, "shadowserver")
	text := sinkholeHeader + strings.Repeat("2021-03-04 00:00:00,tcp,192.0.2.7,1,,,x,y,\n", 1000)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			result, err := f.Read(Input{Type: "event4_sinkhole", Body: strings.NewReader(text)}, func(*casebook.Observation, *casebook.Refusal) error { return nil })
			if err != nil || result.Taken != 1000 {
				t.Errorf("got %+v, %v", result, err)
			}
		})
	}
	group.Wait()
}

func TestManyColumnsOfOneNameAreCheap(t *testing.T) {
	r := readText(t, "shadowserver", "scan_ssh", "timestamp,ip"+strings.Repeat(",x", 4094)+"\n2021-03-04 00:00:00,192.0.2.7"+strings.Repeat(",y", 4094)+"\n")
	if len(r.lines) != 1 || !strings.Contains(r.lines[0], `"x":"y","x.10":"y"`) || !strings.Contains(r.lines[0], `"x.4094":"y"`) {
		t.Errorf("got %.200s %v", r.lines, r.err)
	}
}

func TestManyCommentsAreCheap(t *testing.T) {
	text := strings.Repeat("# a,b\n", 20_000) + "last_online,dst_ip\n2026-11-22,192.0.2.1\n"
	if r := readText(t, "feodo", "", text); len(r.keys) != 1 || r.err != nil {
		t.Errorf("got %d taken, %v", len(r.keys), r.err)
	}
}

func TestReadingARowAllocatesNothing(t *testing.T) {
	row := `"2021-03-04 00:00:00","tcp","192.0.2.7","4188","198.51.100.1","80","virut","virut","a ""b"""` + "\n"
	f := format(t, "shadowserver")
	allocations := func(rows int) float64 {
		text := sinkholeHeader + strings.Repeat(row, rows)
		return testing.AllocsPerRun(5, func() {
			result, err := f.Read(Input{Type: "event4_sinkhole", Body: strings.NewReader(text)}, func(*casebook.Observation, *casebook.Refusal) error { return nil })
			if err != nil || result.Taken != int64(rows) {
				t.Fatalf("got %+v, %v", result, err)
			}
		})
	}
	if few, many := allocations(10), allocations(5010); many-few > 10 {
		t.Errorf("5,000 rows more cost %v allocations", many-few)
	}
}
