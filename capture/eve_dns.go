package capture

import (
	"bytes"

	"tocsin/traffic"
)

const (
	eveDNSType = iota
	eveDNSID
	eveDNSName
	eveDNSQType
	eveDNSRCode
	eveDNSTTL
	eveDNSData
	eveDNSAnswers
	eveDNSQueries
	eveDNSGrouped
	eveDNSFlags
	eveDNSKeys
)

var eveDNSTable = newKeys([]string{"type", "id", "rrname", "rrtype", "rcode", "ttl", "rdata", "answers", "queries", "grouped", "flags"})

// takeDNS reads a dns event. Questions and answers are events of their own: version 1
// has an answer's records as an event each, version 2 as a list, and version 3 names
// them request and response and the questions as a list too.
func (e *eve) takeDNS(b *traffic.Batch, n *eveEnds) {
	v := &e.inner.dns
	kind := jsonText(v[eveDNSType])
	l := &e.lookup
	*l = traffic.Lookup{At: n.at, Link: n.link, RTT: traffic.Unknown, RCode: traffic.Unknown, TTL: traffic.Unknown,
		Client: n.src, Server: n.dest, ClientPort: n.srcPort, ServerPort: n.destPort, Proto: n.proto}
	e.question(l, v)
	id, _ := parseUint(v[eveDNSID])
	key := pairKey{n.link, uint32(id)}
	if string(kind) == "query" || string(kind) == "request" {
		e.pairs.ask(key, *l, b)
		return
	}
	// An answer's source is the server, but for version 1 and 2 of some releases,
	// which keep the direction of the flow.
	if n.srcPort == 53 && n.destPort != 53 || n.srcPort == 5355 {
		l.Client, l.Server, l.ClientPort, l.ServerPort = n.dest, n.src, n.destPort, n.srcPort
	}
	l.Answered = true
	l.RCode = responseCode(jsonText(v[eveDNSRCode]))
	l.Rejected = l.RCode == traffic.Refused
	e.answer(v)
	if v[eveDNSData] != nil {
		l.Type = 0 // version 1 tells the type of the answer there, not of the question
	}
	e.pairs.answer(key, *l, e.addrs, v[eveDNSData] != nil, b)
}

// answer reads the records of an answer, as a list, alone, or grouped by type.
func (e *eve) answer(v *[eveDNSKeys][]byte) {
	e.addrs = e.addrs[:0]
	switch {
	case len(v[eveDNSAnswers]) > 0 && v[eveDNSAnswers][0] == '[':
		jsonElements(v[eveDNSAnswers], func(a []byte) bool {
			var r [eveDNSKeys][]byte
			walk(a, eveDNSTable, r[:])
			e.record(jsonText(r[eveDNSQType]), jsonText(r[eveDNSData]), r[eveDNSTTL])
			return true
		})
	case v[eveDNSData] != nil:
		e.record(jsonText(v[eveDNSQType]), jsonText(v[eveDNSData]), v[eveDNSTTL])
	case len(v[eveDNSGrouped]) > 0 && v[eveDNSGrouped][0] == '{':
		w := jsonWalk{b: v[eveDNSGrouped]}
		for kind, list, ok := w.next(); ok; kind, list, ok = w.next() {
			jsonElements(list, func(data []byte) bool {
				if data[0] == '"' {
					e.record(kind, jsonText(data), nil)
				} else {
					e.lookup.Answers++
				}
				return true
			})
		}
	}
}

// question reads name and type asked for.
func (e *eve) question(l *traffic.Lookup, v *[eveDNSKeys][]byte) {
	name, kind := v[eveDNSName], v[eveDNSQType]
	if name == nil && len(v[eveDNSQueries]) > 0 {
		jsonElements(v[eveDNSQueries], func(q []byte) bool {
			var r [eveDNSKeys][]byte
			walk(q, eveDNSTable, r[:])
			name, kind = r[eveDNSName], r[eveDNSQType]
			return false
		})
	}
	l.Query = e.strings.Of(nameOf(short(jsonText(name))))
	l.Type = queryType(jsonText(kind))
}

// record adds one record of an answer.
func (e *eve) record(kind, data, ttl []byte) {
	l := &e.lookup
	l.Answers++
	if n, ok := parseUint(ttl); ok && (l.TTL < 0 || n < l.TTL) {
		l.TTL = n
	}
	if addr, ok := parseAddr(data); ok {
		if len(e.addrs) < traffic.MaxAddrs {
			e.addrs = append(e.addrs, addr)
		}
		return
	}
	l.AnswerBytes += int32(len(data))
	switch string(kind) {
	case "CNAME", "PTR", "NS", "DNAME":
		if bytes.IndexByte(data, '.') > 0 {
			l.Name = e.strings.Of(nameOf(short(data)))
		}
	}
}
