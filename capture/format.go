package capture

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"tocsin/casebook"
	"tocsin/traffic"
)

// Format is one way in which telemetry is written.
type Format struct {
	Name  string
	About string

	// knows tells the format by the first octets of a capture.
	knows func(head []byte) bool
	open  func(s source) (decoder, error)
}

// source is what a decoder is made from.
type source struct {
	name  string // of the capture, its last part only
	head  []byte // what can be seen of in without reading
	in    *bufio.Reader
	tally *tally
}

var formats []Format

// add enters a format in the table.
func add(f Format) bool {
	formats = append(formats, f)
	return true
}

// Formats lists what is read, sorted by name.
func Formats() []Format {
	return slices.SortedFunc(slices.Values(formats), func(a, b Format) int { return strings.Compare(a.Name, b.Name) })
}

// recognise finds the format of a capture by its first octets.
func recognise(s source) (Format, decoder, error) {
	if len(s.head) == 0 {
		return Format{Name: "empty", About: "nothing at all"}, nothing{}, nil
	}
	for _, f := range formats {
		if !f.knows(s.head) {
			continue
		}
		d, err := f.open(s)
		if err != nil {
			return f, nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		return f, d, nil
	}
	for _, known := range foreign {
		if bytes.HasPrefix(s.head, []byte(known.magic)) {
			return Format{}, nil, fmt.Errorf("this is %s: %w", known.what, casebook.ErrInvalid)
		}
	}
	return Format{}, nil, ErrUnknown
}

// foreign are formats that hold telemetry but aren't read, and what to do.
var foreign = []struct{ magic, what string }{
	{"\x83\x10\x00\x20", "Argus' own binary format; write it as text first: ra -r FILE -c , -s +dur"},
	{"SQLite format 3", "an SQLite database; export its table of connections as CSV"},
	{"PAR1", "a Parquet file; export it as CSV or JSON lines"},
}

// nothing reads an empty capture.
type nothing struct{}

func (nothing) fill(*traffic.Batch) error { return io.EOF }
