//go:build !race

// Nothing of the program runs in here: ./test runs it without the race detector.

package tocsin_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// pages gives every page of the repository.
func pages(t *testing.T) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && (name == ".git" || name == "bin" || name == "data") {
			return fs.SkipDir
		}
		if strings.HasSuffix(name, ".md") {
			all = append(all, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

var link = regexp.MustCompile(`\]\(([^)#\s]+)(#[^)]*)?\)`)

// TestLinks looks whether what a page points to in this repository is there.
func TestLinks(t *testing.T) {
	for _, page := range pages(t) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(m[1], ":") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s points to %s, which isn't there", page, m[1])
			}
		}
	}
}

// TestDecisions looks whether each decision is in the index, is numbered without a
// gap and says what a decision says.
func TestDecisions(t *testing.T) {
	index, err := os.ReadFile("docs/decisions/README.md")
	if err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob("docs/decisions/[0-9]*.md")
	if err != nil || len(names) == 0 {
		t.Fatal("no decisions found", err)
	}
	for i, name := range names {
		base := filepath.Base(name)
		if want := fmt.Sprintf("%04d-", i+1); !strings.HasPrefix(base, want) {
			t.Fatalf("%s: the number should be %s", base, want)
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		title, _, _ := strings.Cut(strings.TrimPrefix(string(text), fmt.Sprintf("# %d. ", i+1)), "\n")
		if !strings.Contains(string(index), fmt.Sprintf("[%s](%s)", title, base)) {
			t.Errorf("docs/decisions/README.md has no line [%s](%s)", title, base)
		}
		for _, part := range []string{"\n## Context\n", "\n## Decision\n", "\n## Consequences\n", "\n## How it is checked\n"} {
			if !strings.Contains(string(text), part) {
				t.Errorf("%s has no part %q", base, strings.TrimSpace(part))
			}
		}
	}
}

var required = regexp.MustCompile(`(?m)^(?:require)?\s+([^\s/]+\.[^\s/]+/\S+) v\S+$`)

// TestDependencies wants a line with the reason for each module that the house
// asks for itself.
func TestDependencies(t *testing.T) {
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("docs/decisions/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range required.FindAllStringSubmatch(string(mod), -1) {
		if !strings.Contains(string(page), "| `"+m[1]+"`") {
			t.Errorf("docs/decisions/dependencies.md doesn't say why %s is used", m[1])
		}
	}
}

var shownTest = regexp.MustCompile("`go test ([^`]*)`")

// TestShownTests looks whether each test that a page tells to run is there: a
// pattern that matches nothing passes, and shows nothing.
func TestShownTests(t *testing.T) {
	for _, page := range pages(t) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range shownTest.FindAllStringSubmatch(string(text), -1) {
			args, pattern, _ := strings.Cut(m[1], " -run ")
			pattern, _, _ = strings.Cut(pattern, " ")
			pattern = strings.Trim(pattern, "'")             // for the shell
			pattern = strings.ReplaceAll(pattern, `\|`, "|") // within a table
			for dir := range strings.FieldsSeq(args) {
				if strings.HasPrefix(dir, "-") || strings.Contains(dir, "...") || strings.Contains(dir, "ROOM") {
					continue
				}
				if !hasTest(t, dir, pattern) {
					t.Errorf("%s: %s runs nothing in %s", page, m[0], dir)
				}
			}
		}
	}
}

var testName = regexp.MustCompile(`(?m)^func (Test\w*)\(`)

// hasTest reports whether a folder has a test that the pattern picks.
func hasTest(t *testing.T, dir, pattern string) bool {
	t.Helper()
	picked, err := regexp.Compile(pattern)
	if err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range testName.FindAllSubmatch(text, -1) {
			if picked.Match(m[1]) {
				return true
			}
		}
	}
	return false
}
