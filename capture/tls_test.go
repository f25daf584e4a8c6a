package capture

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"math/big"
	"net"
	"sync"
	"testing"

	"tocsin/traffic"
)

// spoken is what a side of a connection wrote, in order over both sides.
type spoken struct {
	mu    sync.Mutex
	turns []turn
}

type turn struct {
	fromClient bool
	data       []byte
}

type tapped struct {
	net.Conn
	client bool
	to     *spoken
}

func (c tapped) Write(p []byte) (int, error) {
	c.to.mu.Lock()
	c.to.turns = append(c.to.turns, turn{c.client, bytes.Clone(p)})
	c.to.mu.Unlock()
	return c.Conn.Write(p)
}

func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sheet := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "www.example.org"}, NotBefore: begin.AddDate(-20, 0, 0), NotAfter: begin.AddDate(50, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, sheet, sheet, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// loopback gives both ends of a connection that keeps what nobody read yet.
func loopback(t *testing.T) (a, b net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if a, err = net.Dial("tcp", l.Addr().String()); err == nil {
		b, err = l.Accept()
	}
	if err != nil {
		t.Fatal(err)
	}
	return a, b
}

// handshake lets Go's own TLS speak, once, and gives what both sides wrote.
func handshake(t *testing.T, at *tls.Config, of *tls.Config) []turn {
	t.Helper()
	a, b := loopback(t)
	var to spoken
	c, s := tls.Client(tapped{a, true, &to}, at), tls.Server(tapped{b, false, &to}, of)
	done := make(chan error, 1)
	go func() {
		buffer := make([]byte, 5)
		_, err := s.Read(buffer)
		done <- err
	}()
	if _, err := c.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	a.Close()
	b.Close()
	return to.turns
}

func TestHandshakes(t *testing.T) {
	cert := selfSigned(t)
	one, two := sha1.Sum(cert.Certificate[0]), sha256.Sum256(cert.Certificate[0])
	cache := tls.NewLRUClientSessionCache(4)
	old := &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"http/1.1"}, MaxVersion: tls.VersionTLS12}
	current := &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"http/1.1"}}
	for _, c := range []struct {
		name    string
		of      *tls.Config
		version uint16
		resumed bool
		alpn    string // version 1.3 hides which was chosen: it's the first offered
	}{{"TLS 1.2", old, tls.VersionTLS12, false, "http/1.1"}, {"TLS 1.2 taken up again", old, tls.VersionTLS12, true, "http/1.1"},
		{"TLS 1.3", current, tls.VersionTLS13, false, "h2"}} {
		at := &tls.Config{InsecureSkipVerify: true, ServerName: "WWW.example.org", NextProtos: []string{"h2", "http/1.1"}, MinVersion: c.version, MaxVersion: c.version,
			ClientSessionCache: cache}
		turns := handshake(t, at, c.of)
		s := newScript(t)
		s.open(client, server)
		for _, turn := range turns {
			from, to := client, server
			if !turn.fromClient {
				from, to = server, client
			}
			for data := turn.data; len(data) > 0; data = data[min(500, len(data)):] {
				s.tcp(from, to, "PA", string(data[:min(500, len(data))]))
			}
		}
		all := s.read()
		if len(all.Handshakes) != 1 {
			t.Errorf("%s: got %s", c.name, tell(all))
			continue
		}
		h := all.Handshakes[0]
		if h.SNI != "www.example.org" || h.ALPN != c.alpn || !h.Established || h.Version != c.version || h.Resumed != c.resumed || len(h.JA3) != 32 || len(h.JA3S) != 32 || len(h.JA4) != 36 {
			t.Errorf("%s: got %+v", c.name, h)
		}
		seen := c.version == tls.VersionTLS12 && !c.resumed
		if want := hex.EncodeToString(one[:]); (h.CertSHA1 == want) != seen {
			t.Errorf("%s: got the certificate %q, want %s: %v", c.name, h.CertSHA1, want, seen)
		}
		if seen && (h.CertSHA256 != hex.EncodeToString(two[:]) || h.Subject != "CN=www.example.org" || !h.SelfSigned || h.NotBefore != begin.AddDate(-20, 0, 0).UnixMicro()) {
			t.Errorf("%s: got %+v", c.name, h)
		}
		if all.Flows[0].Service != "ssl" || all.Flows[0].Link != h.Link {
			t.Errorf("%s: the flow says %q and isn't linked", c.name, all.Flows[0].Service)
		}
	}
}

// hello gives the ClientHello that Go's TLS writes, without its record.
func hello(t *testing.T) []byte {
	t.Helper()
	turns := handshake(t, &tls.Config{InsecureSkipVerify: true, ServerName: "video.example.org", NextProtos: []string{"h3"}, MinVersion: tls.VersionTLS13},
		&tls.Config{Certificates: []tls.Certificate{selfSigned(t)}, NextProtos: []string{"h3"}})
	return turns[0].data[5:]
}

// initial writes a QUIC Initial packet that holds a part of the ClientHello.
func initial(t *testing.T, dcid []byte, number byte, offset int, part []byte) []byte {
	t.Helper()
	aead, iv, hp, ok := quicKeys(quicVersions[1], dcid)
	if !ok {
		t.Fatal("no keys")
	}
	frames := append([]byte{6, 0x40 | byte(offset>>8), byte(offset), 0x40 | byte(len(part)>>8), byte(len(part))}, part...)
	frames = append(frames, make([]byte, 1100-len(frames))...)
	header := append([]byte{0xc0, 0, 0, 0, 1, byte(len(dcid))}, dcid...)
	header = append(header, 0, 0) // no source connection, no token
	n := 1 + len(frames) + aead.Overhead()
	header = append(header, 0x40|byte(n>>8), byte(n), number)
	iv[len(iv)-1] ^= number
	out := aead.Seal(bytes.Clone(header), iv, frames, header)
	var mask [16]byte
	at := len(header) - 1
	hp.Encrypt(mask[:], out[at+4:at+20])
	out[0] ^= mask[0] & 15
	out[at] ^= mask[1]
	return out
}

func TestQUICHelloInPieces(t *testing.T) {
	message, dcid := hello(t), []byte("\x83\x94\xc8\xf0\x3e\x51\x57\x08")
	half := len(message) / 2
	s := newScript(t)
	s.udp(client, server, string(initial(t, dcid, 1, half, message[half:]))) // the later part first
	s.udp(client, server, string(initial(t, dcid, 0, 0, message[:half])))
	all := s.read()
	if len(all.Handshakes) != 1 || all.Flows[0].Service != "quic" {
		t.Fatalf("got %s", tell(all))
	}
	h := all.Handshakes[0]
	if h.SNI != "video.example.org" || h.ALPN != "h3" || h.Proto != traffic.UDP || h.JA4[:4] != "q13d" || h.At != begin.UnixMicro() {
		t.Errorf("got %+v", h)
	}
}
