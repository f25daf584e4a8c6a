package capture

import (
	"bytes"
	"encoding/base64"
	"net/netip"

	"tocsin/traffic"
)

// payloads reads what Argus kept of the first octets of each side (ra's suser and
// duser).
type payloads struct {
	dns   dnsReader
	pairs pairs
	text  [2][]byte
	w     *wire
	tally tally // of octets that are no message: they aren't the rows' fault
}

func (p *payloads) flush(b *traffic.Batch) { p.pairs.flush(b) }

// told reads the user data of a flow.
func (p *payloads) told(f *traffic.Flow, src, dst []byte, b *traffic.Batch) {
	f.Link = linkOfFlow(f)
	for i, v := range [2][]byte{src, dst} {
		p.text[i] = userData(p.text[i][:0], v)
	}
	switch {
	case f.RespPort == 53 || f.RespPort == 5355 || f.RespPort == 5353:
		p.names(f, b)
	case f.Proto == traffic.TCP && (len(p.text[0]) > 0 || len(p.text[1]) > 0):
		p.talk(f, b)
	}
}

// userData reads "s[48]=…", the octets in base64 or as they are.
func userData(out, v []byte) []byte {
	if len(v) < 5 || v[1] != '[' {
		return out
	}
	_, text, ok := bytes.Cut(v, []byte("]="))
	if !ok || len(text) > maxLine {
		return out
	}
	if n := base64.StdEncoding.DecodedLen(len(text)); len(text)%4 == 0 {
		out = append(out, make([]byte, n)...)
		if n, err := base64.StdEncoding.Decode(out, text); err == nil {
			return out[:n]
		}
	}
	return append(out[:0], text...)
}

// names reads the question and the answer of a flow to a name server.
func (p *payloads) names(f *traffic.Flow, b *traffic.Batch) {
	p.pairs.advance(f.Start, b)
	for i, message := range p.text {
		if f.Proto == traffic.TCP && len(message) > 2 {
			message = message[2:]
		}
		l := traffic.Lookup{At: f.Start, Client: f.Orig, Server: f.Resp, ClientPort: f.OrigPort, ServerPort: f.RespPort, Proto: f.Proto, Link: f.Link}
		id, response, ok := p.dns.parse(message, &l)
		switch key := (pairKey{f.Link, uint32(id)}); {
		case !ok:
		case response:
			if f.Duration > 0 && f.OrigPackets <= 1 {
				l.At += f.Duration
			}
			p.pairs.answer(key, l, p.dns.addrs, false, b)
		case i == 0:
			p.pairs.ask(key, l, b)
		}
	}
}

// talk reads the beginnings of both sides of a TCP connection as if they had come in
// packets.
func (p *payloads) talk(f *traffic.Flow, b *traffic.Batch) {
	if p.w == nil {
		p.w = newWire(&p.tally)
	}
	w := p.w
	w.last = f.Start
	s := &session{link: f.Link, oriented: f.Oriented, origPort: f.OrigPort, respPort: f.RespPort, talk: &talk{}}
	s.key = sessionKey{a: f.Orig.As16(), b: f.Resp.As16(), proto: f.Proto}
	for i := range p.text {
		if len(p.text[i]) > 0 {
			w.hear(s, i, p.text[i], b)
		}
	}
	if s.talk != nil {
		w.finish(s, b)
	}
	if f.Service == "" {
		f.Service = s.service
	}
}

// linkOfFlow makes the Link of a flow that has no identifier.
func linkOfFlow(f *traffic.Flow) uint64 {
	key := sessionKey{a: as16(f.Orig), b: as16(f.Resp), aPort: f.OrigPort, bPort: f.RespPort, proto: f.Proto}
	return linkOf(&key, f.Start)
}

func as16(a netip.Addr) [16]byte { return a.As16() }
