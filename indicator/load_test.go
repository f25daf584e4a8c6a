package indicator_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"tocsin/casebook"
	"tocsin/indicator"
)

// tarOf packs files into a tar, compressed.
func tarOf(t testing.TB, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for i := 0; i < len(files); i += 2 {
		if err := w.WriteHeader(&tar.Header{Name: files[i], Mode: 0o644, Size: int64(len(files[i+1])), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, files[i+1])
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestArchive(t *testing.T) {
	data := tarOf(t, "trails/static/malware/emotet.txt", "192.0.2.7:443\n", "README", "some words about this\nand more of them\n", "trails/.hidden", "192.0.2.8\n", "trails/static/malicious/evilginx.txt", "evil.example")
	l := indicator.NewLoader()
	if err := l.Read("trails.tar.gz", bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	b := l.Base()
	if got := fmt.Sprint(b.Lists); got != "[{trails/static/malware/emotet.txt plain 1 1 0} {trails/static/malicious/evilginx.txt plain 1 1 0}]" {
		t.Error(got)
	}
	if j, _ := b.Name("evil.example", 0); j.Family != "evilginx" || j.Class != indicator.Lure || j.Source != "maltrail/evilginx" {
		t.Errorf("%+v", j)
	}
	for _, n := range []int{20, len(data) / 2, len(data) - 9} {
		err := indicator.NewLoader().Read("trails.tar.gz", bytes.NewReader(data[:n]))
		if !errors.Is(err, casebook.ErrInvalid) || !strings.Contains(err.Error(), "trails.tar.gz") {
			t.Errorf("cut to %d octets: %v", n, err)
		}
	}
}

// TestNoLists names what is no list, and passes it over in a folder.
func TestNoLists(t *testing.T) {
	prose := "These are words that somebody wrote about a program,\n" + strings.Repeat("and they go on and on without an indicator\n", 30)
	files := fstest.MapFS{"LICENSE": {Data: []byte(prose)}, "program": {Data: []byte("\x7fELF\x00\x01\x02")}, "settings.json": {Data: []byte(`{"a":1}`)}, "good.txt": {Data: []byte("192.0.2.7\n")}, "empty.txt": {}}
	l := indicator.NewLoader()
	l.Refuse = func(r indicator.Refusal) { t.Errorf("told of %v", r) }
	if err := l.ReadFS(files, "."); err != nil {
		t.Fatal(err)
	}
	if got := l.Base().Set.Stats().Rows; got != 1 {
		t.Errorf("%d rows", got)
	}
	for name, want := range map[string]bool{"LICENSE": false, "program": false, "settings.json": false, "good.txt": true, "empty.txt": true} {
		if err := indicator.NewLoader().ReadFS(files, name); (err == nil) != want || err != nil && !errors.Is(err, casebook.ErrInvalid) {
			t.Errorf("%s by its name: %v", name, err)
		}
	}
	if err := indicator.NewLoader().ReadFS(files, "missing"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
}

// TestBrokenLists reads on behind a list that breaks off.
func TestBrokenLists(t *testing.T) {
	packed := tarOf(t, "a.txt", "192.0.2.1\n")
	files := fstest.MapFS{"a.json": {Data: []byte(`[{"ip":"192.0.2.7"},`)}, "b.tar.gz": {Data: packed[:len(packed)-12]}, "c.txt": {Data: []byte("192.0.2.8\n")}}
	l := indicator.NewLoader()
	var told []string
	l.Refuse = func(r indicator.Refusal) { told = append(told, r.File) }
	if err := l.ReadFS(files, "."); err != nil {
		t.Fatal(err)
	}
	if b := l.Base(); fmt.Sprint(told) != "[a.json b.tar.gz]" || b.Set.Stats().Rows != 2 {
		t.Errorf("told of %v, %d rows, %v", told, b.Set.Stats().Rows, b.Lists)
	}
	if err := indicator.NewLoader().ReadFS(files, "a.json"); !errors.Is(err, casebook.ErrInvalid) {
		t.Errorf("named itself: %v", err)
	}
}

// TestOwnExceptions reads a site's own warnings, plain.
func TestOwnExceptions(t *testing.T) {
	b := baseOf(t, map[string]string{"bad.txt": "evil.example\n192.0.2.7\n", "warnings/ours.txt": "# ours\nevil.example\n192.0.2.0/24\n", "cdn_ranges.txt": "198.51.100.0/24\n"})
	if j, _ := b.Name("www.evil.example", 0); !j.Shared {
		t.Errorf("%+v", j)
	}
	if got := b.Set.Stats().Rows; got != 2 {
		t.Errorf("%d indicators", got)
	}
}

// TestLongLines bounds what a line may cost.
func TestLongLines(t *testing.T) {
	long := strings.Repeat("a", 1<<20)
	for _, text := range []string{"192.0.2.7\n" + long + "\n192.0.2.8", "ip,port\n192.0.2.7,1\n" + long + "\n192.0.2.8,2", `{"ip":"192.0.2.7"}` + "\n{\"ip\":\"" + long + "\"}\n" + `{"ip":"192.0.2.8"}`} {
		l := indicator.NewLoader()
		if err := l.Read("list", strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
		if lists := l.Base().Lists; lists[0].Taken != 2 || lists[0].Refused != 1 {
			t.Errorf("%+v", lists)
		}
	}
}

// TestShared reads lists as their publishers write them.
func TestShared(t *testing.T) {
	root := os.DirFS(sharedData(t, ""))
	l := indicator.NewLoader()
	for _, name := range []string{"traffic/misp-warninglists", "traffic/misp-galaxy", "feeds/feodo", "feeds/threatfox", "feeds/ipsum", "feeds/c2-tracker/c2_unique.csv", "traffic/zat-zeek/intel_example.intel"} {
		if err := l.ReadFS(root, name); err != nil {
			t.Fatal(err)
		}
	}
	b := l.Base()
	taken := map[string]int64{}
	for _, list := range b.Lists {
		taken[list.Format] += list.Taken
		if list.Format != "warninglist" && list.Refused > 0 {
			t.Errorf("%+v", list)
		}
	}
	if want := map[string]int64{"galaxy": 7008, "plain": 120430, "table": 28 + 1318 + 109505, "zeek": 500, "warninglist": taken["warninglist"]}; fmt.Sprint(taken) != fmt.Sprint(want) || taken["warninglist"] < 480_000 {
		t.Errorf("taken %v, want %v", taken, want)
	}
	for name, want := range map[string]string{"Heodo": "Emotet", "Geodo": "Emotet", "elf_mirai": "Mirai", "win.njrat": "NjRAT", "bladabindi": "NjRAT"} {
		if got := b.Families.Fold(name); !strings.EqualFold(got, want) {
			t.Errorf("Fold(%q) = %q, want %q", name, got, want)
		}
	}
}

// FuzzRead reads anything as a list: no panic, and what is counted adds up.
func FuzzRead(f *testing.F) {
	for _, s := range []string{"192.0.2.7\n", "#fields\tindicator\tindicator_type\n192.0.2.7\tIntel::ADDR\n", "ip,port\n\"192.0.2.7\",443\n", `{"type":"bundle","objects":[{"type":"indicator","pattern":"[ipv4-addr:value = '192.0.2.1']"}]}`, `{"type":"cidr","list":["192.0.2.0/24"]}`, `[{"ip":"192.0.2.1"}]`, "{\"ip\":\"192.0.2.1\"}\n{}\n", `{"Event":{"Attribute":[{"type":"ip-dst","value":"192.0.2.1"}]}}`, `{"uuid":"","values":[{"value":"a","meta":{"synonyms":["b"]}}]}`} {
		f.Add([]byte(s))
	}
	f.Add(tarOf(f, "a.txt", "192.0.2.7\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		l := indicator.NewLoader()
		var taken, refused int64
		l.Take = func(indicator.Indicator) { taken++ }
		l.Refuse = func(indicator.Refusal) { refused++ }
		if err := l.Read("list", bytes.NewReader(data)); err != nil {
			if !errors.Is(err, casebook.ErrInvalid) && !errors.Is(err, casebook.ErrTooLarge) {
				t.Fatal(err)
			}
			return
		}
		b := l.Base()
		if got := b.Set.Stats().Rows; got != taken {
			t.Fatalf("%d rows in the set, %d taken", got, taken)
		}
		for _, list := range b.Lists {
			if list.Rows != list.Taken+list.Refused {
				t.Fatalf("%+v", list)
			}
		}
	})
}
