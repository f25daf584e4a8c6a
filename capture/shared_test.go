//go:build !race

// What reads thousands of captures would take minutes under the race detector, and
// would watch nothing but one goroutine: ./test runs it without.

package capture

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gopacket/gopacket/pcapgo"

	"tocsin/casebook"
	"tocsin/unpack"
)

// notTelemetry are the files among the shared captures that are none.
var notTelemetry = regexp.MustCompile(`(^|/)(README\.md|MANIFEST\..*|LICENSE.*|labels\.config|conn-summary\..*|ground_truth\.json|top_domains_1k\.csv|text_file/conn\.log|cc-behaviour-letters-labelled\.tsv)$|^(asn|dga|ioc-maltrail|misp-[a-z]+|psl|c2-framework-timing)/`)

// sharedRefusals are the shared captures with rows that make no sense, and how many.
var sharedRefusals = map[string]int64{
	"rita-test-data/truncated/conn_json.log":                      2,
	"rita-test-data/truncated/conn.log":                           1,
	"rita-test-data/truncated/conn_top.log":                       1,
	"rita-test-data/has_unknown_field/http.log":                   1, // its header names a column that the row lacks
	"suricata-verify/bug-1450-04/tls_DER-incomplete-header.pcap":  1, // the last packet is cut short
	"suricata-verify/bug-1450-05/tls_DER-incomplete-content.pcap": 1,
}

// plainRows counts the rows of a capture in the plainest way, with other libraries.
func plainRows(t *testing.T, name string, text []byte) int64 {
	t.Helper()
	head := bytes.TrimLeft(text, " \t\r\n")
	switch {
	case len(head) == 0:
		return 0
	case knowsPcap(text):
		return plainPackets(t, text)
	case head[0] == '{' || head[0] == '[':
		return plainObjects(t, name, head)
	case head[0] == '#':
		return plainLines(text, func(line string) bool { return !strings.HasPrefix(strings.TrimSpace(line), "#") })
	case strings.Contains(name, "nfcapd.sample"):
		return plainLines(text, func(line string) bool { return line[0] >= '0' && line[0] <= '9' })
	case strings.HasSuffix(name, "conn_top.log"): // it lost its header
		return plainLines(text, func(string) bool { return true })
	case strings.HasSuffix(name, ".nfdump"):
		return 4593 // as nfdump says
	}
	return plainLines(text, func(string) bool { return true }) - 1
}

func plainLines(text []byte, is func(string) bool) (n int64) {
	s := bufio.NewScanner(bytes.NewReader(text))
	s.Buffer(nil, 64<<20)
	for s.Scan() {
		if strings.TrimSpace(s.Text()) != "" && is(s.Text()) {
			n++
		}
	}
	return n
}

func plainObjects(t *testing.T, name string, text []byte) (n int64) {
	d := json.NewDecoder(bytes.NewReader(text))
	if text[0] == '[' {
		d.Token()
	}
	for d.More() {
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			if sharedRefusals[name] > 0 {
				return plainLines(text, func(string) bool { return true })
			}
			t.Fatalf("%s: %v", name, err)
		}
		n++
	}
	return n
}

func plainPackets(t *testing.T, text []byte) (n int64) {
	r, err := pcapgo.NewReader(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for {
		_, _, err := r.ReadPacketData()
		if err == io.EOF {
			return n
		}
		if n++; err != nil {
			return n // the one that is cut short counts
		}
	}
}

// TestSharedCaptures reads every shared capture: each gives as many rows as a plain
// count finds, and refuses none but those that are known to be broken.
func TestSharedCaptures(t *testing.T) {
	root := shared(t, "traffic")
	files := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, _ := filepath.Rel(root, path)
		name = filepath.ToSlash(name)
		files++
		sharedCapture(t, name, path)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d files", files)
}

func sharedCapture(t *testing.T, name, path string) {
	t.Helper()
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Open(name, bytes.NewReader(body))
	if notTelemetry.MatchString(name) {
		if !errors.Is(err, ErrUnknown) {
			t.Errorf("%s: got %v, want it told as no telemetry", name, err)
		}
		return
	}
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	defer r.Close()
	all := drain(t, r)
	u, err := unpack.Open(bytes.NewReader(body), unpack.Bounds{MaxBytes: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	text, err := io.ReadAll(u)
	if err != nil && !errors.Is(err, casebook.ErrInvalid) {
		t.Fatal(err)
	}
	if want := plainRows(t, name, text); all.counts.Rows != want && all.counts.Rows+all.counts.Refused != want {
		t.Errorf("%s: read %d rows as %s, a plain count finds %d", name, all.counts.Rows, all.format, want)
	}
	if want := sharedRefusals[name]; all.counts.Refused != want {
		t.Errorf("%s: refused %d, want %d: %v", name, all.counts.Refused, want, all.bad)
	}
}
