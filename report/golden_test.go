package report_test

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"tocsin/report"
)

var update = flag.Bool("update", false, "rewrite the wanted output in testdata")

// golden compares what was written with the parts of an archive, line ends and byte
// order marks aside, which have tests of their own.
func golden(t *testing.T, file string, got map[string][]byte, names ...string) {
	t.Helper()
	var fresh txtar.Archive
	for _, name := range names {
		text := strings.TrimPrefix(strings.ReplaceAll(string(got[name]), "\r\n", "\n"), "\uFEFF")
		fresh.Files = append(fresh.Files, txtar.File{Name: name, Data: []byte(text)})
	}
	file = "testdata/" + file + ".txtar"
	if *update {
		if err := os.WriteFile(file, txtar.Format(&fresh), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(want.Files) != len(fresh.Files) {
		t.Fatalf("%s has %d parts, want %d", file, len(want.Files), len(fresh.Files))
	}
	for i, f := range want.Files {
		if f.Name != fresh.Files[i].Name || !bytes.Equal(f.Data, fresh.Files[i].Data) {
			t.Errorf("%s, part %s: got\n%s\nwant\n%s", file, f.Name, fresh.Files[i].Data, f.Data)
		}
	}
}

func written(t *testing.T, write func(b *bytes.Buffer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func bytesOf(t *testing.T) func(text []byte, err error) []byte {
	return func(text []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
}

func TestFilingGolden(t *testing.T) {
	f := filed(t)
	got := map[string][]byte{
		"letter.txt":    []byte(f.Letter(report.English)),
		"letter.zh.txt": []byte(f.Letter(report.Chinese)),
		"page.zh.html":  written(t, func(b *bytes.Buffer) error { return f.Page(b, report.Chinese) }),
		"form.json":     bytesOf(t)(f.JSON()),
		"rows.csv":      written(t, func(b *bytes.Buffer) error { return report.WriteRows(b, f.Rows) }),
		"iodef.xml":     written(t, func(b *bytes.Buffer) error { return f.IODEF(b, origin(), report.English) }),
		"xarf.json":     bytesOf(t)(report.XARF(f.Rows[3], origin(), f.At)),
		"stix.json":     bytesOf(t)(f.STIX(origin())),
	}
	golden(t, "filing", got, "letter.txt", "letter.zh.txt", "page.zh.html", "form.json", "rows.csv", "iodef.xml", "xarf.json", "stix.json")
}

func TestOrderGolden(t *testing.T) {
	o := instruction(t)
	got := map[string][]byte{
		"subject":       []byte(o.Subject(report.English) + "\n" + o.Subject(report.Chinese) + "\n"),
		"letter.txt":    []byte(o.Letter(report.English)),
		"letter.zh.txt": []byte(o.Letter(report.Chinese)),
		"page.html":     written(t, func(b *bytes.Buffer) error { return o.Page(b, report.English) }),
		"rows.csv":      written(t, func(b *bytes.Buffer) error { return o.WriteRows(b, report.English) }),
		"rows.zh.csv":   written(t, func(b *bytes.Buffer) error { return o.WriteRows(b, report.Chinese) }),
	}
	golden(t, "order", got, "subject", "letter.txt", "letter.zh.txt", "page.html", "rows.csv", "rows.zh.csv")
}

// TestLateReasonIsTold: why a filing is late stands in it.
func TestLateReasonIsTold(t *testing.T) {
	f := filed(t)
	f.Late = "the line was down"
	if !strings.Contains(f.Letter(report.English), "Why it is late: the line was down") || !strings.Contains(f.Letter(report.Chinese), "迟报理由：the line was down") {
		t.Errorf("got %s", f.Letter(report.English))
	}
}

// TestExercise: a drill says so before anything else, everywhere.
func TestExercise(t *testing.T) {
	m := matter(t)
	m.Incident.Mark.Exercise = true
	f := report.Draft(m)
	o := instruction(t)
	o.Order.Mark.Exercise = true
	for name, text := range map[string]string{
		"letter": f.Letter(report.English), "subject": f.Subject(report.English), "order": o.Letter(report.English), "order's subject": o.Subject(report.English),
	} {
		if !strings.HasPrefix(text, "EXERCISE") {
			t.Errorf("%s begins with %.60q", name, text)
		}
	}
	for name, text := range map[string][]byte{
		"page": written(t, func(b *bytes.Buffer) error { return f.Page(b, report.English) }), "JSON": bytesOf(t)(f.JSON()),
		"IODEF": written(t, func(b *bytes.Buffer) error { return f.IODEF(b, origin(), report.English) }), "STIX": bytesOf(t)(f.STIX(origin())),
	} {
		if !strings.Contains(strings.ToLower(string(text)), "exercise") {
			t.Errorf("%s doesn't say that it is an exercise", name)
		}
	}
}

// TestHostileValues: what a criminal or a clerk writes is text, in each rendering.
func TestHostileValues(t *testing.T) {
	m := matter(t)
	m.Incident.Title = "<script>alert(1)</script>\u202e\x1b[31m\x00 & ]]>"
	m.Rows[0].Holder = "=cmd|' /C calc'!A0"
	f := report.Draft(m)
	page := string(written(t, func(b *bytes.Buffer) error { return f.Page(b, report.English) }))
	if strings.Contains(page, "<script") || strings.ContainsAny(page, "\u202e\x1b\x00") {
		t.Error("the page has a script or characters that move the reader's cursor")
	}
	if text := f.Letter(report.English); strings.ContainsAny(text, "\u202e\x1b\x00") {
		t.Errorf("the letter has characters that move the reader's cursor: %q", text)
	}
	if csv := string(written(t, func(b *bytes.Buffer) error { return report.WriteRows(b, f.Rows) })); strings.Contains(csv, ",=cmd") || strings.Contains(csv, ",\"=cmd") {
		t.Error("the CSV has a formula")
	}
}

// TestSecrets: who may not see trade secrets gets none, in any rendering.
func TestSecrets(t *testing.T) {
	f := filed(t).Open()
	var all []byte
	for _, text := range [][]byte{
		[]byte(f.Letter(report.English)), []byte(f.Letter(report.Chinese)), bytesOf(t)(f.JSON()), bytesOf(t)(f.STIX(origin())),
		written(t, func(b *bytes.Buffer) error { return f.Page(b, report.English) }),
		written(t, func(b *bytes.Buffer) error { return f.IODEF(b, origin(), report.English) }),
	} {
		all = append(all, text...)
	}
	if bytes.Contains(all, []byte("HYPERLINK")) {
		t.Error("a trade secret is told")
	}
	if before := filed(t); before.Field("proposals").Value == f.Field("proposals").Value {
		t.Error("the form itself lost its secret")
	}
}
