package feed

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "rewrite the wanted output in testdata")

// TestGolden reads each input of an archive as the format it is named after, or
// as its own mapping declares, and compares with what is wanted: observations as
// JSON, refusals and warnings as sentences. A part type or not-after tells what
// the sender or the caller would.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		t.Run(name, func(t *testing.T) { golden(t, name, file) })
	}
}

func golden(t *testing.T, name, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	parts := map[string][]byte{}
	for _, part := range archive.Files {
		parts[part.Name] = part.Data
	}
	c := Builtin()
	if mapping := parts["mapping.yaml"]; mapping != nil {
		if c, err = OpenCatalogue(fstest.MapFS{name + ".yaml": {Data: mapping}}); err != nil {
			t.Fatal(err)
		}
	}
	f, err := c.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	var kept []txtar.File
	for _, part := range archive.Files {
		if !strings.HasSuffix(part.Name, "want") {
			kept = append(kept, part)
		}
		stem, isInput := strings.CutSuffix(part.Name, "input")
		if !isInput {
			continue
		}
		in := Input{Type: strings.TrimSpace(string(parts[stem+"type"])), Body: bytes.NewReader(part.Data)}
		if last := parts[stem+"not-after"]; last != nil {
			if in.NotAfter, err = time.Parse(time.RFC3339, strings.TrimSpace(string(last))); err != nil {
				t.Fatal(err)
			}
		}
		got := transcript(readInput(t, f, in))
		kept = append(kept, txtar.File{Name: stem + "want", Data: []byte(got)})
		if want := string(parts[stem+"want"]); got != want && !*update {
			t.Errorf("%s:\ngot\n%s\nwant\n%s", part.Name, got, want)
		}
	}
	if *update {
		archive.Files = kept
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func transcript(r reading) string {
	var b strings.Builder
	for _, line := range r.lines {
		fmt.Fprintln(&b, line)
	}
	for _, bad := range r.refused {
		fmt.Fprintf(&b, "refused row %d line %d field %q: %s\n", bad.Row, bad.Line, bad.Field, bad.Reason)
	}
	for _, w := range r.result.Warnings {
		fmt.Fprintf(&b, "warning: %s\n", w)
	}
	if r.err != nil {
		fmt.Fprintf(&b, "error: %v\n", r.err)
	}
	fmt.Fprintf(&b, "%d rows, %d taken, %d refused\n", r.result.Rows, r.result.Taken, r.result.Refused)
	return b.String()
}
