package report_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"tocsin/casebook"
	"tocsin/ledger"
	"tocsin/report"
)

func opener(text string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
}

// record makes a ledger of some leaves, of which the third and the last are the case's.
func record(t *testing.T) report.Record {
	t.Helper()
	signer, _, err := ledger.NewSigner("tocsin.example/record")
	if err != nil {
		t.Fatal(err)
	}
	var hashes []ledger.Hash
	reader := ledger.HashReaderFunc(func(indexes []int64) (out []ledger.Hash, err error) {
		for _, i := range indexes {
			out = append(out, hashes[i])
		}
		return out, nil
	})
	var r report.Record
	const size = 11
	var changes []report.Change
	for i := range int64(size) {
		var row ledger.RowHasher
		row.Reset(7, 1)
		row.Text("incident")
		row.Int(i)
		row.Blob([]byte("0123456789abcdef"))
		var set ledger.ChangeSet
		set.Add(ledger.Change{Table: 7, Version: 1, Key: i, Op: ledger.Put, Digest: row.Sum()})
		pack := set.Pack()
		entry := ledger.Entry{Kind: "grade", Actor: "person:alice", At: at(t, "2026-03-14T06:35:00Z").UnixMicro() + i, Changes: sha256.Sum256(pack)}.AppendBinary(nil)
		more, err := ledger.Append(i, ledger.LeafHash(entry), reader)
		if err != nil {
			t.Fatal(err)
		}
		hashes = append(hashes, more...)
		if i == 2 || i == size-1 {
			changes = append(changes, report.Change{Leaf: i, Entry: entry, Pack: pack, Says: "the grade was confirmed", Rows: []report.RowOctets{{Table: "incident", Key: i, Octets: row.Octets()}}})
		}
	}
	root, err := ledger.Root(size, reader)
	if err != nil {
		t.Fatal(err)
	}
	for i := range changes {
		if changes[i].Proof, err = ledger.ProveInclusion(size, changes[i].Leaf, reader); err != nil {
			t.Fatal(err)
		}
	}
	r.Changes, r.Verifier = changes, signer.Verifier()
	if r.Checkpoint, err = signer.Sign(ledger.Checkpoint{Size: size, Root: root}); err != nil {
		t.Fatal(err)
	}
	return r
}

// wholeCase is a case from the first row to the last proof.
func wholeCase(t *testing.T) report.Case {
	t.Helper()
	m, f, o := matter(t), filed(t), instruction(t)
	raw := "timestamp,ip\n2026-03-14 00:00:07,203.0.113.7\n"
	sheet := "14 March, 15:12. Called the bureau's duty desk, Mr Li read it back.\n"
	pack := []byte(`{"id":"cn-miit-2009-156"}`)
	o.Rows[0].State, o.Rows[0].Answer, o.Rows[0].AnsweredAt = casebook.VerifiedRow, casebook.AnswerDone, at(t, "2026-03-14T12:00:00Z")
	o.Rows[0].CheckedAt, o.Rows[0].Why = at(t, "2026-03-17T00:00:00Z"), "quiet for 48 h while the sinkhole feed was alive"
	text := bytesOf(t)(f.JSON())
	d := m.Duty
	d.State, d.MetAt, d.PartyName, d.Limit, d.RestsOn, d.Confidence, d.To, d.AnyOf = casebook.Met, at(t, "2026-03-14T07:12:00Z"), "Example Telecom", "2h", "the press of 2009; the text was not read", "summary", []string{"bureau", "centre"}, true
	return report.Case{
		At: at(t, "2026-03-18T09:00:00Z"), By: "person:bob", Platform: "tocsin.example", Zone: "Asia/Shanghai",
		Incident: m.Incident, Parties: []casebook.Party{m.Party}, Threat: m.Threat, Timeline: m.Timeline, Grades: m.Grades,
		Facts:  []report.Fact{{Name: "outage_minutes", Value: casebook.NumberValue(42), At: m.At, By: "person:alice", RecordedAt: m.At}},
		Duties: []casebook.Duty{d},
		Findings: []casebook.Finding{{ID: id(101), Threat: id(2), Name: "Drone", Role: casebook.Controller, Asset: addr("203.0.113.7"), Port: 8443,
			FirstSeen: m.Rows[0].First, LastSeen: m.Rows[0].Last, Count: 1204, State: casebook.Verified}},
		Reports: []report.Filing{{
			Report:     casebook.Report{ID: id(20), Incident: id(1), Duty: id(10), Regime: d.Regime, Stage: d.Stage, State: casebook.FiledReport, Version: 1},
			Versions:   []casebook.ReportVersion{{Report: id(20), Number: 1, Fields: f.Frozen(), Digest: sha256.Sum256(text), FiledAt: d.MetAt, Channel: "phone", By: "person:alice", RecordedAt: d.MetAt}},
			Recipients: []casebook.Recipient{{ID: id(21), Report: id(20), Version: 1, Role: "authority", Name: "Ministry bureau", DispatchedAt: d.MetAt, AcknowledgedAt: d.MetAt, Reference: "B-77", Proof: "call sheet"}},
			Forms:      []report.Form{f},
		}},
		Orders: []report.Instruction{o},
		Originals: []report.Original{{Delivery: casebook.Delivery{ID: id(90), Digest: sha256.Sum256([]byte(raw)), Bytes: int64(len(raw)), Feed: "shadowserver",
			Name: "../2026-03-14 event4_sinkhole.csv", Door: "http", ReceivedAt: at(t, "2026-03-14T06:00:00Z"), Rows: 1, Taken: 1}, Open: opener(raw)}},
		Proofs: []report.Attachment{{Name: "call sheet.txt", Of: id(21).Text(casebook.RecipientPrefix), Says: "call sheet", Digest: sha256.Sum256([]byte(sheet)), Open: opener(sheet)}},
		Packs:  []report.PackFile{{Regime: d.Regime, Digest: fmt.Sprintf("sha256:%x", sha256.Sum256(pack)), Text: pack}},
		Record: record(t),
	}
}

func exported(t *testing.T, c report.Case) ([]byte, []string) {
	t.Helper()
	var b bytes.Buffer
	faults, err := report.Export(&b, c)
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), faults
}

// unpacked gives the files of an archive by name.
func unpacked(t *testing.T, archive []byte) map[string][]byte {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, f := range z.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		if _, twice := files[f.Name]; twice || !filepath.IsLocal(f.Name) || strings.ContainsAny(f.Name, "\\ ") {
			t.Errorf("file %q: twice, or a name that some system doesn't take", f.Name)
		}
		files[f.Name] = text
	}
	return files
}

// verify does what README.txt says, with the standard library alone.
func verify(files map[string][]byte, key string) (faults []string) {
	bad := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	listed := map[string]bool{"SHA256SUMS": true}
	for _, line := range strings.Split(strings.TrimSpace(string(files["SHA256SUMS"])), "\n") {
		digest, name, _ := strings.Cut(line, "  ")
		listed[name] = true
		if got := fmt.Sprintf("%x", sha256.Sum256(files[name])); got != digest {
			bad("step 1: %s", name)
		}
	}
	for name := range files {
		if !listed[name] {
			bad("step 1: %s isn't listed", name)
		}
	}
	if string(files["FAULTS.txt"]) != "" {
		bad("the export told faults")
	}
	if _, err := ledger.OpenCheckpoint(files["record/checkpoint"], key); err != nil {
		bad("step 3: %v", err)
		return faults
	}
	lines := strings.Split(string(files["record/checkpoint"]), "\n")
	size, _ := strconv.ParseInt(lines[1], 10, 64)
	root, _ := base64.StdEncoding.DecodeString(lines[2])
	for name, entry := range files {
		number, ok := strings.CutPrefix(name, "record/leaf-")
		stem := strings.TrimSuffix(name, ".entry")
		if !ok || stem == name {
			continue
		}
		f, _ := strconv.ParseInt(strings.TrimSuffix(number, ".entry"), 10, 64)
		if !walk(entry, files[stem+".proof"], f, size-1, root) {
			bad("step 4: %s", name)
		}
		changes := files[stem+".changes"]
		if sum := sha256.Sum256(changes); !bytes.HasSuffix(entry, sum[:]) {
			bad("step 5: %s", stem)
		}
		for row, octets := range files {
			if sum := sha256.Sum256(octets); strings.HasPrefix(row, stem+".row-") && !bytes.Contains(changes, sum[:]) {
				bad("step 5: %s", row)
			}
		}
	}
	return faults
}

// walk is step 4 as it is written.
func walk(entry, proof []byte, f, s int64, root []byte) bool {
	hash := func(parts ...[]byte) []byte { sum := sha256.Sum256(bytes.Join(parts, nil)); return sum[:] }
	h := hash([]byte{0}, entry)
	for line := range strings.FieldsSeq(string(proof)) {
		p, err := hex.DecodeString(line)
		if err != nil {
			return false
		}
		if f%2 == 1 || f == s {
			h = hash([]byte{1}, p, h)
			for f%2 == 0 && f != 0 {
				f, s = f/2, s/2
			}
		} else {
			h = hash([]byte{1}, h, p)
		}
		f, s = f/2, s/2
	}
	return s == 0 && bytes.Equal(h, root)
}

func TestExportIsVerifiedByAStranger(t *testing.T) {
	c := wholeCase(t)
	archive, faults := exported(t, c)
	if len(faults) > 0 {
		t.Errorf("faults: %q", faults)
	}
	again, _ := exported(t, c)
	if !bytes.Equal(archive, again) {
		t.Error("the same case gives two archives")
	}
	files := unpacked(t, archive)
	if got := verify(files, c.Record.Verifier); len(got) > 0 {
		t.Errorf("%q", got)
	}
	for _, name := range []string{"README.txt", "index.html", "index.zh.html", "case.json", "verify.sh", "originals.csv", "record.csv", "record/checkpoint", "record/ledger.pub",
		"reports/" + id(20).Text("rep") + "/v1/page.html", "orders/" + id(30).Text("ord") + "/rows.csv", "proofs/001-call_sheet.txt"} {
		if len(files[name]) == 0 {
			t.Errorf("there is no %s", name)
		}
	}
	var told struct {
		Kind      string
		Originals []struct{ File, SHA256 string }
		Reports   []struct{ Recipients []struct{ Reference string } }
		Orders    []struct {
			Rows []struct{ State, Answer, Why string }
		}
	}
	if err := json.Unmarshal(files["case.json"], &told); err != nil {
		t.Fatal(err)
	}
	if o := told.Originals[0]; fmt.Sprintf("%x", sha256.Sum256(files[o.File])) != o.SHA256 {
		t.Errorf("step 2: %+v", o)
	}
	if r := told.Orders[0].Rows[0]; told.Kind != "case" || told.Reports[0].Recipients[0].Reference != "B-77" || r.State != "verified" || r.Answer != "done" || r.Why == "" {
		t.Errorf("case.json tells %+v", told)
	}
	for _, said := range []string{"2026-03-14 08:00:07 +08:00", "corrected by", "the press of 2009", "bureau or centre", "B-77", "quiet for 48 h", "person:bob"} {
		if !strings.Contains(html.UnescapeString(string(files["index.html"])), said) {
			t.Errorf("index.html doesn't tell %q", said)
		}
	}
	for _, name := range []string{"index.html", "index.zh.html"} {
		for rest := string(files[name]); ; {
			_, after, ok := strings.Cut(rest, `href="`)
			if !ok {
				break
			}
			link, tail, _ := strings.Cut(after, `"`)
			if rest = tail; len(files[link]) == 0 {
				t.Errorf("%s points to %s, which isn't there", name, link)
			}
		}
	}
}

// TestTamperingShows changes each file of an archive in turn: the steps of the README
// tell, also where the list of sums was made to fit.
func TestTamperingShows(t *testing.T) {
	c := wholeCase(t)
	archive, _ := exported(t, c)
	for name := range unpacked(t, archive) {
		files := unpacked(t, archive)
		files[name] = append([]byte("x"), files[name]...)
		if len(verify(files, c.Record.Verifier)) == 0 {
			t.Errorf("%s was altered and nothing tells", name)
		}
		if !strings.HasPrefix(name, "record/") || name == "record/ledger.pub" {
			continue
		}
		var sums strings.Builder
		for other, text := range files {
			if other != "SHA256SUMS" {
				fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(text), other)
			}
		}
		files["SHA256SUMS"] = []byte(sums.String())
		if len(verify(files, c.Record.Verifier)) == 0 {
			t.Errorf("%s was altered, the sums were made to fit, and nothing tells", name)
		}
	}
}

// TestVerifyScript runs the script of the archive, on a sound one and on altered ones.
func TestVerifyScript(t *testing.T) {
	for _, tool := range []string{"sh", "sha256sum", "xxd", "openssl", "base64", "awk"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s not found: verify.sh can't be run here", tool)
		}
	}
	c := wholeCase(t)
	archive, _ := exported(t, c)
	run := func(t *testing.T, spoil func(dir string)) (string, error) {
		dir, keys := t.TempDir(), t.TempDir()
		for name, text := range unpacked(t, archive) {
			path := filepath.Join(dir, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		key := filepath.Join(keys, "key")
		if err := os.WriteFile(key, []byte(c.Record.Verifier+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		spoil(dir)
		out, err := exec.Command("sh", filepath.Join(dir, "verify.sh"), key).CombinedOutput()
		return string(out), err
	}
	if out, err := run(t, func(string) {}); err != nil || !strings.Contains(out, "all steps hold") {
		t.Errorf("a sound archive: %v\n%s", err, out)
	}
	spoil := func(name string, change func([]byte) []byte) func(string) {
		return func(dir string) {
			path := filepath.Join(dir, filepath.FromSlash(name))
			text, _ := os.ReadFile(path)
			if err := os.WriteFile(path, change(text), 0o644); err != nil {
				t.Fatal(err)
			}
			// Whoever alters a file makes the sums fit.
			sums := filepath.Join(dir, "SHA256SUMS")
			list, _ := os.ReadFile(sums)
			fresh := strings.ReplaceAll(string(list), fmt.Sprintf("%x  %s\n", sha256.Sum256(text), name), fmt.Sprintf("%x  %s\n", sha256.Sum256(change(text)), name))
			if err := os.WriteFile(sums, []byte(fresh), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	flip := func(b []byte) []byte { b = bytes.Clone(b); b[len(b)/2] ^= 1; return b }
	for name, step := range map[string]string{
		"record/leaf-000000002.entry": "isn't in the tree", "record/leaf-000000010.changes": "isn't what its entry says",
		"record/leaf-000000010.row-incident-10": "isn't what its entry recorded", "record/checkpoint": "isn't signed by the key",
	} {
		if out, err := run(t, spoil(name, flip)); err == nil || !strings.Contains(out, step) {
			t.Errorf("%s altered: %v\n%s", name, err, out)
		}
	}
	if out, err := run(t, func(dir string) { os.WriteFile(filepath.Join(dir, "extra"), nil, 0o644) }); err == nil || !strings.Contains(out, "were added") {
		t.Errorf("a file added: %v\n%s", err, out)
	}
	if out, err := run(t, func(dir string) { os.WriteFile(filepath.Join(dir, "case.json"), []byte("{}"), 0o644) }); err == nil || !strings.Contains(out, "altered since") {
		t.Errorf("a file altered: %v\n%s", err, out)
	}
}

func TestExportTellsFaults(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*report.Case)
		want  string
	}{
		{"an original that was altered", func(c *report.Case) { c.Originals[0].Open = opener("forged") }, "was altered"},
		{"an original that is gone", func(c *report.Case) {
			c.Originals[0].Open = func() (io.ReadCloser, error) { return nil, os.ErrNotExist }
		}, "couldn't be opened"},
		{"an original that can't be read on", func(c *report.Case) {
			c.Originals[0].Open = func() (io.ReadCloser, error) {
				return io.NopCloser(io.MultiReader(strings.NewReader("timestamp"), iotest.ErrReader(errors.New("bad sector")))), nil
			}
		}, "ends after 9 octets: it couldn't be read on: bad sector"},
		{"an original that nobody can open", func(c *report.Case) { c.Originals[0].Open = nil }, "nothing to open"},
		{"a proof that was altered", func(c *report.Case) { c.Proofs[0].Open = opener("forged") }, "was altered"},
		{"a form that was altered", func(c *report.Case) { c.Reports[0].Forms[0].Party = "Somebody Else" }, "isn't what was filed"},
		{"another pack", func(c *report.Case) { c.Packs[0].Text = []byte("{}") }, "isn't that pack"},
		{"an entry that was altered", func(c *report.Case) { c.Record.Changes[0].Entry[30] ^= 1 }, "doesn't lead to the checkpoint"},
		{"an entry that is none", func(c *report.Case) { c.Record.Changes[0].Entry = []byte("x") }, "no entry of a ledger"},
		{"a change set that was altered", func(c *report.Case) { c.Record.Changes[0].Pack[9] ^= 1 }, "isn't the change set"},
		{"a row that was altered", func(c *report.Case) { c.Record.Changes[0].Rows[0].Octets[9] ^= 1 }, "isn't what entry 2 recorded"},
		{"a checkpoint of somebody else", func(c *report.Case) { c.Record.Verifier = record(t).Verifier }, "can't be trusted"},
		{"no checkpoint", func(c *report.Case) { c.Record.Checkpoint = nil }, "no checkpoint"},
	} {
		spoilt := wholeCase(t)
		c.spoil(&spoilt)
		archive, faults := exported(t, spoilt)
		files := unpacked(t, archive)
		if !strings.Contains(strings.Join(faults, "\n"), c.want) || !strings.Contains(string(files["FAULTS.txt"]), c.want) || !bytes.Contains(files["index.html"], []byte("has faults")) {
			t.Errorf("%s: told %q", c.name, faults)
		}
	}
}

func TestExportRefuses(t *testing.T) {
	if _, err := report.Export(io.Discard, report.Case{}); !errors.Is(err, casebook.ErrInvalid) {
		t.Errorf("a case without an incident: got %v", err)
	}
	full := errors.New("no space left")
	if _, err := report.Export(failing{full}, wholeCase(t)); !errors.Is(err, full) {
		t.Errorf("a full disk: got %v", err)
	}
	twice := wholeCase(t)
	twice.Originals = append(twice.Originals, twice.Originals[0])
	if _, err := report.Export(io.Discard, twice); !errors.Is(err, casebook.ErrConflict) {
		t.Errorf("one delivery twice: got %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// TestExportOfLittle: a case of which there is nothing but a name is archived too.
func TestExportOfLittle(t *testing.T) {
	archive, faults := exported(t, report.Case{At: at(t, "2026-03-18T09:00:00Z"), Incident: casebook.Incident{ID: id(1), Title: "<b>a call</b>"}})
	files := unpacked(t, archive)
	if len(faults) != 1 || bytes.Contains(files["index.html"], []byte("<b>a call")) {
		t.Errorf("faults %q\n%s", faults, files["index.html"])
	}
}
