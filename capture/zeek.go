package capture

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"

	"tocsin/traffic"
)

// A zeekLog is one type of Zeek's logs that is read: which of its columns are
// wanted, and what a row of them becomes.
type zeekLog struct {
	// columns are the wanted ones; a row's values come in this order.
	columns []string
	// needed is how many of the first columns a log must have to be of this type,
	// besides one of marks and none of never.
	needed int
	marks  []string
	never  []string
	// vectors are the columns with several values, whose escapes are undone after
	// they were taken apart.
	vectors []string
	// take adds the row's records to the batch, or gives the field and the reason
	// why there are none.
	take func(z *zeekRow, b *traffic.Batch) (field, reason string)
}

// zeekLogs holds the types by their path. The open_ logs are what is written of
// connections that go on (by the package zeek-open-connections); conn_long and
// conn_red are other cuts of conn.
var zeekLogs = map[string]*zeekLog{
	"conn": zeekConn, "open_conn": zeekConn, "conn_long": zeekConn, "conn_red": zeekConn,
	"dns": zeekDNS, "http": zeekHTTP, "open_http": zeekHTTP, "ssl": zeekSSL, "open_ssl": zeekSSL,
	"files": zeekFiles, "x509": zeekX509,
}

// zeekOrder is the order in which types are tried on a log that doesn't say its own.
var zeekOrder = []string{"conn", "dns", "http", "ssl", "x509", "files"}

// fits reports whether a log with these columns may be of the type.
func (l *zeekLog) fits(has func(column string) bool) bool {
	for _, c := range l.columns[:l.needed] {
		if !has(c) {
			return false
		}
	}
	return slices.ContainsFunc(l.marks, has) && !slices.ContainsFunc(l.never, has)
}

// zeekRow is a row's wanted values, nil where unset, and what making records of
// them needs.
type zeekRow struct {
	v       [zeekColumns][]byte
	strings traffic.Strings
	path    string
	json    bool // vectors are JSON arrays
	comma   byte // otherwise what stands between their elements
	addrs   []netip.Addr
}

// zeekColumns is the most that a type wants.
const zeekColumns = 24

// zeekPath cuts the type out of a file's name: "conn.00:00:00-01:00:00.log.gz" is
// conn, "2024-04-19_dns.log" is dns.
func zeekPath(name string) string {
	name = strings.ToLower(name)
	if zeekLogs[name] != nil {
		return name
	}
	for _, part := range strings.FieldsFunc(name, func(c rune) bool { return (c < 'a' || c > 'z') && c != '_' && (c < '0' || c > '9') }) {
		part = strings.Trim(part, "_0123456789")
		if zeekLogs[part] != nil {
			return part
		}
	}
	return ""
}

// zeekByColumns tells a log's type by the names of its columns.
func zeekByColumns(has func(column string) bool) string {
	for _, path := range zeekOrder {
		if zeekLogs[path].fits(has) {
			return path
		}
	}
	return ""
}

// The columns that most types begin with.
const (
	zeekTS = iota
	zeekUID
	zeekOrig
	zeekOrigPort
	zeekResp
	zeekRespPort
	zeekOwn // where a type's own begin
)

// ends are the moment and the endpoints of a row.
type ends struct {
	at                 int64
	link               uint64
	orig, resp         netip.Addr
	origPort, respPort uint16
}

// ends reads the columns that most types begin with; reason is set, and which field,
// if they make no sense.
func (z *zeekRow) ends() (e ends, field, reason string) {
	var ok bool
	if e.at, ok = parseMoment(z.v[zeekTS]); !ok {
		return e, "ts", "not a moment between 1970 and 2199"
	}
	if e.orig, ok = parseAddr(z.v[zeekOrig]); !ok {
		return e, "id.orig_h", "not an address"
	}
	if e.resp, ok = parseAddr(z.v[zeekResp]); !ok {
		return e, "id.resp_h", "not an address"
	}
	if e.origPort, ok = parsePort(z.v[zeekOrigPort]); !ok && z.v[zeekOrigPort] != nil {
		return e, "id.orig_p", "not a port"
	}
	if e.respPort, ok = parsePort(z.v[zeekRespPort]); !ok && z.v[zeekRespPort] != nil {
		return e, "id.resp_p", "not a port"
	}
	e.link = traffic.LinkOf(z.v[zeekUID])
	return e, "", ""
}

// each calls f with the elements of a vector or set until it gives false.
func (z *zeekRow) each(i int, f func(element []byte) bool) {
	v := z.v[i]
	if len(v) == 0 {
		return
	}
	if z.json && v[0] == '[' {
		jsonEach(v, f)
		return
	}
	for {
		end := bytes.IndexByte(v, z.comma)
		if z.json {
			f(v)
			return
		}
		if end < 0 {
			f(unescape(v))
			return
		}
		if !f(unescape(v[:end])) {
			return
		}
		v = v[end+1:]
	}
}

// flag reads a Zeek boolean.
func (z *zeekRow) flag(i int) bool {
	v := z.v[i]
	return len(v) > 0 && (v[0] == 'T' || v[0] == 't')
}

// of makes a string of a value, of at most MaxText octets.
func (z *zeekRow) of(i int) string { return z.strings.Of(short(z.v[i])) }

// low makes a string of a value in lower case.
func (z *zeekRow) low(i int) string { return z.strings.Of(lower(short(z.v[i]))) }

func short(b []byte) []byte { return b[:min(len(b), traffic.MaxText)] }

// lower turns ASCII capitals into small letters, in place.
func lower(b []byte) []byte {
	for i, c := range b {
		if c-'A' < 26 {
			b[i] = c + 'a' - 'A'
		}
	}
	return b
}
