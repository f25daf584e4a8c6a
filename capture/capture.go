// Package capture reads what sensors wrote of a network's traffic: one format a
// file, told by its content and not by its name. Bytes go in and batches of traffic
// come out; a record that makes no sense is counted with its place and the reason,
// and reading goes on. It leaves to others which files to open, sockets, the order
// over several files, and what the traffic means. It runs nothing, follows no link
// and keeps no payload.
package capture

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"

	"tocsin/casebook"
	"tocsin/traffic"
	"tocsin/unpack"
)

const (
	// batchRecords is how many records a batch is filled with, or a few more.
	batchRecords = 1024
	// keptRefusals is how many refusals of a file are kept whole.
	keptRefusals = 100
	// peekBytes is what is looked at to tell a format.
	peekBytes = 16 << 10
	readBytes = 64 << 10
)

// ErrUnknown is what Open gives for content that is no format of telemetry. It
// wraps casebook.ErrInvalid. Who walks a folder passes over such a file.
var ErrUnknown = fmt.Errorf("not a format of telemetry: %w", casebook.ErrInvalid)

// Counts tell how a reading went. Records is what came out in batches, of every
// kind; one row of a file may give several or none.
type Counts struct {
	Rows    int64 // lines, events, packets or flow records that were looked at
	Records int64
	Refused int64 // rows that make no sense
	Skipped int64 // sound rows that tell nothing of the kinds in traffic
	// Cut counts conversations that were told before their end because more went on
	// at once than are followed.
	Cut int64
}

// Add sums two readings.
func (c *Counts) Add(o Counts) {
	c.Rows += o.Rows
	c.Records += o.Records
	c.Refused += o.Refused
	c.Skipped += o.Skipped
	c.Cut += o.Cut
}

// Reader reads one capture. It serves one goroutine.
type Reader struct {
	name    string
	format  Format
	packed  *unpack.Reader
	decoder decoder
	tally   tally
	err     error
}

// A decoder is what differs between formats.
type decoder interface {
	// fill adds records until the batch is full. It gives io.EOF once there are no
	// more; records may have come with it.
	fill(b *traffic.Batch) error
}

// tally counts a reading and keeps its first refusals.
type tally struct {
	Counts
	kept []casebook.Refusal
}

// refuse counts a bad row: its number, the line it stands in or 0, a field or "",
// and the reason.
func (t *tally) refuse(row, line int64, field, reason string) {
	t.Refused++
	if len(t.kept) < keptRefusals {
		t.kept = append(t.kept, casebook.Refusal{Row: row, Line: line, Field: field, Reason: reason})
	}
}

func (t *tally) refusef(row, line int64, field, format string, args ...any) {
	if len(t.kept) < keptRefusals {
		t.refuse(row, line, field, fmt.Sprintf(format, args...))
		return
	}
	t.Refused++
}

// Open looks at the beginning of body, which may be packed with gzip, xz or zstd,
// tells what format it is in and gives its reader. name is used in messages, and
// where a log's type is written nowhere else. An empty body is a sound capture of
// nothing. Up to three lines that a text begins with and that make no sense are
// refused, as when it was cut out of a longer one. It gives ErrUnknown for what it
// doesn't know, ErrInvalid for what it knows but can't read, with the reason, and an
// error of body wrapped.
func Open(name string, body io.Reader) (*Reader, error) {
	packed, err := unpack.Open(body, unpack.Bounds{MaxBytes: -1, FreeBytes: 1 << 62})
	if err != nil {
		return nil, fmt.Errorf("capture %.200q: %w", name, err)
	}
	r := &Reader{name: name, packed: packed}
	if err := r.open(); err != nil {
		packed.Close()
		return nil, fmt.Errorf("capture %.200q: %w", name, err)
	}
	return r, nil
}

func (r *Reader) open() error {
	in := bufio.NewReaderSize(r.packed, readBytes)
	head, err := in.Peek(peekBytes)
	if err != nil && err != io.EOF && len(head) == 0 {
		return err
	}
	if marked(head) {
		text, err := unpack.Text(in)
		if err != nil {
			return err
		}
		in = bufio.NewReaderSize(text, readBytes)
		head, _ = in.Peek(peekBytes)
	}
	r.format, r.decoder, err = recognise(source{name: path.Base(r.name), head: head, in: in, tally: &r.tally})
	return err
}

// marked reports whether a text begins with a byte order mark.
func marked(head []byte) bool {
	return bytes.HasPrefix(head, []byte("\xef\xbb\xbf")) || bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff"))
}

// Format is the format that the content was told to be in.
func (r *Reader) Format() Format { return r.format }

// Next empties the batch and fills it with the next records: about a thousand, or more
// where many conversations of a pcap end at once. It gives io.EOF, with an empty batch, after the last. Where the bytes end the reading
// before its time (packing broken or cut short, a binary file out of step), that is
// one more refusal, and io.EOF. An error of body is returned wrapped.
func (r *Reader) Next(b *traffic.Batch) error {
	b.Reset()
	for r.err == nil && b.Len() == 0 {
		r.err = r.decoder.fill(b)
	}
	if n := b.Len(); n > 0 {
		r.tally.Records += int64(n)
		return nil
	}
	if errors.Is(r.err, casebook.ErrInvalid) || errors.Is(r.err, casebook.ErrTooLarge) {
		r.tally.refuse(r.tally.Rows+1, 0, "", r.err.Error())
		r.err = io.EOF
	}
	if r.err == io.EOF {
		return io.EOF
	}
	return fmt.Errorf("capture %.200q: %w", r.name, r.err)
}

// Counts tells how the reading went so far.
func (r *Reader) Counts() Counts { return r.tally.Counts }

// Refusals gives the first refusals, at most 100, in order. Row is the number of the
// record, from 1; Line is that of the text line, or 0 in a binary format.
func (r *Reader) Refusals() []casebook.Refusal { return r.tally.kept }

// Close frees what the reader holds. It doesn't close the body.
func (r *Reader) Close() error { return r.packed.Close() }
