package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tocsin/indicator"
)

// TestLargeListsAreCompiledOnce: a copy is kept of large lists, it says what they say,
// and one that isn't of these lists or is damaged isn't believed.
func TestLargeListsAreCompiledOnce(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	list := filepath.Join(t.TempDir(), "bad.txt")
	write := func(first string) {
		t.Helper()
		var text strings.Builder
		fmt.Fprintln(&text, first)
		for i := range 60_000 {
			fmt.Fprintf(&text, "host%d.evil.example\n", i)
		}
		if err := os.WriteFile(list, []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	scan := scanCommand{Indicators: []string{list}}
	load := func() (*indicator.Base, string) {
		t.Helper()
		var said bytes.Buffer
		b, err := scan.compiled(t.Context(), &said)
		if err != nil {
			t.Fatal(err)
		}
		return b, said.String()
	}
	copies := func() []string {
		names, err := filepath.Glob(filepath.Join(cache, "tocsin", "indicators", "*"))
		if err != nil {
			t.Fatal(err)
		}
		return names
	}
	knows := func(b *indicator.Base, name string) bool { _, known := b.Name(name, 0); return known }

	write("*.[")
	want, wantSaid := load()
	if len(copies()) != 1 || !strings.Contains(wantSaid, "1 lines refused") {
		t.Fatalf("copies %q, said %q", copies(), wantSaid)
	}
	got, said := load()
	if got.Set.Stats() != want.Set.Stats() || said != wantSaid || !knows(got, "host7.evil.example") || knows(got, "host7.good.example") {
		t.Errorf("from the copy: %+v and %q, want %+v and %q", got.Set.Stats(), said, want.Set.Stats(), wantSaid)
	}
	if err := os.WriteFile(copies()[0], []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if b, _ := load(); b.Set.Stats() != want.Set.Stats() {
		t.Errorf("beside a damaged copy: %+v", b.Set.Stats())
	}
	for i := range compiledKept + 2 {
		write(fmt.Sprintf("new%d.example", i))
		if b, _ := load(); !knows(b, fmt.Sprintf("new%d.example", i)) {
			t.Errorf("a list that changed isn't read again")
		}
	}
	if n := len(copies()); n != compiledKept {
		t.Errorf("%d copies are kept, want %d", n, compiledKept)
	}
	scan.NoCache = true
	write("last.example")
	before := fmt.Sprint(copies())
	if b, _ := load(); !knows(b, "last.example") || fmt.Sprint(copies()) != before {
		t.Errorf("--no-cache used a copy or kept one")
	}
}

// TestSmallListsAreNotCompiled: nothing is written for them.
func TestSmallListsAreNotCompiled(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	list := filepath.Join(t.TempDir(), "bad.txt")
	if err := os.WriteFile(list, []byte("evil.example\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := (scanCommand{Indicators: []string{list}}).compiled(t.Context(), io.Discard); err != nil {
		t.Fatal(err)
	}
	if names, _ := os.ReadDir(cache); len(names) != 0 {
		t.Errorf("%v was kept", names)
	}
}
