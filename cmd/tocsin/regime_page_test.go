package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const regimesPage = "../../docs/regimes.md"

var (
	pageFile    = regexp.MustCompile("(?s)<!-- file (\\S+) -->\n```\\w+\n(.*?)```")
	pageConsole = regexp.MustCompile("(?s)```console\n(.*?)```")
)

// TestRegimesPage runs the commands that docs/regimes.md shows, on the files that
// it shows, and compares what they print; -update writes it there.
func TestRegimesPage(t *testing.T) {
	file, err := filepath.Abs(regimesPage)
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, m := range pageFile.FindAllStringSubmatch(string(page), -1) {
		name := filepath.Join(dir, m[1])
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, name, m[2])
	}
	t.Chdir(dir)
	commands := 0
	now := pageConsole.ReplaceAllStringFunc(string(page), func(block string) string {
		var b strings.Builder
		b.WriteString("```console\n")
		for line := range strings.Lines(pageConsole.FindStringSubmatch(block)[1]) {
			called, ok := strings.CutPrefix(line, "$ tocsin ")
			if !ok {
				continue
			}
			commands++
			var said bytes.Buffer
			b.WriteString(line)
			if code := run(strings.Fields(called), streams{strings.NewReader(""), &said, &said}); code == exitFailed || code == exitMisused {
				said.WriteString("(code " + string(rune('0'+code)) + ")\n")
			}
			b.Write(said.Bytes())
		}
		b.WriteString("```")
		if b.String() != block && !*update {
			t.Errorf("docs/regimes.md: the program says\n%s\n--- the page has\n%s", b.String(), block)
		}
		return b.String()
	})
	if commands < 15 {
		t.Errorf("the page shows %d commands, want 15 or more", commands)
	}
	if *update {
		if err := os.WriteFile(file, []byte(now), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
