// Package feed turns deliveries of claims, bytes as a publisher sent them, into
// observations. A format says who claims, what a row means and how sure it is;
// most formats are data (the table of Shadowserver's reports, a mapping in a
// small YAML file), so that a site adds one without a build. It knows no
// database, no network and no clock: keeping deliveries is left to intake,
// folding observations to the desk.
package feed

import (
	"fmt"
	"io"
	"time"

	"tocsin/casebook"
	"tocsin/unpack"
)

// Format is one way in which claims are delivered. Catalogues make it; the zero
// value reads nothing.
type Format struct {
	Name  string
	About string
	// Version changes whenever what decides the reading changes: our own rules,
	// the table, or a site's file. Equal versions read equal bytes under equal
	// bounds alike.
	Version int64
	// GapDays is how many days without a sighting make the next one a relapse.
	GapDays int
	// TLP is what every observation of the format is marked with, unless a row
	// says stricter or milder.
	TLP casebook.TLP

	reader reader
}

// A reader is what differs between formats: the Shadowserver reports, whose
// rules depend on the report type, and a declared mapping.
type reader interface {
	reportType(fileName, explicit string) (string, error)
	source(reportType string) string
	read(d *delivery) (Result, error)
}

// Input is one delivery to be read.
type Input struct {
	Name string // what the sender called the file; for messages
	Type string // report type as ReportType gave it
	// Body is the delivery as it came: plain, gzip, xz or zstd, told by its
	// content, or a zip that holds one file. A zip needs a Body that is also
	// interface{ io.ReaderAt; Size() int64 }.
	Body io.Reader
	// MaxBytes bounds the decompressed octets; 0 means 8 GiB.
	MaxBytes int64
	// NotAfter is the last moment that a row may be of; a row observed later is
	// refused. Zero means no bound but that of every moment, the year 2199.
	NotAfter time.Time
}

// Result counts what a reading found: Rows = Taken + Refused.
type Result struct {
	Rows, Taken, Refused int64
	// Warnings are sentences about the delivery as a whole, each said once: a
	// column nobody knows, a column with values that made no sense. At most 64.
	Warnings []string
}

// A yielder is handed each record in order, with exactly one of the two set.
type yielder func(o *casebook.Observation, bad *casebook.Refusal) error

// ReportType gives the report type of a delivery: the explicit one if it is
// told, otherwise the one that the file name carries
// (2026-11-23-event4_sinkhole-xx-geo.csv.gz). It is "" for a format that has
// only one. It gives ErrInvalid, saying what was expected, if it can't tell.
func (f Format) ReportType(fileName, explicit string) (string, error) {
	if f.reader == nil {
		return "", fmt.Errorf("a format that is in no catalogue has no report types: %w", casebook.ErrInvalid)
	}
	t, err := f.reader.reportType(fileName, explicit)
	if err != nil {
		return "", fmt.Errorf("format %s: %w", f.Name, err)
	}
	return t, nil
}

// Source is the name of who claims: the format, and its report type if it has
// several ("shadowserver/event4_sinkhole", "feodo").
func (f Format) Source(reportType string) string {
	if f.reader == nil {
		return f.Name
	}
	return f.reader.source(reportType)
}

// Read calls yield for each record in order, with an observation or with the
// reason why there is none. Both are reused: they, and the slices in them, are
// valid until yield returns. Yield's own error ends the reading and is returned
// as it is.
//
// A fault of the bytes (no header, no such column, broken compression) gives
// ErrInvalid, a bound passed ErrTooLarge, and what came before was yielded; an
// error of Body is returned wrapped. The Result counts what was yielded in any
// case. A record has at most 1 MiB and 4,096 columns; a longer one is refused,
// and not kept in memory. Read may be called from several goroutines.
func (f Format) Read(in Input, yield func(o *casebook.Observation, bad *casebook.Refusal) error) (Result, error) {
	if f.reader == nil {
		return Result{}, fmt.Errorf("delivery %.80q: no format was chosen: %w", in.Name, casebook.ErrInvalid)
	}
	packed, err := unpack.Open(in.Body, unpack.Bounds{MaxBytes: in.MaxBytes})
	if err != nil {
		return Result{}, fmt.Errorf("%s delivery %.80q: %w", f.Name, in.Name, err)
	}
	defer packed.Close()
	text, err := unpack.Text(packed)
	if err != nil {
		return Result{}, fmt.Errorf("%s delivery %.80q: %w", f.Name, in.Name, err)
	}
	d := &delivery{format: f, reportType: in.Type, notAfter: in.NotAfter, text: text, yield: yield}
	result, err := f.reader.read(d)
	result.Warnings = d.warnings.list()
	if err == nil || d.stopped {
		return result, err
	}
	return result, fmt.Errorf("%s delivery %.80q: %w", f.Name, in.Name, err)
}

// delivery is one reading under way.
type delivery struct {
	format     Format
	reportType string
	notAfter   time.Time
	text       io.Reader
	yield      yielder
	warnings   warnings
	stopped    bool // by yield

	result Result
	obs    casebook.Observation
	bad    casebook.Refusal
}

// take counts and yields the record that b read from values, or its refusal.
func (d *delivery) take(b *binding, values [][]byte, line int64) error {
	d.result.Rows++
	d.obs.Row = d.result.Rows
	field, reason := b.take(values, line, &d.obs)
	if reason != "" {
		d.result.Rows--
		return d.refuse(line, field, reason)
	}
	d.result.Taken++
	return d.hand(&d.obs, nil)
}

// refuse counts and yields a record that can't be taken.
func (d *delivery) refuse(line int64, field, reason string) error {
	d.result.Rows++
	d.result.Refused++
	d.bad = casebook.Refusal{Row: d.result.Rows, Line: line, Field: field, Reason: reason}
	return d.hand(nil, &d.bad)
}

func (d *delivery) hand(o *casebook.Observation, bad *casebook.Refusal) error {
	err := d.yield(o, bad)
	d.stopped = err != nil
	return err
}
