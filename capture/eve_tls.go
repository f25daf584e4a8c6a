package capture

import "tocsin/traffic"

const (
	eveSubject = iota
	eveIssuer
	eveFingerprint
	eveSNI
	eveVersion
	eveNotBefore
	eveNotAfter
	eveJA3
	eveJA3S
	eveJA4
	eveResumed
	eveClientALPN
	eveServerALPN
	eveTLSKeys
)

var eveTLSTable = newKeys([]string{"subject", "issuerdn", "fingerprint", "sni", "version", "notbefore", "notafter", "ja3", "ja3s", "ja4",
	"session_resumed", "client_alpns", "server_alpns"})

// takeTLS reads a tls event.
func (e *eve) takeTLS(b *traffic.Batch, n *eveEnds) { e.handshake(b, n, e.v[eveTLS]) }

// takeQUIC reads a quic event, whose members are named as those of tls.
func (e *eve) takeQUIC(b *traffic.Batch, n *eveEnds) {
	h := e.handshake(b, n, e.v[eveQUIC])
	h.Version = 0x0304
	h.Established = h.JA3S != ""
}

func (e *eve) handshake(b *traffic.Batch, n *eveEnds, inner []byte) *traffic.Handshake {
	var v [eveTLSKeys][]byte
	walk(inner, eveTLSTable, v[:])
	b.Handshakes = append(b.Handshakes, traffic.Handshake{
		At: n.at, Link: n.link, Client: n.src, Server: n.dest, ClientPort: n.srcPort, ServerPort: n.destPort, Proto: n.proto,
		Version: tlsVersion(jsonText(v[eveVersion])), SNI: e.strings.Of(nameOf(short(jsonText(v[eveSNI])))),
		Resumed: len(v[eveResumed]) > 0 && v[eveResumed][0] == 't',
		JA3:     e.print(v[eveJA3]), JA3S: e.print(v[eveJA3S]), JA4: e.text(v[eveJA4]),
		Subject: e.text(v[eveSubject]), Issuer: e.text(v[eveIssuer]),
		CertSHA1: e.strings.Of(hexOf(jsonText(v[eveFingerprint]), 40)),
	})
	h := &b.Handshakes[len(b.Handshakes)-1]
	h.NotBefore, _ = parseMoment(jsonText(v[eveNotBefore]))
	h.NotAfter, _ = parseMoment(jsonText(v[eveNotAfter]))
	h.SelfSigned = h.Subject != "" && h.Subject == h.Issuer
	h.Established = h.Version != 0 || h.Subject != "" || h.JA3S != "" || h.Resumed
	for _, list := range [][]byte{v[eveServerALPN], v[eveClientALPN]} {
		jsonEach(list, func(p []byte) bool {
			h.ALPN = e.strings.Of(short(p))
			return false
		})
		if h.ALPN != "" {
			break
		}
	}
	return h
}

var eveHashTable = newKeys([]string{"hash"})

// print reads a fingerprint, which is {"hash":…,"string":…} or the hash alone.
func (e *eve) print(v []byte) string {
	if len(v) > 0 && v[0] == '{' {
		var inner [1][]byte
		walk(v, eveHashTable, inner[:])
		v = inner[0]
	}
	return e.strings.Of(hexOf(jsonText(v), 32))
}
