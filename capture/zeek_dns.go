package capture

import (
	"bytes"

	"tocsin/traffic"
)

// zeekDNS is dns.log: one row a question (docs.zeek.org/en/master/logs/dns.html).
var zeekDNS = &zeekLog{
	columns: []string{"ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto",
		"query", "qtype", "qtype_name", "rcode", "rcode_name", "rtt", "answers", "TTLs", "rejected"},
	needed:  zeekOwn,
	vectors: []string{"answers", "TTLs"},
	marks:   []string{"query", "qtype", "qtype_name", "rcode", "rcode_name"},
	take:    takeZeekDNS,
}

const (
	dnsProto = zeekOwn + iota
	dnsQuery
	dnsType
	dnsTypeName
	dnsRCode
	dnsRCodeName
	dnsRTT
	dnsAnswers
	dnsTTLs
	dnsRejected
)

func takeZeekDNS(z *zeekRow, b *traffic.Batch) (field, reason string) {
	e, field, reason := z.ends()
	if reason != "" {
		return field, reason
	}
	b.Lookups = append(b.Lookups, traffic.Lookup{
		At: e.at, Link: e.link, RTT: traffic.Unknown, RCode: traffic.Unknown, TTL: traffic.Unknown,
		Client: e.orig, Server: e.resp, ClientPort: e.origPort, ServerPort: e.respPort, Proto: parseProto(z.v[dnsProto]),
	})
	l := &b.Lookups[len(b.Lookups)-1]
	if rtt, ok := parseMicros(z.v[dnsRTT]); ok && rtt >= 0 {
		l.RTT = rtt
	}
	l.Query = z.strings.Of(nameOf(short(z.v[dnsQuery])))
	if n, ok := parsePort(z.v[dnsType]); ok {
		l.Type = n
	} else {
		l.Type = queryType(z.v[dnsTypeName])
	}
	if n, ok := parseUint(z.v[dnsRCode]); ok && n < 1<<12 {
		l.RCode = int16(n)
	} else {
		l.RCode = responseCode(z.v[dnsRCodeName])
	}
	l.Rejected = z.flag(dnsRejected)
	z.answers(l, b)
	l.Answered = l.RCode >= 0 || l.Answers > 0
	return "", ""
}

// answers reads the answers and how long they live.
func (z *zeekRow) answers(l *traffic.Lookup, b *traffic.Batch) {
	addrs := z.addrs[:0]
	var last []byte
	z.each(dnsAnswers, func(a []byte) bool {
		l.Answers++
		if addr, ok := parseAddr(a); ok {
			if len(addrs) < traffic.MaxAddrs {
				addrs = append(addrs, addr)
			}
			return true
		}
		l.AnswerBytes += int32(len(a))
		if bytes.IndexByte(a, ' ') < 0 && bytes.IndexByte(a, '.') > 0 {
			last = a
		}
		return true
	})
	z.each(dnsTTLs, func(v []byte) bool {
		if ttl, ok := parseMicros(v); ok && (l.TTL < 0 || ttl/1e6 < l.TTL) {
			l.TTL = ttl / 1e6
		}
		return true
	})
	z.addrs = addrs
	l.Addrs = b.List(addrs)
	l.Name = z.strings.Of(nameOf(short(last)))
}

// nameOf gives a name in lower case and without the last dot.
func nameOf(b []byte) []byte {
	b = lower(b)
	if n := len(b); n > 0 && b[n-1] == '.' {
		b = b[:n-1]
	}
	return b
}
