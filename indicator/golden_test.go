package indicator_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/tools/txtar"

	"tocsin/indicator"
)

var update = flag.Bool("update", false, "write what is read now into the golden files")

// TestGolden reads the lists of each archive, one after the other, and compares what
// was taken and refused, sorted.
func TestGolden(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatal("no golden files", err)
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			last := len(archive.Files) - 1
			files := fstest.MapFS{}
			for _, f := range archive.Files[:last] {
				files[f.Name] = &fstest.MapFile{Data: f.Data}
			}
			got := reading(t, files)
			if *update {
				archive.Files[last].Data = []byte(got)
				if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if want := string(archive.Files[last].Data); got != want {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

// reading writes what a folder of lists gives.
func reading(t *testing.T, files fstest.MapFS) string {
	t.Helper()
	var lines []string
	l := indicator.NewLoader()
	l.Take = func(in indicator.Indicator) { lines = append(lines, "taken "+line(in)) }
	l.Refuse = func(r indicator.Refusal) {
		lines = append(lines, fmt.Sprintf("refused %s:%d %s: %s", r.File, r.Line, r.Text, r.Reason))
	}
	if err := l.ReadFS(files, "."); err != nil {
		t.Fatal(err)
	}
	b := l.Base()
	for _, w := range b.Warnings.Lists() {
		lines = append(lines, fmt.Sprintf("warning list %s: %d rows of %s", w.Name, w.Rows, w.Reach))
	}
	slices.Sort(lines)
	slices.SortStableFunc(lines, func(a, b string) int { return strings.Compare(b[:4], a[:4]) })
	return strings.Join(lines, "\n") + "\n"
}

func line(in indicator.Indicator) string {
	s := fmt.Sprintf("%s [%s] %s", in, in.Kind, in.Source)
	for _, word := range []string{in.Class.String(), in.Family} {
		if word != "" {
			s += " " + word
		}
	}
	if in.Confidence > 0 {
		s += fmt.Sprintf(" %d%%", in.Confidence)
	}
	day := func(t uint32) string { return time.Unix(int64(t), 0).UTC().Format(time.DateOnly) }
	if in.First != 0 {
		s += " " + day(in.First) + ".."
	}
	if in.Last != 0 {
		s += day(in.Last)
	}
	if in.Expires != 0 {
		s += " until " + day(in.Expires)
	}
	return s
}
