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
	// before is how many lines were taken off the beginning.
	before int64
	// wrap is how the records of JSON are wrapped, nil if they aren't.
	wrap *wrapping
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

// maxCutLines is how many lines at the beginning of a text may make no sense: a log
// that was cut out of a longer one begins in the middle of a line.
const maxCutLines = 3

// recognise finds the format of a capture by its first octets.
func recognise(s source) (Format, decoder, error) {
	if len(s.head) == 0 {
		return Format{Name: "empty", About: "nothing at all"}, nothing{}, nil
	}
	for cut := 0; ; cut++ {
		if w, bare := wrapped(s.head); w != nil {
			within := s
			within.wrap = w
			if f, d, err, ok := open(within, bare); ok {
				return f, d, err
			}
		}
		if f, d, err, ok := open(s, s.head); ok {
			return f, d, err
		}
		end := bytes.IndexByte(s.head, '\n')
		if cut == maxCutLines || end < 0 || bytes.IndexByte(s.head[:end], 0) >= 0 {
			break
		}
		if cut == 0 {
			if err := known(s.head); err != nil {
				return Format{}, nil, err
			}
		}
		s.in.Discard(end + 1)
		s.head = s.head[end+1:]
		s.tally.Rows++
		s.before++
		s.tally.refuse(s.tally.Rows, s.before, "", "the capture begins in the middle of a line")
	}
	if err := known(s.head); err != nil {
		return Format{}, nil, err
	}
	return Format{}, nil, ErrUnknown
}

// open opens a source by the format that its head is in.
func open(s source, head []byte) (f Format, d decoder, err error, ok bool) {
	for _, f := range formats {
		if f.knows(head) {
			d, err := f.open(s)
			if err != nil {
				return f, nil, fmt.Errorf("%s: %w", f.Name, err), true
			}
			return f, d, nil, true
		}
	}
	return f, nil, nil, false
}

// known tells a format that isn't read by its name.
func known(head []byte) error {
	for _, f := range foreign {
		if bytes.HasPrefix(head, []byte(f.magic)) {
			return fmt.Errorf("this is %s: %w", f.what, casebook.ErrInvalid)
		}
	}
	return nil
}

// foreign are formats that hold telemetry but aren't read, and what to do.
var foreign = []struct{ magic, what string }{
	{"\x83\x10\x00\x20", "Argus' own binary format; write it as text first: ra -r FILE -c , -s +dur"},
	{"SQLite format 3", "an SQLite database; export its table of connections as CSV"},
	{"snoop\x00\x00\x00", "a capture of Solaris' snoop; write it as pcap first: editcap -F pcap FILE OUT"},
	{"GMBU", "a capture of Microsoft's Network Monitor; write it as pcap first: editcap -F pcap FILE OUT"},
	{"RTSS", "a capture of Microsoft's Network Monitor; write it as pcap first: editcap -F pcap FILE OUT"},
	{"TRSNIFF data    \x1a", "a capture of NAI's Sniffer; write it as pcap first: editcap -F pcap FILE OUT"},
	{"PAR1", "a Parquet file; export it as CSV or JSON lines"},
}

// nothing reads an empty capture.
type nothing struct{}

func (nothing) fill(*traffic.Batch) error { return io.EOF }
