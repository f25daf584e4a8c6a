package detect

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// TestPageTellsEveryDetector holds the table of docs/detection.md against the
// program's. Three are no entries of the table: they look at several hosts, or at
// what others said.
func TestPageTellsEveryDetector(t *testing.T) {
	page, err := os.ReadFile("../docs/detection.md")
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for line := range strings.Lines(string(page)) {
		if name, ok := strings.CutPrefix(line, "| `"); ok {
			name, _, _ = strings.Cut(name, "`")
			if name != "weak" && name != "suspected" && name != "confirmed" {
				told = append(told, name)
			}
		}
	}
	want := []string{"fan-in", "circle", "order"}
	for _, d := range Detectors() {
		want = append(want, d.Name)
		if d.About == "" || d.Hour == nil && d.Host == nil {
			t.Errorf("detector %s has no sentence, or judges nothing", d.Name)
		}
	}
	slices.Sort(told)
	slices.Sort(want)
	if !slices.Equal(told, want) {
		t.Errorf("docs/detection.md tells of %v, want %v", told, want)
	}
}
