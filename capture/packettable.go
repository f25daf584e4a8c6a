package capture

import (
	"bytes"
	"fmt"
	"strings"

	"tocsin/casebook"
	"tocsin/traffic"
)

var _ = add(Format{Name: "packet-table", About: "packets as a table: tshark -T fields -E header=y, and Wireshark's export as CSV; put together into flows",
	knows: knowsPacketTable, open: openPacketTable})

// What a packet table's columns may tell.
const (
	pktTime = iota
	pktSrc
	pktSrc6
	pktDst
	pktDst6
	pktProto
	pktTCPSrc
	pktTCPDst
	pktUDPSrc
	pktUDPDst
	pktLength
	pktIPLength
	pktFlags
	pktSeq
	pktInfo
	pktDNSID
	pktDNSName
	pktDNSType
	pktDNSResponse
	pktDNSCode
	pktDNSAddr
	pktMethod
	pktHost
	pktURI
	pktAgent
	pktSNI
	pktJA3
	packetColumns
)

// packetWords are Wireshark's names of fields and of its own columns, in small letters
// and digits.
var packetWords = func() map[string]int {
	words := map[string]int{}
	for at, names := range map[int]string{
		pktTime: "frametimeepoch time frametimerelative", pktSrc: "ipsrc source", pktSrc6: "ipv6src", pktDst: "ipdst destination", pktDst6: "ipv6dst",
		pktProto: "ipproto wscolprotocol protocol ipv6nxt", pktTCPSrc: "tcpsrcport", pktTCPDst: "tcpdstport", pktUDPSrc: "udpsrcport", pktUDPDst: "udpdstport",
		pktLength: "framelen length", pktIPLength: "iplen", pktFlags: "tcpflags", pktSeq: "tcpseqraw tcpseq", pktInfo: "info wscolinfo",
		pktDNSID: "dnsid", pktDNSName: "dnsqryname", pktDNSType: "dnsqrytype", pktDNSResponse: "dnsflagsresponse", pktDNSCode: "dnsflagsrcode", pktDNSAddr: "dnsa",
		pktMethod: "httprequestmethod", pktHost: "httphost", pktURI: "httprequesturi", pktAgent: "httpuseragent",
		pktSNI: "tlshandshakeextensionsservername sslhandshakeextensionsservername", pktJA3: "tlshandshakeja3",
	} {
		for name := range strings.FieldsSeq(names) {
			words[name] = at
		}
	}
	return words
}()

// packetTable reads packets from delimited text.
type packetTable struct {
	lines lines
	tally *tally
	table table // cuts lines
	where []int8
	v     [packetColumns][]byte
	wire  *wire
	over  error
}

// packetHeader reads a header: it must name moment, addresses, and ports or what
// Wireshark says of them.
func packetHeader(line []byte) (delimiter byte, where []int8, ok bool) {
	for _, d := range tableDelimiters {
		var has [packetColumns]bool
		where = where[:0]
		for _, name := range bytes.Split(line, []byte{d}) {
			at := int8(-1)
			if c, known := packetWords[foldColumn(name)]; known && !has[c] {
				at, has[c] = int8(c), true
			}
			where = append(where, at)
		}
		addressed := has[pktSrc] && has[pktDst] || has[pktSrc6] && has[pktDst6]
		if len(where) <= maxColumns && has[pktTime] && addressed && (has[pktTCPSrc] || has[pktUDPSrc] || has[pktInfo]) {
			return d, where, true
		}
	}
	return 0, nil, false
}

func knowsPacketTable(head []byte) bool {
	_, _, ok := packetHeader(firstLine(head))
	return ok
}

func openPacketTable(s source) (decoder, error) {
	p := &packetTable{lines: lines{r: s.in, n: s.before}, tally: s.tally, wire: newWire(s.tally)}
	line, err := p.lines.next()
	if err != nil {
		return nil, fmt.Errorf("no header: %w", casebook.ErrInvalid)
	}
	p.table.delimiter, p.where, _ = packetHeader(line)
	return p, nil
}

func (p *packetTable) fill(b *traffic.Batch) error {
	for p.over == nil && b.Len() < batchRecords {
		var line []byte
		line, p.over = p.lines.next()
		switch {
		case p.over == errLong:
			p.over = nil
			p.tally.Rows++
			p.tally.refuse(p.tally.Rows, p.lines.n, "", errLong.Error())
		case p.over != nil || len(line) == 0:
		default:
			p.tally.Rows++
			if field, reason := p.take(line, b); reason != "" {
				p.tally.refuse(p.tally.Rows, p.lines.n, field, reason)
			}
		}
	}
	if p.over != nil && p.wire.end(b) {
		return p.over
	}
	return nil
}

// take reads a row.
func (p *packetTable) take(line []byte, b *traffic.Batch) (field, reason string) {
	clear(p.v[:])
	n := 0
	for more := true; more; n++ {
		var v []byte
		v, line, more = p.table.cut(line)
		if n < len(p.where) && p.where[n] >= 0 && len(v) > 0 {
			p.v[p.where[n]] = v
		}
	}
	if n < len(p.where) {
		return "", fmt.Sprintf("%d columns, the header names %d: the line was cut", n, len(p.where))
	}
	at, ok := parseMoment(first(p.v[pktTime]))
	if !ok {
		return "time", "not a moment between 1970 and 2199"
	}
	w := p.wire
	w.last = at
	w.expire(at, b)
	w.pairs.advance(at, b)
	k := &w.packet
	*k = packet{at: at}
	if !p.packet(k) {
		p.tally.Skipped++ // ARP and the like
		return "", ""
	}
	s := w.session(k, b)
	s.unsized = true
	s.count(k)
	p.said(s, k, b)
	w.settle(s, k)
	return "", ""
}

// first gives the first of several values: an ICMP error tells the addresses of the
// packet it speaks of too.
func first(v []byte) []byte {
	v, _, _ = bytes.Cut(v, []byte(","))
	return v
}

// packet reads addresses, ports and counts; it gives false for a packet that is no IP.
func (p *packetTable) packet(k *packet) bool {
	src, ok := parseAddr(first(p.v[pktSrc]))
	if !ok {
		src, ok = parseAddr(first(p.v[pktSrc6]))
	}
	dst, good := parseAddr(first(p.v[pktDst]))
	if !good {
		dst, good = parseAddr(first(p.v[pktDst6]))
	}
	if !ok || !good {
		return false
	}
	k.src, k.dst = src.As16(), dst.As16()
	k.proto = parseProto(first(p.v[pktProto]))
	switch {
	case p.v[pktTCPSrc] != nil:
		k.proto = traffic.TCP
		k.srcPort, _ = parsePort(first(p.v[pktTCPSrc]))
		k.dstPort, _ = parsePort(first(p.v[pktTCPDst]))
	case p.v[pktUDPSrc] != nil:
		k.proto = traffic.UDP
		k.srcPort, _ = parsePort(first(p.v[pktUDPSrc]))
		k.dstPort, _ = parsePort(first(p.v[pktUDPDst]))
	case p.v[pktInfo] != nil:
		p.info(k)
	}
	if k.proto == traffic.TCP && k.flags == 0 {
		k.flags = flagACK
		if v := first(p.v[pktFlags]); len(v) > 2 && v[1] == 'x' {
			k.flags = hexFlags(v[max(2, len(v)-2):])
		}
	}
	if seq, ok := parseUint(first(p.v[pktSeq])); ok {
		k.seq = uint32(seq)
	}
	const ethernet = 14
	if n, ok := parseUint(first(p.v[pktIPLength])); ok {
		k.bytes = n
	} else if n, ok := parseUint(first(p.v[pktLength])); ok {
		k.bytes = max(n-ethernet, 0)
	}
	return true
}

// info reads what Wireshark says of a packet in its last column, if that begins with
// ports: "50000 → 443 [SYN] Seq=0", or has a name server's question.
func (p *packetTable) info(k *packet) {
	w := bytes.Fields(p.v[pktInfo])
	if len(w) >= 3 && (string(w[1]) == "→" || string(w[1]) == ">") {
		var ok bool
		if k.srcPort, ok = parsePort(w[0]); ok {
			k.dstPort, _ = parsePort(w[2])
		}
	}
	if open := bytes.IndexByte(p.v[pktInfo], '['); open >= 0 {
		names, _, _ := bytes.Cut(p.v[pktInfo][open:], []byte("]"))
		for name, flag := range map[string]uint8{"SYN": flagSYN, "ACK": flagACK, "FIN": flagFIN, "RST": flagRST, "PSH": flagPSH} {
			if bytes.Contains(names, []byte(name)) {
				k.flags |= flag
			}
		}
	}
	switch {
	case k.proto != 0:
	case k.flags != 0 || bytes.HasPrefix(p.v[pktProto], []byte("TLS")) || string(p.v[pktProto]) == "HTTP":
		k.proto = traffic.TCP
	case k.srcPort != 0:
		k.proto = traffic.UDP
	case string(p.v[pktProto]) == "DNS" && len(w) >= 5 && string(w[0]) == "Standard":
		k.proto, k.dstPort = traffic.UDP, 53
		if string(w[2]) == "response" {
			k.srcPort, k.dstPort = 53, 0
		}
	}
}
