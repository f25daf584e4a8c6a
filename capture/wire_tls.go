package capture

import "tocsin/traffic"

// record is where a direction stands among TLS records (RFC 8446, section 5.1).
type record struct {
	header [5]byte
	n      int // octets of the header that came
	left   int // octets of the body that will
}

// tlsTalk is a TLS handshake under way.
type tlsTalk struct {
	begun       bool
	told        bool
	at          int64
	client      clientHello
	server      serverHello
	cert        certificate
	sawClient   bool
	sawServer   bool
	encrypted   [2]bool
	certificate bool
}

// hearTLS takes octets of a direction that speaks TLS: handshake messages are read
// until encryption begins.
func (w *wire) hearTLS(s *session, i int, data []byte, b *traffic.Batch) {
	st, t := &s.talk.streams[i], &s.talk.tls
	if !t.begun {
		t.begun, t.at = true, w.last
	}
	for len(data) > 0 && st.kind == speechTLS {
		r := &st.record
		if r.left == 0 {
			n := copy(r.header[r.n:], data)
			r.n += n
			data = data[n:]
			if r.n < 5 {
				return
			}
			r.n, r.left = 0, int(r.header[3])<<8|int(r.header[4])
			if r.header[0] < 20 || r.header[0] > 24 || r.header[1] != 3 || r.left > 1<<14+2048 {
				st.kind = speechDone // not TLS after all
				return
			}
			if r.header[0] == 20 || r.header[0] == 23 {
				t.encrypted[i] = true
			}
			continue
		}
		n := min(r.left, len(data))
		if r.header[0] == 22 && !t.encrypted[i] {
			if !w.keep(st, data[:n], maxHandshake) {
				st.kind = speechDone
				return
			}
			w.handshakes(s, st)
		}
		r.left -= n
		data = data[n:]
	}
	if t.sawServer && t.encrypted[0] && t.encrypted[1] {
		w.tellTLS(s, b)
		for j := range s.talk.streams {
			w.drop(&s.talk.streams[j])
			s.talk.streams[j].kind = speechDone
		}
	}
}

// handshakes reads the messages that are complete.
func (w *wire) handshakes(s *session, st *stream) {
	t, read := &s.talk.tls, 0
	for len(st.buf)-read >= 4 {
		m := st.buf[read:]
		n := int(m[1])<<16 | int(m[2])<<8 | int(m[3])
		if len(m) < 4+n {
			break
		}
		body := m[4 : 4+n]
		switch m[0] {
		case 1:
			if !t.sawClient {
				t.sawClient = t.client.parse(body, 't')
			}
		case 2:
			if t.server.parse(body); t.server.ok && !t.server.retry {
				t.sawServer = true
			}
		case 11:
			if !t.certificate && t.sawServer && t.server.version < 0x0304 {
				t.certificate = t.cert.parse(body)
				w.weigh(s, len(t.cert.subject)+len(t.cert.issuer))
			}
		}
		read += 4 + n
	}
	if read > 0 {
		n := copy(st.buf, st.buf[read:])
		w.buffered -= read
		st.buf = st.buf[:n]
	}
}

// tellTLS gives a session's handshake to the batch, once.
func (w *wire) tellTLS(s *session, b *traffic.Batch) {
	t := &s.talk.tls
	if t.told || !t.sawClient && !t.sawServer {
		return
	}
	t.told = true
	client, server := s.key.a, s.key.b
	if s.swapped {
		client, server = server, client
	}
	h := traffic.Handshake{At: t.at, Client: addrOf(&client), Server: addrOf(&server), ClientPort: s.origPort, ServerPort: s.respPort,
		Proto: s.key.proto, Link: s.link}
	h.Established = t.sawServer && t.encrypted[0] && t.encrypted[1]
	if t.sawClient {
		h.Version = t.client.legacy
		h.SNI, h.ALPN = w.strings.Of(nameOf(t.client.name)), w.strings.Of(t.client.alpn)
		h.JA3, h.JA4 = t.client.ja3, t.client.ja4
	}
	if t.sawServer {
		h.Version, h.JA3S = t.server.version, t.server.ja3s
		h.Resumed = t.server.resumed || h.Version < 0x0304 && !t.certificate && h.Established && t.server.echoes(t.client.session)
		if len(t.server.alpn) > 0 {
			h.ALPN = w.strings.Of(t.server.alpn)
		}
	}
	if t.certificate {
		h.CertSHA1, h.CertSHA256 = t.cert.sha1, t.cert.sha256
		h.Subject, h.Issuer = t.cert.subject, t.cert.issuer
		h.NotBefore, h.NotAfter = t.cert.notBefore, t.cert.notAfter
		h.SelfSigned = h.Subject != "" && h.Subject == h.Issuer
	}
	b.Handshakes = append(b.Handshakes, h)
}
