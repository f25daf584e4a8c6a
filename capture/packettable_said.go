package capture

import (
	"bytes"
	"net/netip"

	"tocsin/traffic"
)

// said tells the names, requests and handshakes that a row speaks of.
func (p *packetTable) said(s *session, k *packet, b *traffic.Batch) {
	switch {
	case p.v[pktDNSName] != nil:
		s.service = "dns"
		kind := p.v[pktDNSType]
		id, _ := parseUint(first(p.v[pktDNSID]))
		response := string(first(p.v[pktDNSResponse])) == "1" || string(first(p.v[pktDNSResponse])) == "True" || p.v[pktDNSResponse] == nil && s.side(k) == 1
		p.name(s, first(p.v[pktDNSName]), first(kind), uint32(id), response, first(p.v[pktDNSCode]), p.v[pktDNSAddr], b)
	case p.v[pktMethod] != nil:
		s.service = "http"
		c, v := s.ends()
		b.Requests = append(b.Requests, traffic.Request{At: k.at, Client: c, Server: v, ClientPort: s.origPort, ServerPort: s.respPort, Link: s.link,
			Method: p.wire.strings.Of(short(p.v[pktMethod])), Host: p.wire.strings.Of(hostOf(p.v[pktHost])), URI: p.wire.strings.Of(short(p.v[pktURI])),
			UserAgent: p.wire.strings.Of(short(p.v[pktAgent])), Status: traffic.Unknown, RequestBytes: traffic.Unknown, ResponseBytes: traffic.Unknown})
	case p.v[pktSNI] != nil || p.v[pktJA3] != nil:
		s.service = "ssl"
		c, v := s.ends()
		b.Handshakes = append(b.Handshakes, traffic.Handshake{At: k.at, Client: c, Server: v, ClientPort: s.origPort, ServerPort: s.respPort, Proto: s.key.proto,
			Link: s.link, SNI: p.wire.strings.Of(nameOf(short(first(p.v[pktSNI])))), JA3: p.wire.strings.Of(hexOf(first(p.v[pktJA3]), 32))})
	case p.v[pktInfo] != nil && string(p.v[pktProto]) == "DNS":
		p.infoName(s, b)
	}
}

// ends gives originator and responder.
func (s *session) ends() (orig, resp netip.Addr) {
	if s.swapped {
		return addrOf(&s.key.b), addrOf(&s.key.a)
	}
	return addrOf(&s.key.a), addrOf(&s.key.b)
}

// name takes a question or an answer.
func (p *packetTable) name(s *session, name, kind []byte, id uint32, response bool, code, addrs []byte, b *traffic.Batch) {
	c, v := s.ends()
	l := traffic.Lookup{At: p.wire.last, Client: c, Server: v, ClientPort: s.origPort, ServerPort: s.respPort, Proto: s.key.proto, Link: s.link,
		RTT: traffic.Unknown, RCode: traffic.Unknown, TTL: traffic.Unknown, Query: p.wire.strings.Of(nameOf(short(name))), Type: queryType(kind)}
	key := pairKey{s.link, id}
	if !response {
		p.wire.pairs.ask(key, l, b)
		return
	}
	l.Answered, l.RCode = true, max(responseCode(code), 0)
	var list []netip.Addr
	for part := range bytes.SplitSeq(addrs, []byte(",")) {
		if a, ok := parseAddr(part); ok && len(list) < traffic.MaxAddrs {
			list = append(list, a)
			l.Answers++
		}
	}
	p.wire.pairs.answer(key, l, list, false, b)
}

// infoName reads "Standard query 0x59e2 A www.example.org" and "Standard query
// response 0x59e2 No such name A www.example.org …".
func (p *packetTable) infoName(s *session, b *traffic.Batch) {
	s.service = "dns"
	w := bytes.Fields(p.v[pktInfo])
	response := len(w) > 3 && string(w[2]) == "response"
	at := 2
	if response {
		at = 3
	}
	if len(w) < at+3 || string(w[0]) != "Standard" || len(w[at]) < 3 {
		return
	}
	id := uint32(0)
	for _, c := range w[at][2:] {
		id = id<<4 | uint32(hexDigit(c)&15)
	}
	code := []byte("NOERROR")
	if bytes.Contains(p.v[pktInfo], []byte("No such name")) {
		code = []byte("NXDOMAIN")
		at += 3
	} else if bytes.Contains(p.v[pktInfo], []byte("Server failure")) {
		code = []byte("SERVFAIL")
		at += 2
	}
	if len(w) < at+3 || queryType(w[at+1]) == 0 {
		return
	}
	var addrs []byte
	for i := at + 3; i+1 < len(w); i++ {
		if string(w[i]) == "A" || string(w[i]) == "AAAA" {
			addrs = append(append(addrs, w[i+1]...), ',')
		}
	}
	p.name(s, w[at+2], w[at+1], id, response, code, addrs, b)
}
