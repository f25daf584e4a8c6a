package capture

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"tocsin/traffic"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// tell writes a capture as text, a line a record, with what isn't zero of it; ? is
// unknown.
func tell(all everything) string {
	var t strings.Builder
	fmt.Fprintf(&t, "%s: %d rows, %d records, %d refused, %d skipped\n", all.format, all.counts.Rows, all.counts.Records, all.counts.Refused, all.counts.Skipped)
	for _, slice := range []any{all.Flows, all.Lookups, all.Handshakes, all.Requests, all.Files, all.Certificates, all.Alerts} {
		v := reflect.ValueOf(slice)
		for i := range v.Len() {
			tellRecord(&t, v.Index(i))
		}
	}
	for _, bad := range all.bad {
		fmt.Fprintln(&t, "refused", bad)
	}
	return t.String()
}

func tellRecord(t *strings.Builder, record reflect.Value) {
	fmt.Fprint(t, strings.ToLower(record.Type().Name()))
	for i := range record.NumField() {
		name, v := record.Type().Field(i).Name, record.Field(i)
		if v.IsZero() {
			continue
		}
		text := fmt.Sprint(v.Interface())
		switch {
		case name == "Start" || name == "At" || name == "NotBefore" || name == "NotAfter":
			text = traffic.Time(v.Int()).Format("2006-01-02T15:04:05.999999Z")
		case v.Kind() == reflect.String:
			text = fmt.Sprintf("%q", text)
		case v.CanInt() && v.Int() == traffic.Unknown:
			text = "?"
		case v.CanUint() && (name == "Link" || name == "ID" || name == "CertID"):
			text = "yes" // a hash: what counts is whether two are the same
		}
		fmt.Fprintf(t, " %s=%s", name, text)
	}
	fmt.Fprintln(t)
}

// TestFormats reads testdata: each file in an archive is a capture, and NAME.want
// behind it what it tells.
func TestFormats(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatal("no golden files found", err)
	}
	for _, name := range archives {
		t.Run(filepath.Base(name), func(t *testing.T) {
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			wants := map[string]string{}
			var inputs []txtar.File
			for _, f := range a.Files {
				if base, ok := strings.CutSuffix(f.Name, ".want"); ok {
					wants[base] = string(f.Data)
				} else {
					inputs = append(inputs, f)
				}
			}
			a.Files = nil
			for _, f := range inputs {
				got := tellOrFail(t, f.Name, f.Data)
				a.Files = append(a.Files, f, txtar.File{Name: f.Name + ".want", Data: []byte(got)})
				if diff := cmp.Diff(wants[f.Name], got); diff != "" && !*update {
					t.Errorf("%s (-want +got):\n%s", f.Name, diff)
				}
			}
			if *update {
				if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func tellOrFail(t *testing.T, name string, text []byte) string {
	r, err := Open(name, bytes.NewReader(text))
	if err != nil {
		return err.Error() + "\n"
	}
	defer r.Close()
	return tell(drain(t, r))
}
