package attribute_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"golang.org/x/tools/txtar"

	"tocsin/attribute"
	"tocsin/casebook"
)

var update = flag.Bool("update", false, "write the wanted output of the golden files")

// told writes what Read says of a file, one thing a line.
func told(name string, in io.Reader) string {
	var out strings.Builder
	rows, err := attribute.Read(name, in,
		func(h casebook.Holding) error {
			fmt.Fprint(&out, written(h), "\n")
			return nil
		},
		func(r casebook.Refusal) error {
			fmt.Fprintf(&out, "refused row %d line %d field %q: %s\n", r.Row, r.Line, r.Field, r.Reason)
			return nil
		})
	fmt.Fprintf(&out, "%d rows\n", rows)
	if err != nil {
		fmt.Fprintf(&out, "error: %v\n", err)
	}
	return out.String()
}

func written(h casebook.Holding) string {
	s := h.Suffix
	if s == "" {
		s = fmt.Sprintf("%v-%v", h.Low, h.High)
	}
	for _, f := range []struct {
		name string
		v    any
	}{{"asn", h.ASN}, {"holder", h.Holder}, {"region", h.Region}, {"party", h.Party}} {
		if f.v != "" && f.v != uint32(0) {
			s += fmt.Sprintf(" %s=%q", f.name, fmt.Sprint(f.v))
		}
	}
	if !h.From.IsZero() {
		s += " from " + h.From.Format(time.RFC3339Nano)
	}
	if !h.To.IsZero() {
		s += " to " + h.To.Format(time.RFC3339Nano)
	}
	return s
}

func TestTablesAreReadAsTheirFilesSay(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, path := range paths {
		a, err := txtar.ParseFile(path)
		if err != nil || len(a.Files) != 2 {
			t.Fatalf("%s: %v, want an input and what is wanted", path, err)
		}
		got := told(a.Files[0].Name, bytes.NewReader(a.Files[0].Data))
		if *update {
			a.Files[1].Data = []byte(got)
			if err := os.WriteFile(path, txtar.Format(a), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(got, string(a.Files[1].Data)); diff != "" {
			t.Errorf("%s: got (-), want (+):\n%s", path, diff)
		}
	}
}

const small = "192.0.2.0,192.0.2.255,64500,One\r\n198.51.100.0,198.51.100.255,64501,\"Two, Inc.\""

func packed(t testing.TB, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := io.WriteString(z, text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestPackingAndByteOrderMarkMakeNoDifference(t *testing.T) {
	want := told("small.csv", strings.NewReader(small))
	if !strings.Contains(want, `holder="Two, Inc."`) || !strings.HasSuffix(want, "2 rows\n") {
		t.Fatalf("the plain table:\n%s", want)
	}
	twice := append(packed(t, small[:40]), packed(t, small[40:])...)
	for name, in := range map[string]io.Reader{
		"packed":               bytes.NewReader(packed(t, small)),
		"packed in two pieces": bytes.NewReader(twice),
		"with a mark":          strings.NewReader("\ufeff" + small),
		"octet by octet":       iotest.OneByteReader(bytes.NewReader(packed(t, small))),
	} {
		if got := told("small.csv", in); got != want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
	}
}

func TestFilesThatAreNoTableOrBreakOff(t *testing.T) {
	big := strings.Repeat("192.0.2.0,192.0.2.255,64500,One\n", 5000)
	cut := packed(t, big)
	flipped := bytes.Clone(cut)
	flipped[len(flipped)-6] ^= 1 // in the checksum
	for name, c := range map[string]struct {
		in   string
		want string
	}{
		"empty":             {"", "no rows"},
		"comments only":     {"# nothing\n\n", "no rows"},
		"a letter":          {"Dear colleagues,\nplease find attached", "Dear colleagues"},
		"a header too poor": {"start,end,comment\n192.0.2.0,192.0.2.1,x\n", `"comment"`},
		"UTF-16":            {"\xff\xfes\x00t\x00", "UTF-16"},
		"an endless line":   {strings.Repeat("x", 1<<20), "longer than"},
		"gzip cut short":    {string(cut[:len(cut)-20]), "gzip breaks off"},
		"gzip damaged":      {string(flipped), "gzip breaks off"},
		"gzip's name only":  {"\x1f\x8b\x08\x08\x00\x00\x00\x00\x00\x00name", "gzip breaks off"},
		"gzip of nothing":   {"\x1f\x8b", "gzip breaks off"},
		"an open quote":     {"\"start,end\n", "quoted field"},
	} {
		_, err := attribute.Read("table.csv", strings.NewReader(c.in), ignore[casebook.Holding], ignore[casebook.Refusal])
		if !errors.Is(err, casebook.ErrInvalid) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "table.csv") {
			t.Errorf("%s: got %v, want ErrInvalid with %q and the name of the file", name, err, c.want)
		}
	}
	taken := 0
	rows, err := attribute.Read("cut.gz", bytes.NewReader(cut[:len(cut)-20]), func(casebook.Holding) error { taken++; return nil }, ignore[casebook.Refusal])
	if err == nil || taken == 0 || rows != int64(taken) {
		t.Errorf("what came before the break: %d rows, %d taken, %v", rows, taken, err)
	}
}

func ignore[T any](T) error { return nil }

func TestALongLineCostsItsRowOnly(t *testing.T) {
	text := "192.0.2.0,192.0.2.255,64500,One\n198.51.100.0,198.51.100.255,64501," + strings.Repeat("x", 1<<20) + "\n203.0.113.0,203.0.113.255,64502,Three\n"
	got := told("long.csv", strings.NewReader(text))
	want := `192.0.2.0-192.0.2.255 asn="64500" holder="One"
refused row 2 line 2 field "": the line is longer than 65536 octets
203.0.113.0-203.0.113.255 asn="64502" holder="Three"
3 rows
`
	if got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestErrorsOfCallerAndDiskComeBackAsTheyAre(t *testing.T) {
	full := errors.New("full")
	_, err := attribute.Read("x", strings.NewReader(small), func(casebook.Holding) error { return full }, ignore[casebook.Refusal])
	if err != full {
		t.Errorf("yield's error: got %v, want %v", err, full)
	}
	_, err = attribute.Read("x", strings.NewReader(small+"\nbad,row,1,x\n"), ignore[casebook.Holding], func(casebook.Refusal) error { return full })
	if err != full {
		t.Errorf("refuse's error: got %v, want %v", err, full)
	}
	disk := io.MultiReader(strings.NewReader(small+"\n"), iotest.ErrReader(full))
	_, err = attribute.Read("x", disk, ignore[casebook.Holding], ignore[casebook.Refusal])
	if !errors.Is(err, full) || errors.Is(err, casebook.ErrInvalid) {
		t.Errorf("the disk's error: got %v, want %v and not ErrInvalid", err, full)
	}
}

// What Read yields, a Builder takes.
func FuzzRead(f *testing.F) {
	f.Add([]byte(small))
	f.Add(packed(f, small))
	f.Add([]byte("prefix,continent_country\n192.0.2.0/24,e-france\n"))
	f.Add([]byte("Suffix\tParty\tvalid_from\texample.net\n*.example.net\tshop\t2026-01-01\n"))
	f.Add([]byte("1.1.1.0\t1.1.1.0\t0\tNone\tNot routed\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		var b attribute.Builder
		seen := int64(0)
		rows, err := attribute.Read("fuzz", bytes.NewReader(in),
			func(h casebook.Holding) error { seen++; return b.Add(h) },
			func(r casebook.Refusal) error {
				if r.Reason == "" || r.Row < 1 || r.Line < r.Row {
					t.Fatalf("refusal %+v", r)
				}
				seen++
				return nil
			})
		if err != nil && !errors.Is(err, casebook.ErrInvalid) {
			t.Fatalf("%v isn't ErrInvalid", err)
		}
		if seen > rows {
			t.Fatalf("%d rows gave %d holdings and refusals", rows, seen)
		}
	})
}
