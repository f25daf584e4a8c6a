package report

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"tocsin/casebook"
	"tocsin/ledger"
)

// Case is everything that the archive of a case holds.
type Case struct {
	At        time.Time // of the export
	By        string    // who exports
	Platform  string    // what this platform calls itself
	Zone      string    // in which people are shown moments
	Incident  casebook.Incident
	Parties   []casebook.Party // that the case names
	Threat    casebook.Threat  // zero without
	Timeline  []casebook.Anchor
	Grades    []casebook.Grade
	Facts     []Fact
	Duties    []casebook.Duty
	Findings  []casebook.Finding
	Reports   []Filing
	Orders    []Instruction
	Originals []Original
	Proofs    []Attachment // receipts, call sheets, what was uploaded
	Packs     []PackFile   // that were applied
	Record    Record
}

// Fact is a figure of the incident as somebody gave it.
type Fact struct {
	Name       string
	Value      casebook.Value
	At         time.Time
	By         string
	RecordedAt time.Time
}

// Filing is a report with all its versions and what became of each.
type Filing struct {
	Report     casebook.Report
	Versions   []casebook.ReportVersion
	Recipients []casebook.Recipient
	// Forms are the versions as they were filed; each tells its Version, and the Digest
	// of that version is the SHA-256 of the form's JSON.
	Forms []Form
}

// Original is a delivery as it came. Open gives its octets, those over which
// Delivery.Digest was made; it is called once.
type Original struct {
	Delivery casebook.Delivery
	Open     func() (io.ReadCloser, error)
}

// Attachment is a file that proves something: a receipt, a call sheet, a message as
// it was sent.
type Attachment struct {
	Name   string // of the file, for people
	Of     string // what it belongs to: "rep_…", "ord_…", "rcp_…"
	Says   string // what it is
	Digest casebook.Digest
	Open   func() (io.ReadCloser, error)
}

// PackFile is a pack that was applied, in the octets over which its digest was made.
type PackFile struct {
	Regime string
	Digest string // as duties and grades name it: "sha256:" and the hash of Text
	Text   []byte
}

// Record is what shows that the case was recorded as it is told.
type Record struct {
	Checkpoint []byte // signed
	Verifier   string // line of the public key
	Changes    []Change
	Timestamp  []byte // RFC 3161 token over the checkpoint, nil without
}

// Change is one entry of the ledger that concerns the case, with its proof.
type Change struct {
	Leaf  int64 // number in the tree, from 0
	Entry []byte
	Pack  []byte // the packed change set
	Proof []ledger.Hash
	Says  string // what was recorded, for people
	// Rows are the canonical octets of rows of the case that this entry put, each
	// with its salt: the SHA-256 of each stands in Pack.
	Rows []RowOctets
}

// RowOctets are the octets over which the digest of a row was made.
type RowOctets struct {
	Table  string
	Key    int64
	Octets []byte
}

// Export writes the archive of a case: a zip that is read without this program. It
// holds README.txt, which says how a stranger verifies it; index.html, the case for
// people; case.json, the case for programs; every filing and order as it was sent;
// the originals; the packs; the ledger's checkpoint, entries and proofs; SHA256SUMS
// over all of it. The same case gives the same octets. Nothing is held in memory but
// one file at a time that this room writes itself.
//
// What is found not to be as recorded is written all the same, told in the archive
// (FAULTS.txt, and on the first page) and given as faults, a sentence each; none is a
// sound archive. An error is one of writing, or of a case that can't be archived.
func Export(w io.Writer, c Case) (faults []string, err error) {
	if c.Incident.ID.IsZero() {
		return nil, fmt.Errorf("export: a case without an incident: %w", casebook.ErrInvalid)
	}
	a := newArchive(w, c.At)
	for _, step := range []func(*archive) error{c.filings, c.orders, c.originals, c.attachments, c.packs, c.record, c.pages} {
		if err := step(a); err != nil {
			return a.faults, fmt.Errorf("export case %s: %w", c.Incident.ID.Text(casebook.IncidentPrefix), err)
		}
	}
	if err := a.close(); err != nil {
		return a.faults, fmt.Errorf("export case %s: %w", c.Incident.ID.Text(casebook.IncidentPrefix), err)
	}
	return a.faults, nil
}

// archive is a zip under way.
type archive struct {
	zip    *zip.Writer
	at     time.Time
	sums   []sum
	taken  map[string]bool
	faults []string
	// files remembers under which name things were put, for the pages.
	originals, proofs []stored
	forms, orders     map[string]string
	packNames         []string
}

type sum struct {
	name   string
	digest [sha256.Size]byte
}

// stored is a file that was copied in.
type stored struct {
	name   string
	bytes  int64
	digest casebook.Digest
	fault  string // "" if it is as recorded
}

func newArchive(w io.Writer, at time.Time) *archive {
	a := &archive{zip: zip.NewWriter(w), at: at.UTC().Truncate(time.Second), taken: map[string]bool{}, forms: map[string]string{}, orders: map[string]string{}}
	a.zip.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.DefaultCompression) })
	return a
}

func (a *archive) fault(format string, args ...any) string {
	said := fmt.Sprintf(format, args...)
	a.faults = append(a.faults, said)
	return said
}

// create opens a file in the archive; its moment is that of the export.
func (a *archive) create(name string) (io.Writer, error) {
	if a.taken[name] {
		return nil, fmt.Errorf("two files are called %s: %w", name, casebook.ErrConflict)
	}
	a.taken[name] = true
	return a.zip.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: a.at})
}

// put writes a file whose content a function writes.
func (a *archive) put(name string, write func(io.Writer) error) error {
	w, err := a.create(name)
	if err != nil {
		return err
	}
	h := sha256.New()
	if err := write(io.MultiWriter(w, h)); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	a.sums = append(a.sums, sum{name, [sha256.Size]byte(h.Sum(nil))})
	return nil
}

func (a *archive) bytes(name string, text []byte) error {
	return a.put(name, func(w io.Writer) error { _, err := w.Write(text); return err })
}

// copy copies what open gives under a name and compares its digest with the
// recorded one.
func (a *archive) copy(name string, want casebook.Digest, open func() (io.ReadCloser, error)) (stored, error) {
	s := stored{name: name}
	in, err := openOrSay(open)
	if err != nil {
		s.fault = a.fault("%s isn't in the archive: it couldn't be opened: %v", name, err)
		return s, nil
	}
	defer in.Close()
	var readErr error
	err = a.put(name, func(w io.Writer) error {
		r := &reading{r: in}
		h := sha256.New()
		s.bytes, err = io.Copy(io.MultiWriter(w, h), r)
		s.digest = casebook.Digest(h.Sum(nil))
		if readErr = r.err; readErr != nil {
			return nil
		}
		return err
	})
	switch {
	case err != nil:
	case readErr != nil:
		s.fault = a.fault("%s ends after %d octets: it couldn't be read on: %v", name, s.bytes, readErr)
	case s.digest != want:
		s.fault = a.fault("%s has the SHA-256 %s and was recorded with %s: it was altered", name, s.digest, want)
	}
	return s, err
}

func openOrSay(open func() (io.ReadCloser, error)) (io.ReadCloser, error) {
	if open == nil {
		return nil, fmt.Errorf("nothing to open: %w", casebook.ErrNotFound)
	}
	return open()
}

// reading remembers a fault of the source, so that it isn't taken for one of the
// archive.
type reading struct {
	r   io.Reader
	err error
}

func (r *reading) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	if err != nil && err != io.EOF {
		r.err = err
	}
	return n, err
}

// close writes what speaks of all other files, last of them SHA256SUMS.
func (a *archive) close() error {
	slices.SortFunc(a.sums, func(x, y sum) int { return strings.Compare(x.name, y.name) })
	var b bytes.Buffer
	for _, s := range a.sums {
		fmt.Fprintf(&b, "%x  %s\n", s.digest, s.name)
	}
	w, err := a.create("SHA256SUMS")
	if err != nil {
		return err
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("SHA256SUMS: %w", err)
	}
	return a.zip.Close()
}

// fileName makes a name of a file that every system takes: letters, digits, dot,
// hyphen, underscore, at most 80 characters.
func fileName(s string) string {
	name := strings.Map(func(r rune) rune {
		if r < 0x80 && (r == '.' || r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z') {
			return r
		}
		return '_'
	}, s)
	name = strings.TrimLeft(name[max(0, len(name)-80):], ".-")
	if name == "" {
		return "file"
	}
	return name
}
