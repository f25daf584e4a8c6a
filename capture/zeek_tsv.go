package capture

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"tocsin/casebook"
	"tocsin/traffic"
)

var _ = add(Format{Name: "zeek", About: "Zeek logs as tab-separated text: conn, dns, http, ssl, files, x509; other types are passed over",
	knows: knowsZeek, open: openZeek})

// maxColumns is how many columns a table may have.
const maxColumns = 1024

// zeekTSV reads Zeek's own text form: lines of columns that a header names. The
// header may come again in the middle, as in logs that were put together.
type zeekTSV struct {
	lines     lines
	tally     *tally
	name      string
	log       *zeekLog // nil for a type that isn't read, or before the first header
	row       zeekRow
	separator byte
	unset     []byte
	empty     []byte
	raw       [zeekColumns]bool // wanted values that are vectors
	// where tells for each column of the log which wanted value it is, or -1.
	where []int8
	// least is how many columns a row must have.
	least int
}

// knowsZeek tells a Zeek log by its header, or one without by the look of its first
// line.
func knowsZeek(head []byte) bool {
	head = bytes.TrimLeft(head, " \t\r\n")
	if bytes.HasPrefix(head, []byte("#separator")) || bytes.HasPrefix(head, []byte("#fields\t")) || bytes.HasPrefix(head, []byte("#path\t")) {
		return true
	}
	line, _, _ := bytes.Cut(head, []byte("\n"))
	_, ok := zeekBare(line)
	return ok
}

// zeekBare tells the type of a log that lost its header, in the order of columns
// that Zeek 3 to 7 write.
func zeekBare(line []byte) (columns []string, ok bool) {
	f := bytes.Split(line, []byte("\t"))
	if len(f) < 10 || len(f) > 60 {
		return nil, false
	}
	_, isTime := parseMoment(f[0])
	_, isOrig := parseAddr(f[2])
	_, isResp := parseAddr(f[4])
	if !isTime || !isOrig || !isResp || len(f[1]) == 0 || f[1][0] != 'C' {
		return nil, false
	}
	switch {
	case len(f) >= 20 && parseProto(f[6]) != 0 && len(f[11]) >= 2 && zeekStates[string(f[11])]:
		return strings.Fields("ts uid id.orig_h id.orig_p id.resp_h id.resp_p proto service duration orig_bytes resp_bytes conn_state local_orig local_resp missed_bytes history orig_pkts orig_ip_bytes resp_pkts resp_ip_bytes"), true
	case len(f) >= 23 && (string(f[6]) == "udp" || string(f[6]) == "tcp"):
		return strings.Fields("ts uid id.orig_h id.orig_p id.resp_h id.resp_p proto trans_id rtt query qclass qclass_name qtype qtype_name rcode rcode_name AA TC RD RA Z answers TTLs rejected"), true
	}
	return nil, false
}

var zeekStates = map[string]bool{"S0": true, "S1": true, "S2": true, "S3": true, "SF": true, "REJ": true, "RSTO": true, "RSTR": true,
	"RSTOS0": true, "RSTRH": true, "SH": true, "SHR": true, "OTH": true}

func openZeek(s source) (decoder, error) {
	z := &zeekTSV{lines: lines{r: s.in, n: s.before}, tally: s.tally, name: s.name, separator: '\t', unset: []byte("-"), empty: []byte("(empty)")}
	z.row.comma = ','
	line, _, _ := bytes.Cut(s.head, []byte("\n"))
	if columns, ok := zeekBare(bytes.TrimSuffix(line, []byte("\r"))); ok {
		z.begin(columns)
	}
	return z, nil
}

func (z *zeekTSV) fill(b *traffic.Batch) error {
	for b.Len() < batchRecords {
		line, err := z.lines.next()
		if err == errLong {
			z.tally.Rows++
			z.tally.refuse(z.tally.Rows, z.lines.n, "", err.Error())
			continue
		}
		if err != nil {
			return err
		}
		if len(line) == 0 {
			continue
		}
		if line[0] <= '#' && bytes.HasPrefix(bytes.TrimLeft(line, " \t"), []byte("#")) {
			if err := z.header(bytes.TrimLeft(line, " \t")); err != nil {
				return err
			}
			continue
		}
		z.take(line, b)
	}
	return nil
}

// take reads a row.
func (z *zeekTSV) take(line []byte, b *traffic.Batch) {
	z.tally.Rows++
	switch {
	case z.log == nil && z.where == nil:
		z.tally.refuse(z.tally.Rows, z.lines.n, "", "no #fields line before it, and it doesn't look like a connection")
		return
	case z.log == nil:
		z.tally.Skipped++
		return
	}
	if got := z.split(line); got < z.least {
		z.tally.refusef(z.tally.Rows, z.lines.n, "", "%d columns, the header names %d: the line was cut", got, len(z.where))
		return
	}
	if field, reason := z.log.take(&z.row, b); reason != "" {
		z.tally.refuse(z.tally.Rows, z.lines.n, field, reason)
	}
}

// split cuts a line into the wanted values and counts its columns, up to what is
// needed.
func (z *zeekTSV) split(line []byte) int {
	clear(z.row.v[:len(z.log.columns)])
	n := 0
	for n < len(z.where) {
		end := indexByte(line, z.separator)
		v := line
		if end >= 0 {
			v = line[:end]
		}
		if at := z.where[n]; at >= 0 {
			z.row.v[at] = z.value(v, z.raw[at])
		}
		n++
		if end < 0 {
			break
		}
		line = line[end+1:]
	}
	return n
}

// indexByte is bytes.IndexByte for the short way to the next separator.
func indexByte(b []byte, c byte) int {
	for i, x := range b {
		if x == c {
			return i
		}
		if i == 24 {
			break
		}
	}
	if len(b) <= 24 {
		return -1
	}
	i := bytes.IndexByte(b[24:], c)
	if i >= 0 {
		i += 24
	}
	return i
}

// value gives nil for an unset value and undoes the escapes of others, but for a
// vector's.
func (z *zeekTSV) value(v []byte, raw bool) []byte {
	switch {
	case len(v) == 1 && v[0] == '-' && len(z.unset) == 1 && z.unset[0] == '-':
		return nil
	case len(v) == 0 || bytes.Equal(v, z.unset) || v[0] == z.empty0() && bytes.Equal(v, z.empty):
		return nil
	case raw || v[0] <= '9' && v[0] >= '0' && v[len(v)-1] <= '9':
		return v // a number or an address: nothing to undo
	}
	return unescape(v)
}

func (z *zeekTSV) empty0() byte {
	if len(z.empty) == 0 {
		return 0
	}
	return z.empty[0]
}

// unescape undoes \xHH and \\, in place.
func unescape(v []byte) []byte {
	i := bytes.IndexByte(v, '\\')
	if i < 0 {
		return v
	}
	out := v[:i]
	for ; i < len(v); i++ {
		switch {
		case v[i] == '\\' && i+3 < len(v) && v[i+1] == 'x' && hexDigit(v[i+2]) < 16 && hexDigit(v[i+3]) < 16:
			out = append(out, hexDigit(v[i+2])<<4|hexDigit(v[i+3]))
			i += 3
		case v[i] == '\\' && i+1 < len(v) && v[i+1] == '\\':
			out = append(out, '\\')
			i++
		default:
			out = append(out, v[i])
		}
	}
	return out
}

// header reads a line that begins with #.
func (z *zeekTSV) header(line []byte) error {
	if rest, ok := bytes.CutPrefix(line, []byte("#separator ")); ok {
		s := unescape(bytes.Clone(rest))
		if string(s) == `\t` {
			s = []byte("\t")
		}
		if len(s) != 1 {
			return fmt.Errorf("line %d: the separator %.20q is not one octet: %w", z.lines.n, rest, casebook.ErrInvalid)
		}
		z.separator = s[0]
		return nil
	}
	name, value, _ := bytes.Cut(line, []byte{z.separator})
	if z.separator != '\t' && !bytes.Contains(line, []byte{z.separator}) {
		name, value, _ = bytes.Cut(line, []byte("\t"))
	}
	switch string(name) {
	case "#set_separator":
		if len(value) == 1 {
			z.row.comma = value[0]
		}
	case "#empty_field":
		z.empty = bytes.Clone(value)
	case "#unset_field":
		z.unset = bytes.Clone(value)
	case "#path":
		z.row.path = string(value)
	case "#fields":
		columns := strings.Split(string(value), string(z.separator))
		if len(columns) > maxColumns {
			return fmt.Errorf("line %d: %d columns, the bound is %d: %w", z.lines.n, len(columns), maxColumns, casebook.ErrTooLarge)
		}
		z.begin(columns)
	}
	return nil
}

// begin takes a header's names of columns.
func (z *zeekTSV) begin(columns []string) {
	place := map[string]int{}
	for i, c := range columns {
		c = strings.ReplaceAll(strings.TrimSpace(c), "id_orig_", "id.orig_")
		c = strings.ReplaceAll(c, "id_resp_", "id.resp_")
		columns[i] = c
		if _, twice := place[c]; !twice {
			place[c] = i
		}
	}
	has := func(c string) bool { _, ok := place[c]; return ok }
	z.log = zeekLogs[z.row.path]
	if z.log == nil || !z.log.fits(has) {
		// A path may be a site's own, or the file mislabelled: the columns tell.
		z.log = nil
		if path := zeekByColumns(has); path != "" && (z.row.path == "" || zeekLogs[z.row.path] != nil || zeekPath(z.row.path) != "") {
			z.log, z.row.path = zeekLogs[path], path
		}
	}
	if hint := zeekPath(z.name); z.log != nil && strings.HasPrefix(hint, "open_") && zeekLogs[hint] == z.log {
		z.row.path = hint
	}
	z.where = make([]int8, len(columns))
	for i := range z.where {
		z.where[i] = -1
	}
	z.least = len(columns)
	for z.least > 0 && strings.Contains(columns[z.least-1], "label") {
		z.least-- // labels were added by hand, and not always to every row
	}
	if z.log == nil {
		return
	}
	for at, c := range z.log.columns {
		z.raw[at] = slices.Contains(z.log.vectors, c)
		if i, ok := place[c]; ok {
			z.where[i] = int8(at)
		}
	}
}
