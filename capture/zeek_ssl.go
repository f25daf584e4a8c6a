package capture

import "tocsin/traffic"

// zeekSSL is ssl.log: one row a handshake (docs.zeek.org/en/master/logs/ssl.html).
// The fingerprints are columns of the packages ja3 and ja4.
var zeekSSL = &zeekLog{
	columns: []string{"ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "version", "server_name",
		"resumed", "established", "next_protocol", "cert_chain_fuids", "cert_chain_fps", "subject", "issuer",
		"validation_status", "ja3", "ja3s", "ja4", "ja4s"},
	needed:  zeekOwn,
	vectors: []string{"cert_chain_fuids", "cert_chain_fps"},
	marks:   []string{"server_name", "established", "cert_chain_fuids", "cert_chain_fps", "resumed"},
	take:    takeZeekSSL,
}

const (
	sslVersion = zeekOwn + iota
	sslName
	sslResumed
	sslEstablished
	sslProtocol
	sslFUIDs
	sslPrints
	sslSubject
	sslIssuer
	sslValidation
	sslJA3
	sslJA3S
	sslJA4
	sslJA4S
)

func takeZeekSSL(z *zeekRow, b *traffic.Batch) (field, reason string) {
	e, field, reason := z.ends()
	if reason != "" {
		return field, reason
	}
	b.Handshakes = append(b.Handshakes, traffic.Handshake{
		At: e.at, Link: e.link, Client: e.orig, Server: e.resp, ClientPort: e.origPort, ServerPort: e.respPort, Proto: traffic.TCP,
		Established: z.flag(sslEstablished), Resumed: z.flag(sslResumed), Version: tlsVersion(z.v[sslVersion]),
		SNI: z.strings.Of(nameOf(short(z.v[sslName]))), ALPN: z.of(sslProtocol),
		JA3: z.hash(sslJA3, 32), JA3S: z.hash(sslJA3S, 32), JA4: z.of(sslJA4), JA4S: z.of(sslJA4S),
		Subject: z.of(sslSubject), Issuer: z.of(sslIssuer),
	})
	h := &b.Handshakes[len(b.Handshakes)-1]
	if h.Version < 0x0300 || h.Version > 0xfe00 {
		h.Proto = traffic.UDP // DTLS
	}
	if h.Version == 0 {
		h.Proto = traffic.TCP
	}
	h.SelfSigned = h.Subject != "" && h.Subject == h.Issuer || string(z.v[sslValidation]) == "self signed certificate" ||
		string(z.v[sslValidation]) == "self-signed certificate"
	z.each(sslFUIDs, func(v []byte) bool {
		h.CertID = traffic.LinkOf(v)
		return false
	})
	z.each(sslPrints, func(v []byte) bool {
		switch len(v) {
		case 40:
			h.CertSHA1 = z.strings.Of(lower(v))
		case 64:
			h.CertSHA256 = z.strings.Of(lower(v))
		}
		if h.CertID == 0 {
			h.CertID = traffic.LinkOf(v)
		}
		return false
	})
	return "", ""
}

// hash gives a value of n hexadecimal digits in lower case, or "".
func (z *zeekRow) hash(i, n int) string { return z.strings.Of(hexOf(z.v[i], n)) }

// hexOf gives n hexadecimal digits in lower case; nil for what isn't that. Colons
// between octets are dropped.
func hexOf(b []byte, n int) []byte {
	if len(b) == n/2*3-1 {
		out := b[:0]
		for _, c := range b {
			if c != ':' {
				out = append(out, c)
			}
		}
		b = out
	}
	if len(b) != n {
		return nil
	}
	for _, c := range lower(b) {
		if hexDigit(c) > 15 {
			return nil
		}
	}
	return b
}

// tlsVersion reads a version as Zeek and Suricata write it, as the number on the wire.
func tlsVersion(b []byte) uint16 {
	switch string(b) {
	case "SSLv2", "SSL 2.0":
		return 0x0200
	case "SSLv3", "SSL 3.0":
		return 0x0300
	case "TLSv10", "TLS 1.0", "TLSv1":
		return 0x0301
	case "TLSv11", "TLS 1.1":
		return 0x0302
	case "TLSv12", "TLS 1.2":
		return 0x0303
	case "TLSv13", "TLS 1.3":
		return 0x0304
	case "DTLSv10", "DTLS 1.0":
		return 0xfeff
	case "DTLSv12", "DTLS 1.2":
		return 0xfefd
	case "DTLSv13", "DTLS 1.3":
		return 0xfefc
	}
	if len(b) > 10 && string(b[:10]) == "TLS 1.3 dr" { // "TLS 1.3 draft-28"
		return 0x0304
	}
	return 0
}
