package capture

import (
	"bytes"
	"net/netip"

	"tocsin/traffic"
)

var _ = add(Format{Name: "nfdump-text", About: "what nfdump prints for people: -o line, long, extended",
	knows: knowsNfText, open: openNfText})

// nfText reads nfdump's columns for people. They are told apart by what they look like,
// because widths, units and columns differ between its versions and formats.
type nfText struct {
	lines lines
	tally *tally
}

func knowsNfText(head []byte) bool {
	line := firstLine(head)
	if (bytes.HasPrefix(line, []byte("Date first seen")) || bytes.HasPrefix(line, []byte("Date flow start"))) && bytes.Contains(line, []byte("Addr:Port")) {
		return true
	}
	if len(line) == 0 || line[0]-'0' > 9 { // -q leaves the header out
		return false
	}
	var n nfText
	_, reason := n.take(bytes.Clone(line), &traffic.Batch{})
	return reason == ""
}

func openNfText(s source) (decoder, error) {
	return &nfText{lines: lines{r: s.in, n: s.before}, tally: s.tally}, nil
}

func (n *nfText) fill(b *traffic.Batch) error {
	for b.Len() < batchRecords {
		line, err := n.lines.next()
		switch {
		case err == errLong:
			n.tally.Rows++
			n.tally.refuse(n.tally.Rows, n.lines.n, "", err.Error())
		case err != nil:
			return err
		case len(line) == 0 || line[0]-'0' > 9: // the summary, another header
		default:
			n.tally.Rows++
			if field, reason := n.take(line, b); reason != "" {
				n.tally.refuse(n.tally.Rows, n.lines.n, field, reason)
			}
		}
	}
	return nil
}

// take reads a line: date, time, perhaps both of the end, duration, protocol, source, an arrow, destination,
// flags, perhaps the type of service, packets, octets.
func (n *nfText) take(line []byte, b *traffic.Batch) (field, reason string) {
	var room [24][]byte
	w := room[:0]
	for _, word := range bytes.Fields(line) {
		if len(w) > 0 && len(word) == 1 && (word[0] == 'K' || word[0] == 'M' || word[0] == 'G') {
			w[len(w)-1] = append(w[len(w)-1][:len(w[len(w)-1]):len(w[len(w)-1])], word...) // "1.2 M"
			continue
		}
		if len(w) < len(room) {
			w = append(w, word)
		}
	}
	if len(w) > 10 && len(w[2]) == 10 && w[2][4] == '-' {
		w = append(w[:2], w[4:]...) // the date last seen; a duration follows
	}
	if len(w) < 9 || string(w[5]) != "->" && string(w[5]) != "<->" {
		return "", "the line was cut"
	}
	f := traffic.Flow{Duration: traffic.Unknown, OneWay: true, RespBytes: traffic.Unknown, RespPackets: traffic.Unknown,
		OrigPayload: traffic.Unknown, RespPayload: traffic.Unknown, OrigPackets: traffic.Unknown, OrigBytes: traffic.Unknown}
	moment := append(append(append(make([]byte, 0, 32), w[0]...), ' '), w[1]...)
	var ok bool
	if f.Start, ok = parseMoment(moment); !ok {
		return "date first seen", "not a moment between 1970 and 2199"
	}
	f.Duration = clock(w[2])
	f.Proto = parseProto(w[3])
	if f.Orig, f.OrigPort, ok = addrPort(w[4]); !ok {
		return "source", "not an address with a port"
	}
	if f.Resp, f.RespPort, ok = addrPort(w[6]); !ok {
		return "destination", "not an address with a port"
	}
	rest := w[7:]
	if len(rest) > 0 && len(rest[0]) >= 6 && bytes.ContainsAny(rest[0], ".UAPRSF") && !bytes.ContainsAny(rest[0], "123456789") {
		f.Flags, rest = letterFlags(rest[0]), rest[1:]
		if len(rest) > 0 {
			rest = rest[1:] // type of service goes with the flags
		}
	}
	if len(rest) >= 2 {
		f.OrigPackets, f.OrigBytes = tableCount(rest[0]), tableCount(rest[1])
	}
	if f.Proto == traffic.ICMP || f.Proto == traffic.ICMPv6 {
		f.OrigPort, f.RespPort = f.RespPort, 0
	}
	oneWayFate(&f, 0)
	b.Flows = append(b.Flows, f)
	return "", ""
}

// clock reads a duration as seconds or as hh:mm:ss.
func clock(v []byte) int64 {
	var total int64
	for part := range bytes.SplitSeq(v, []byte(":")) {
		micros, ok := parseMicros(part)
		if !ok || micros < 0 || total > maxMoment {
			return traffic.Unknown
		}
		total = total*60 + micros
	}
	return total
}

// addrPort reads 192.0.2.7:443, and 2001:db8::7.443 as nfdump writes IPv6.
func addrPort(v []byte) (addr netip.Addr, port uint16, ok bool) {
	cut := bytes.LastIndexByte(v, ':')
	if bytes.Count(v, []byte(":")) > 1 {
		cut = bytes.LastIndexByte(v, '.')
	} else if bytes.Count(v, []byte(".")) > 3 { // ICMP's type.code behind the colon
		dot := bytes.LastIndexByte(v, '.')
		v = v[:dot]
	}
	if cut < 0 {
		return addr, 0, false
	}
	port, ok = parseTablePort(v[cut+1:])
	if !ok {
		return addr, 0, false
	}
	addr, ok = parseAddr(v[:cut])
	return addr, port, ok
}
