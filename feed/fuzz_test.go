package feed

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"pgregory.net/rapid"

	"tocsin/casebook"
)

// twice reads the same bytes twice and checks what holds for every delivery.
func twice(t *testing.T, f Format, reportType string, text []byte) reading {
	t.Helper()
	a := read(t, f, reportType, bytes.NewReader(text))
	b := read(t, f, reportType, bytes.NewReader(text))
	if !slices.Equal(a.keys, b.keys) || !slices.Equal(a.lines, b.lines) || !slices.Equal(a.refused, b.refused) {
		t.Errorf("%q: two readings differ:\n%v\n%v", text, a, b)
	}
	if a.err != nil && !errors.Is(a.err, casebook.ErrInvalid) && !errors.Is(a.err, casebook.ErrTooLarge) {
		t.Errorf("%q: %v is no fault of the delivery", text, a.err)
	}
	bounded(t, f, reportType, text, a)
	return a
}

// bounded reads the bytes again with a last moment in the middle of those they
// tell: the rows up to it are taken as before, the others refused.
func bounded(t *testing.T, f Format, reportType string, text []byte, free reading) {
	t.Helper()
	if len(free.moments) == 0 {
		return
	}
	last := slices.SortedFunc(slices.Values(free.moments), time.Time.Compare)[(len(free.moments)-1)/2]
	var want []casebook.Key
	for i, at := range free.moments {
		if !at.After(last) {
			want = append(want, free.keys[i])
		}
	}
	got := readInput(t, f, Input{Type: reportType, Body: bytes.NewReader(text), NotAfter: last})
	if !slices.Equal(got.keys, want) || got.result.Rows != free.result.Rows {
		t.Errorf("%q up to %v: got %d rows\n%v\nwant of %d\n%v", text, last, got.result.Rows, got.lines, free.result.Rows, free.lines)
	}
}

// reversed writes a table with its columns the other way round; ok is false for
// text that is no plain table or has columns whose names don't tell them apart.
func reversed(text []byte) (straight, back []byte, ok bool) {
	if bytes.ContainsAny(text, "\x00\r#") || bytes.HasPrefix(text, []byte("\xef\xbb\xbf")) {
		return nil, nil, false
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil || len(rows) == 0 {
		return nil, nil, false
	}
	seen := map[string]bool{"": true}
	for _, name := range rows[0] {
		if name = fold(strings.ToValidUTF8(name, "?")); seen[name] {
			return nil, nil, false
		}
		seen[name] = true
	}
	var out [2]bytes.Buffer
	for i := range out {
		w := csv.NewWriter(&out[i])
		for _, row := range rows {
			w.Write(row)
			slices.Reverse(row) // for the second pass
		}
		w.Flush()
	}
	return out[0].Bytes(), out[1].Bytes(), true
}

func fuzzFormat(f *testing.F, name, reportType string) {
	feed := format(f, name)
	f.Fuzz(func(t *testing.T, text []byte) {
		twice(t, feed, reportType, text)
		straight, back, ok := reversed(text)
		if !ok {
			return
		}
		a, b := twice(t, feed, reportType, straight), twice(t, feed, reportType, back)
		if !slices.Equal(a.keys, b.keys) {
			t.Errorf("columns reversed:\n%q\n%v\n%q\n%v", straight, a.lines, back, b.lines)
		}
	})
}

func FuzzShadowserver(f *testing.F) {
	f.Add([]byte(sinkholeHeader + "2021-03-04 00:00:00,tcp,192.0.2.7,4188,198.51.100.1.12,80,virut,virut,\"a\"\"b\"\n"))
	f.Add([]byte("\"timestamp\",\"http_referer_ip\",\"src_ip\"\n\"2021-03-04T00:00:00.123456789+01:00\",\"::ffff:192.0.2.1\",\"fe80::1%x\"\n\"\",\n"))
	f.Add([]byte("\xff\xfet\x00i\x00m\x00e\x00"))
	fuzzFormat(f, "shadowserver", "event4_sinkhole")
}

func FuzzShadowserverURL(f *testing.F) {
	f.Add([]byte("timestamp,url,ip\n2021-03-04 00:00:00,HTTP://b\xc3\xbccher.example:80/%zz/../?q#f,192.0.2.1\n"))
	f.Add([]byte("timestamp,url,ip\n2021-03-04 00:00:00,http://example.net/" + strings.Repeat("\xc3\xbc", 331) + ",192.0.2.1\n2021-03-05 00:00:00,http://example.net/,\n"))
	f.Add([]byte("timestamp,url,ip\n2021-03-04 00:00:00,http://[::1]/,\n2021-03-04 00:00:00,http://0x7f.1/,\n"))
	fuzzFormat(f, "shadowserver", "malware_url")
}

func FuzzFeodo(f *testing.F) {
	f.Add([]byte("# x\n\"first_seen_utc\",\"dst_ip\",\"dst_port\",\"c2_status\",\"last_online\",\"malware\"\n\"2026-01-05 17:51:44\",\"192.0.2.73\",\"1194\",\"online\",\"2026-11-22\",\"Pikabot\"\n# END"))
	f.Add([]byte("# Firstseen,DstIP,DstPort,LastOnline,Malware\n2019-04-09 16:12:51,192.0.2.16,443,2019-06-19,Heodo\n"))
	fuzzFormat(f, "feodo", "")
}

const jsonMapping = `
about: x
input: {format: json, records: a.b}
fields:
  observed_at: {from: t, as: [unix, rfc3339]}
  asset: [{from: who.ip, as: [endpoint, ip, prefix, domain, url, email, hash, account]}]
  peer: [{from: peer, as: [ip]}]
  type: kind
  confidence: {from: score}
  family: family
`

// FuzzMapping reads any bytes as JSON and as JSON lines by a declared mapping.
func FuzzMapping(f *testing.F) {
	c, err := OpenCatalogue(fstest.MapFS{
		"deep.yaml":  {Data: []byte(jsonMapping)},
		"lines.yaml": {Data: []byte(strings.Replace(jsonMapping, "json, records: a.b", "json-lines", 1))},
		"table.yaml": {Data: []byte(strings.Replace(jsonMapping, "json, records: a.b", `csv, delimiter: ";", comment: "//", columns: [t, who.ip, kind]`, 1))},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(`{"x":[{}],"a":{"b":[{"t":1763800000,"who":{"ip":"192.0.2.1:80"},"kind":"spam","x":[1,2]},7,{"t":"2026-11-22T00:00:00Z"}]}}`))
	f.Add([]byte("{\"t\":1,\"who\":{\"ip\":\"a@b.example\"}}\n\n{\"t\":1,\"a.b\":1,\"a\":{\"b\":\"\\u0000\"}}\n{{{"))
	f.Add([]byte(`{"a":{"b":[{"t":1763800000,"who":{"ip":"192.0.2.1"},"kind":"spam"},{"t":1763800001,"who":{"ip":"192.0.2.1"},"kind":"spam"}]}}`))
	f.Add([]byte("1763800000;http://example.net/;scanner\n//x\n1e9;;\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, format := range c.Formats() {
			if format.Name != "shadowserver" {
				twice(t, format, "", text)
			}
		}
	})
}

// FuzzMappingFile looks for declarations that make the program fall over: a
// mistake in one must be a sentence.
func FuzzMappingFile(f *testing.F) {
	f.Add([]byte(jsonMapping), []byte("t;who.ip\n1;192.0.2.1\n"))
	f.Add([]byte("about: x\ninput: {format: csv, delimiter: tab, columns: [t, a]}\nconstants: {type: spam}\nfields:\n  observed_at: {from: t, as: unix}\n  asset:\n    - {from: a, as: domain}\n"), []byte("1\tb.c\n"))
	f.Fuzz(func(t *testing.T, declared, text []byte) {
		feed, err := parseMapping("fuzzed", "fuzzed.yaml", declared)
		if err != nil {
			if !errors.Is(err, casebook.ErrInvalid) || !strings.Contains(err.Error(), "fuzzed.yaml") {
				t.Errorf("%q: %v is no sentence about the file", declared, err)
			}
			return
		}
		twice(t, feed, "", text)
	})
}

// TestTheOrderOfColumnsChangesNoKey draws tables and shuffles their columns.
func TestTheOrderOfColumnsChangesNoKey(t *testing.T) {
	f := format(t, "shadowserver")
	types := f.ReportTypes()
	names := []string{"timestamp", "src_ip", "ip", "src_port", "port", "dst_ip", "dst_port", "protocol", "severity", "infection", "family", "tag", "asn", "url", "novelty", "email"}
	values := map[string]*rapid.Generator[string]{
		"timestamp": rapid.SampledFrom([]string{"2021-03-04 00:00:00", "2021-03-04T01:02:03Z", "never", ""}),
		"src_ip":    rapid.SampledFrom([]string{"192.0.2.1", "2001:db8::1", "1.2.3.4.5", ""}),
		"ip":        rapid.SampledFrom([]string{"192.0.2.2", "192.0.2.0/24", ""}),
		"url":       rapid.SampledFrom([]string{"http://example.net/", "x", ""}),
		"email":     rapid.SampledFrom([]string{"a@example.net", "x", ""}),
		"severity":  rapid.SampledFrom([]string{"high", "awful", ""}),
		"protocol":  rapid.SampledFrom([]string{"tcp", "UDP", "x", ""}),
	}
	anything := rapid.StringMatching(`[ -~\n]{0,12}`)
	rapid.Check(t, func(t *rapid.T) {
		reportType := rapid.SampledFrom(types).Draw(t, "type").Name
		header := rapid.Permutation(names).Draw(t, "header")
		rows := make([]map[string]string, rapid.IntRange(1, 4).Draw(t, "rows"))
		for i := range rows {
			rows[i] = map[string]string{}
			for _, name := range names {
				value := values[name]
				if value == nil {
					value = anything
				}
				rows[i][name] = value.Draw(t, name)
			}
		}
		a, b := outcome(t, f, reportType, names, rows), outcome(t, f, reportType, header, rows)
		if !slices.Equal(a, b) {
			t.Errorf("%s with %v:\ngot  %v\nwant %v", reportType, header, b, a)
		}
	})
}

// outcome gives for each row its key, or the field at fault.
func outcome(t *rapid.T, f Format, reportType string, header []string, rows []map[string]string) []string {
	var text bytes.Buffer
	w := csv.NewWriter(&text)
	w.Write(header)
	for _, row := range rows {
		fields := make([]string, len(header))
		for i, name := range header {
			fields[i] = row[name]
		}
		w.Write(fields)
	}
	w.Flush()
	var out []string
	_, err := f.Read(Input{Type: reportType, Body: io.MultiReader(&text)}, func(o *casebook.Observation, bad *casebook.Refusal) error {
		if bad != nil {
			out = append(out, "refused for "+bad.Field)
		} else {
			out = append(out, fmt.Sprintf("%x", o.Key))
		}
		return nil
	})
	if err != nil {
		out = append(out, err.Error()[:40])
	}
	return out
}
