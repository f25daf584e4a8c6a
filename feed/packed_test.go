package feed

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"

	"tocsin/casebook"
)

func gzipped(t testing.TB, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(text)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestABadChecksumLosesNoRowBeforeIt(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("timestamp,src_ip,infection\n")
	for i := range 20_000 {
		fmt.Fprintf(&text, "2026-11-20 00:00:00,10.0.%d.%d,mirai\n", i>>8, i&255)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	io.WriteString(z, text.String())
	z.Close()
	packed.Bytes()[packed.Len()-8] ^= 1
	f, err := Builtin().Find("shadowserver")
	if err != nil {
		t.Fatal(err)
	}
	got, err := f.Read(Input{Name: "r.csv.gz", Type: "event4_sinkhole", Body: bytes.NewReader(packed.Bytes())}, func(*casebook.Observation, *casebook.Refusal) error { return nil })
	if !errors.Is(err, casebook.ErrInvalid) || got.Taken != 20_000 {
		t.Errorf("took %d rows with %v, want 20000 and ErrInvalid", got.Taken, err)
	}
}
