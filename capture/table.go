package capture

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"

	"tocsin/casebook"
	"tocsin/traffic"
)

var (
	_ = add(Format{Name: "argus", About: "Argus flow records as text with a header (binetflow), comma or tab; any columns. Names, requests and handshakes come from its user data, if that is there",
		knows: knowsArgus, open: openTable})
	_ = add(Format{Name: "flow-table", About: "flow records of other tools as text with a header: nfdump -o csv, SiLK rwcut, CICFlowMeter, NFStream, … Columns are told by their names",
		knows: knowsTable, open: openTable})
)

// table reads flow records from delimited text whose header names the columns.
type table struct {
	lines     lines
	tally     *tally
	delimiter byte
	where     []int8 // wanted value of each column, or -1
	has       [tableColumns]bool
	width     int // columns of the header
	v         [tableColumns][]byte
	strings   traffic.Strings
	payload   payloads
	days      days
	header    []byte
	ended     bool
}

// tableDelimiters are tried in order on a header.
var tableDelimiters = []byte{',', '\t', ';', '|'}

// tableHeader reads a header: its delimiter and columns, if it names at least both
// addresses and a moment.
func tableHeader(line []byte) (delimiter byte, where []int8, has [tableColumns]bool, ok bool) {
	line = bytes.TrimPrefix(bytes.TrimSpace(line), []byte("#"))
	for _, d := range tableDelimiters {
		names := bytes.Split(line, []byte{d})
		if len(names) < 5 || len(names) > maxColumns {
			continue
		}
		has = [tableColumns]bool{}
		where = where[:0]
		for _, name := range names {
			at := int8(-1)
			if c, known := tableWords[foldColumn(name)]; known && !has[c] {
				at, has[c] = int8(c), true
			}
			where = append(where, at)
		}
		if has[colSrc] && has[colDst] && (has[colStart] || has[colStartMillis]) {
			return d, where, has, true
		}
	}
	return 0, nil, has, false
}

// foldColumn writes a column's name in small letters and digits alone.
func foldColumn(name []byte) string {
	out := make([]byte, 0, len(name))
	for _, c := range lower(bytes.Clone(name[:min(len(name), 100)])) {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			out = append(out, c)
		}
	}
	return string(out)
}

func firstLine(head []byte) []byte {
	line, _, _ := bytes.Cut(bytes.TrimLeft(head, "\r\n"), []byte("\n"))
	return line
}

func knowsArgus(head []byte) bool {
	_, _, _, ok := tableHeader(firstLine(head))
	folded := foldColumn(firstLine(head))
	return ok && !knowsPacketTable(head) && strings.Contains(folded, "srcaddr") && (strings.Contains(folded, "starttime") || strings.Contains(folded, "stime")) && !strings.Contains(folded, "firstseen")
}

func knowsTable(head []byte) bool {
	_, _, _, ok := tableHeader(firstLine(head))
	return ok && !knowsArgus(head) && !knowsZeek(head) && !knowsPacketTable(head)
}

func openTable(s source) (decoder, error) {
	t := &table{lines: lines{r: s.in, n: s.before}, tally: s.tally}
	for {
		line, err := t.lines.next()
		if err != nil {
			return nil, fmt.Errorf("no header: %w", casebook.ErrInvalid)
		}
		if len(line) > 0 {
			t.begin(line)
			return t, nil
		}
	}
}

// begin takes a header.
func (t *table) begin(line []byte) {
	t.header = bytes.Clone(line)
	t.delimiter, t.where, t.has, _ = tableHeader(line)
	t.width = len(t.where)
	if t.has[colSrcIPBytes] && !t.has[colSrcPayload] {
		// The plain names mean the payload where others name the packets' octets.
		for i, at := range t.where {
			switch at {
			case colSrcBytes:
				t.where[i] = colSrcPayload
			case colDstBytes:
				t.where[i] = colDstPayload
			}
		}
	}
}

func (t *table) fill(b *traffic.Batch) error {
	for b.Len() < batchRecords {
		line, err := t.lines.next()
		switch {
		case err == errLong:
			t.tally.Rows++
			t.tally.refuse(t.tally.Rows, t.lines.n, "", err.Error())
		case err != nil:
			t.payload.flush(b)
			return err
		case len(bytes.TrimSpace(line)) == 0 || line[0] == '#':
		case bytes.Equal(line, t.header): // files that were put together
		default:
			t.tally.Rows++
			if field, reason := t.take(line, b); reason != "" {
				t.tally.refuse(t.tally.Rows, t.lines.n, field, reason)
			}
		}
	}
	return nil
}

// split cuts a line into the wanted values and counts its columns.
func (t *table) split(line []byte) int {
	clear(t.v[:])
	n := 0
	for {
		v, rest, more := t.cut(line)
		if n < len(t.where) && t.where[n] >= 0 {
			t.v[t.where[n]] = bytes.TrimSpace(v)
		}
		n++
		if !more {
			return n
		}
		line = rest
	}
}

// cut takes the first column off a line; a quoted one may hold the delimiter.
func (t *table) cut(line []byte) (v, rest []byte, more bool) {
	if len(line) > 0 && line[0] == '"' {
		if end := bytes.IndexByte(line[1:], '"'); end >= 0 && (end+2 == len(line) || line[end+2] == t.delimiter) {
			if end+2 == len(line) {
				return line[1 : end+1], nil, false
			}
			return line[1 : end+1], line[end+3:], true
		}
	}
	end := indexByte(line, t.delimiter)
	if end < 0 {
		return line, nil, false
	}
	return line[:end], line[end+1:], true
}

// take reads a row.
func (t *table) take(line []byte, b *traffic.Batch) (field, reason string) {
	if t.ended || bytes.HasPrefix(line, []byte("Summary")) {
		t.ended = true // nfdump's summary below the records
		t.tally.Skipped++
		return "", ""
	}
	if got := t.split(line); got < t.width-1 {
		return "", fmt.Sprintf("%d columns, the header names %d: the line was cut", got, t.width)
	}
	return t.flow(b)
}

// flow makes a flow of the values.
func (t *table) flow(b *traffic.Batch) (field, reason string) {
	proto := parseProto(t.v[colProto])
	if proto == 0 && t.has[colProto] && noTransport(t.v[colProto]) {
		t.tally.Skipped++
		return "", ""
	}
	var f traffic.Flow
	var ok bool
	if f.Orig, ok = t.addr(colSrc); !ok {
		return "source address", "not an address"
	}
	if f.Resp, ok = t.addr(colDst); !ok {
		return "destination address", "not an address"
	}
	if f.Proto = proto; proto == traffic.ICMP && f.Orig.Is6() {
		f.Proto = traffic.ICMPv6
	}
	if field, reason = t.times(&f); reason != "" {
		return field, reason
	}
	if field, reason = t.ports(&f); reason != "" {
		return field, reason
	}
	t.counts(&f)
	t.fate(&f)
	f.Sampling = 1
	if t.has[colSampling] {
		f.Sampling = uint32(max(parseCount(t.v[colSampling]), 0))
	} else if f.OneWay {
		f.Sampling = 0
	}
	f.Point = t.strings.Of(short(t.v[colPoint]))
	f.Service = t.strings.Of(serviceWord(lower(short(t.v[colService]))))
	b.Flows = append(b.Flows, f)
	if t.has[colSrcData] || t.has[colDstData] {
		t.payload.told(&b.Flows[len(b.Flows)-1], t.v[colSrcData], t.v[colDstData], b)
	}
	return "", ""
}

func (t *table) addr(i int) (netip.Addr, bool) {
	a, ok := parseAddr(t.v[i])
	return a, ok
}
