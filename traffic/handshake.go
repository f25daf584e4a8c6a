package traffic

import "net/netip"

// Handshake is the opening of one TLS (or QUIC) session, as far as it was readable.
type Handshake struct {
	At                     int64 // µs since 1970, UTC
	Client, Server         netip.Addr
	ClientPort, ServerPort uint16
	Proto                  uint8 // TCP, or UDP for QUIC and DTLS
	// Established is set if the source saw the session come about. Some sources
	// don't tell (Suricata): then it is set if the server said something.
	Established bool
	// Resumed is set if an earlier session was taken up again: no certificate then.
	Resumed bool
	// SelfSigned is set if the certificate was seen, and its issuer is its subject.
	SelfSigned bool
	// Version as on the wire: 0x0301 for TLS 1.0, 0x0304 for TLS 1.3; 0 unknown.
	Version uint16
	Link    uint64

	SNI  string // server name asked for, lower case without the last dot, or ""
	ALPN string // protocol agreed on, or first offered if only that was seen
	JA3  string // 32 lower-case hexadecimal digits (MD5), or ""
	JA3S string // as JA3, of the server's answer
	JA4  string // JA4 of the client, "t13d1516h2_8daaf6152771_02713d6af862"
	JA4S string // JA4S of the server, or ""

	// The server's own certificate: hashes of its DER bytes in lower-case
	// hexadecimal, and names as the source writes them. "" if unseen: TLS 1.3
	// encrypts it.
	CertSHA1, CertSHA256 string
	// CertID is the ID of the Certificate and File that are the server's
	// certificate, in sources that write it apart; 0 if none.
	CertID          uint64
	Subject, Issuer string
	// From when and until when the certificate is valid, µs since 1970; 0 unknown.
	NotBefore, NotAfter int64
}

// Certificate is a certificate that was seen apart from its handshake, as in Zeek's
// x509.log.
type Certificate struct {
	At        int64  // µs since 1970, UTC
	ID        uint64 // as CertID of a Handshake, or 0
	Link      uint64
	Server    netip.Addr // the zero Addr if the source doesn't tell
	MD5, SHA1 string     // lower-case hexadecimal digits, or ""
	SHA256    string
	Serial    string // hexadecimal, as the source writes it
	Subject   string
	Issuer    string
	NotBefore int64 // µs since 1970, 0 unknown
	NotAfter  int64
}
