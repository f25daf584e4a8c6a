package traffic

import "net/netip"

// Request is one HTTP request with its answer, if that was seen.
type Request struct {
	At                     int64 // µs since 1970, UTC: of the request
	Client, Server         netip.Addr
	ClientPort, ServerPort uint16
	Link                   uint64

	Method string // as written, "GET"; "" if the request wasn't seen
	// Host is the name in the Host field or the authority of the target, lower case,
	// without port and last dot; "" if there was none.
	Host string
	// URI is the request's target as written: usually a path with query, a whole URL
	// to a proxy, host:port for CONNECT. At most MaxText octets.
	URI       string
	UserAgent string
	Referrer  string
	// Status is the answer's code, or Unknown if no answer was seen.
	Status int16
	MIME   string // of the answer's body, lower case without parameters, or ""
	// Octets of the bodies each way, or Unknown.
	RequestBytes, ResponseBytes int64
}

// MaxText is how many octets of a long text (URI, user agent, subject) are kept.
const MaxText = 4096

// File is a file that the source saw pass, and hashed or at least named.
type File struct {
	At                int64  // µs since 1970, UTC
	ID                uint64 // of the file, a hash of the source's own; 0 if none
	Link              uint64
	Sender, Receiver  netip.Addr // the zero Addr if unknown
	SenderPort        uint16     // 0 unknown
	ReceiverPort      uint16
	Service           string // what carried it, lower case: "http", "ssl", "smtp"
	Name              string // as the protocol told it, or ""
	MIME              string // lower case, or ""
	Bytes             int64  // octets seen, or Unknown
	MD5, SHA1, SHA256 string // lower-case hexadecimal digits, or ""
	Certificate       bool   // the file is a certificate (DER) of a handshake
}

// Alert is what another sensor's rule said about a conversation.
type Alert struct {
	At                 int64 // µs since 1970, UTC
	Link               uint64
	Orig, Resp         netip.Addr // source and destination as the alert has them
	OrigPort, RespPort uint16
	Proto              uint8
	// Generator and ID name the rule (Suricata's gid and signature_id).
	Generator, ID int64
	Signature     string // the rule's message
	Category      string
	Severity      int16 // 1 is the gravest; Unknown if untold
	Blocked       bool  // the sensor let the packet not pass
	// Family is the malware's name if the rule's metadata tells it, as written.
	Family string
}
