package desk_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/casebook"
	"tocsin/desk"
	"tocsin/intake"
	"tocsin/store"
)

const tableHeader = "cidr,asn,holder,region,party\n"

// TestAttributionAsOfTheObservation: who held the asset when it was seen, not when
// the row came.
func TestAttributionAsOfTheObservation(t *testing.T) {
	o := open(t, t.TempDir())
	april, may := time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	first := o.load("registry", tableHeader+"192.0.2.0/24,64500,North,XA,north\n198.51.100.0/24,64501,South,XB,\n", time.Time{})
	second := o.load("registry", tableHeader+"192.0.2.0/24,64510,West,XC,\n192.0.2.128/25,64511,Inner,XC,\n", april)
	third := o.load("registry", tableHeader+"192.0.2.0/24,64500,North,XA,north\n", may)
	for _, c := range []struct {
		store.HoldingImport
		added, ended, rows int64
	}{{first, 2, 0, 2}, {second, 2, 2, 2}, {third, 1, 2, 1}} {
		if c.Added != c.added || c.Ended != c.ended || c.Rows != c.rows || c.Refused != 0 {
			t.Errorf("import %d: %d added, %d ended, %d rows; want %d, %d, %d", c.Number, c.Added, c.Ended, c.Rows, c.added, c.ended, c.rows)
		}
	}
	cases := []struct{ at, ip, want string }{
		{"1999-01-01T00:00:00Z", "192.0.2.1", "64500 North XA north"}, // since ever
		{"2026-03-31T23:59:59Z", "192.0.2.2", "64500 North XA north"},
		{"2026-04-01T00:00:00Z", "192.0.2.3", "64510 West XC "},
		{"2026-04-01T00:00:00Z", "192.0.2.200", "64511 Inner XC "},
		{"2026-03-31T23:59:59Z", "192.0.2.201", "64500 North XA north"},
		{"2026-04-30T23:59:59Z", "192.0.2.4", "64510 West XC "},
		{"2026-05-01T00:00:00Z", "192.0.2.5", "64500 North XA north"},
		{"2026-05-01T00:00:00Z", "192.0.2.202", "64500 North XA north"},
		{"2026-03-31T23:59:59Z", "198.51.100.1", "64501 South XB "},
		{"2026-04-01T00:00:00Z", "198.51.100.2", "0   "},
		{"2026-04-01T00:00:00Z", "203.0.113.1", "0   "},
	}
	text := c2Header
	for _, c := range cases {
		text += c.at + ",Sample," + c.ip + ",c0ffee\n"
	}
	o.take(text)
	all := o.findings()
	for _, c := range cases {
		f := all[c.ip+" sample"]
		if got := fmt.Sprintf("%d %s %s %s", f.ASN, f.Holder, f.Mark.Region, f.Party); got != c.want {
			t.Errorf("%s at %s: got %q, want %q", c.ip, c.at, got, c.want)
		}
	}
	o.wantSound()
}

// A gatedDisk stops whoever reads a delivery at an octet, until the gate opens.
type gatedDisk struct {
	intake.Disk
	at      int64
	reached chan struct{}
	open    chan struct{}
	once    *sync.Once
}

func (d gatedDisk) Open(name string) (intake.ReadFile, error) {
	f, err := d.Disk.Open(name)
	return &gatedFile{ReadFile: f, disk: d}, err
}

type gatedFile struct {
	intake.ReadFile
	disk gatedDisk
	read int64
}

func (f *gatedFile) Read(p []byte) (int, error) {
	if f.read >= f.disk.at {
		f.disk.once.Do(func() { close(f.disk.reached) })
		<-f.disk.open
	}
	n, err := f.ReadFile.Read(p[:min(len(p), 4096)])
	f.read += int64(n)
	return n, err
}

// TestHoldingsAreSwappedWhileFolding: a table that comes while a delivery is
// folded counts from the next batch on. A batch says which table it was
// attributed by, and every row in it was.
func TestHoldingsAreSwappedWhileFolding(t *testing.T) {
	t.Parallel()
	const batches = 10
	var packed bytes.Buffer // stored, so that octets of the file are octets of the text
	z, err := gzip.NewWriterLevel(&packed, gzip.NoCompression)
	if err == nil {
		_, err = io.WriteString(z, many(batches*desk.BatchRows))
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	gate := gatedDisk{intake.Folder(filepath.Join(dir, "raw")), int64(packed.Len() / 2), make(chan struct{}), make(chan struct{}), &sync.Once{}}
	if err := os.Mkdir(filepath.Join(dir, "raw"), 0o700); err != nil {
		t.Fatal(err)
	}
	o := open(t, filepath.Join(dir, "data"), func(c *desk.Config) { c.Disk = gate })
	first := o.load("registry", tableHeader+"192.0.0.0/16,64500,North,XA,\n", time.Time{})
	a := o.accept(packed.String())
	var done sync.WaitGroup
	done.Go(func() {
		if d, err := o.Gather(t.Context(), a.ID); err != nil || d.Taken != batches*desk.BatchRows {
			t.Errorf("got %+v (%v)", d, err)
		}
	})
	<-gate.reached
	second := o.load("registry", tableHeader+"192.0.0.0/16,64510,West,XB,\n", time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC))
	close(gate.open)
	done.Wait()
	o.close()

	got := rows(t, o.dir, `SELECT b.holdings, o.asn, o.region, COUNT(*) / 1000, COUNT(*) % 1000 FROM observation o JOIN batch b ON b.id = o.batch GROUP BY b.holdings, o.asn, o.region ORDER BY b.holdings`)
	var before, after, oddly int64
	if n, err := fmt.Sscanf(strings.Join(got, " "), fmt.Sprintf("%d 64500 XA %%d %%d %d 64510 XB %%d", first.Number, second.Number), &before, &oddly, &after); n != 3 || err != nil {
		t.Fatalf("got %q, want batches of import %d with AS 64500 and of import %d with AS 64510, and no other", got, first.Number, second.Number)
	}
	if before < 3 || after < 3 || before+after != batches || oddly != 0 {
		t.Errorf("%d batches before, %d after; want %d in all, some of each", before, after, batches)
	}
}

// TestTheCachedTableIsOnlyACache: whatever becomes of it, the answers stay.
func TestTheCachedTableIsOnlyACache(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	o := open(t, dir)
	o.load("registry", tableHeader+"192.0.2.0/24,64500,North,XA,\n", time.Time{})
	cached := func() string {
		t.Helper()
		names, err := filepath.Glob(filepath.Join(desk.Directory(dir).Cache(), "holdings-*"))
		if err != nil || len(names) != 1 {
			t.Fatalf("the cache holds %v (%v), want one table", names, err)
		}
		return names[0]
	}
	stale := read(t, cached())
	o.load("registry", tableHeader+"192.0.2.0/24,64510,West,XB,\n", time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC))
	name := cached()
	whole := read(t, name)
	o.close()
	n := 0
	for _, c := range []struct {
		name  string
		spoil func() error
	}{
		{"whole", func() error { return nil }},
		{"missing", func() error { return os.Remove(name) }},
		{"the folder missing", func() error { return os.RemoveAll(filepath.Dir(name)) }},
		{"stale", func() error { return os.WriteFile(name, stale, 0o600) }},
		{"cut short", func() error { return os.WriteFile(name, whole[:len(whole)/2], 0o600) }},
		{"empty", func() error { return os.WriteFile(name, nil, 0o600) }},
		{"damaged", func() error {
			damaged := bytes.Clone(whole)
			damaged[len(damaged)-3] ^= 1
			return os.WriteFile(name, damaged, 0o600)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := c.spoil(); err != nil {
				t.Fatal(err)
			}
			o := open(t, dir)
			n += 2
			o.take(c2Header + fmt.Sprintf("2026-05-01T00:00:00Z,Sample,192.0.2.%d,c0ffee\n2026-07-01T00:00:00Z,Sample,192.0.2.%d,c0ffee\n", n, n+1))
			all := o.findings()
			if got := []uint32{all[fmt.Sprintf("192.0.2.%d sample", n)].ASN, all[fmt.Sprintf("192.0.2.%d sample", n+1)].ASN}; !slices.Equal(got, []uint32{64500, 64510}) {
				t.Errorf("attributed to %v, want AS 64500, then 64510", got)
			}
			if !bytes.Equal(read(t, cached()), whole) {
				t.Error("the cached table isn't what it was")
			}
			o.wantSound()
		})
	}
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestTablesAtOnce: two tables of one source come at the same moment. One goes
// after the other, and the later is what the source holds.
func TestTablesAtOnce(t *testing.T) {
	o := open(t, t.TempDir())
	const prefixes = 3 * desk.BatchRows
	table := func(asn int) string {
		var b strings.Builder
		b.WriteString(tableHeader)
		for i := range prefixes {
			fmt.Fprintf(&b, "10.%d.%d.0/24,%d,Holder,XA,\n", i>>8, i&255, asn)
		}
		return b.String()
	}
	var done sync.WaitGroup
	for _, asn := range []int{64500, 64510} {
		done.Go(func() { o.load("registry", table(asn), time.Time{}) })
	}
	done.Wait()
	o.close()
	if got := rows(t, o.dir, `SELECT state, COUNT(*) FROM holding_import GROUP BY state`); !slices.Equal(got, []string{"1 2"}) {
		t.Errorf("imports by state: %v, want both in force", got)
	}
	if got := rows(t, o.dir, `SELECT COUNT(DISTINCT asn), COUNT(*) FROM holding WHERE ended_by = 0`); !slices.Equal(got, []string{fmt.Sprint("1 ", prefixes)}) {
		t.Errorf("open holdings, and of how many AS: %v, want one table of %d", got, prefixes)
	}
	o.wantSound()
}

// TestImportRefuses what is no table, and leaves the one in force.
func TestImportRefuses(t *testing.T) {
	o := open(t, t.TempDir())
	o.load("registry", tableHeader+"192.0.2.0/24,64500,North,XA,\n", time.Time{})
	for _, c := range []desk.Table{
		{Source: "", Body: strings.NewReader(tableHeader)},
		{Source: "registry", Name: "x.csv", Body: strings.NewReader("colour,shape\nred,round\n")},
		{Source: "registry", Name: "x.csv", Body: failing{io.ErrUnexpectedEOF}},
		{Source: "registry", Name: "x.csv.gz", Body: strings.NewReader("\x1f\x8b broken")},
	} {
		if i, err := o.ImportHoldings(t.Context(), alice, c, func(casebook.Refusal) error { return nil }); err == nil {
			t.Errorf("%+v was imported as %+v", c, i)
		}
	}
	o.take(day("2026-11-20T00:00:00Z", "Sample", "192.0.2.1"))
	if f := o.findings()["192.0.2.1 sample"]; f.ASN != 64500 {
		t.Errorf("attributed to AS %d, want the table in force", f.ASN)
	}
	// The next good table of the source is taken all the same.
	o.load("registry", tableHeader+"192.0.2.0/24,64510,West,XB,\n", time.Time{})
	o.wantSound()
}

func TestSourceName(t *testing.T) {
	for file, want := range map[string]string{
		"asn-ipv4.csv.gz": "asn-ipv4", "/a/b/asn.tsv": "asn", "asn": "asn", "asn.2026.txt": "asn.2026", "": ".",
	} {
		if got := desk.SourceName(file); got != want {
			t.Errorf("%q: got %q, want %q", file, got, want)
		}
	}
}
