package traffic

import "net/netip"

// Lookup is one question to a name server, with its answer if that was seen.
type Lookup struct {
	At int64 // µs since 1970, UTC: of the question, or of the answer if only that was seen
	// RTT is µs from question to answer, or Unknown.
	RTT            int64
	Client, Server netip.Addr // the zero Addr if unknown
	ClientPort     uint16
	ServerPort     uint16
	Proto          uint8 // of the transport, 0 unknown
	Link           uint64

	// Query is the name asked for, in lower case without the last dot; "" is the
	// root or unknown. Octets that aren't printable ASCII, and dots inside a label,
	// are written \DDD as in RFC 1035.
	Query string
	// Type is the question's type by its IANA number (A 1, TXT 16, AAAA 28), 0 unknown.
	Type uint16
	// RCode is the response code by its IANA number (0 no error, 2 server failure,
	// 3 no such name), or Unknown if no answer was seen.
	RCode int16
	// Answered is set if an answer was seen, whatever it said.
	Answered bool
	// Rejected is set if the server refused to work on the question.
	Rejected bool
	// Answers counts the records of the answer section.
	Answers int32
	// AnswerBytes is the length of what those records say, as text, addresses left out.
	AnswerBytes int32
	// TTL is the shortest of the answer's lives in seconds, or Unknown.
	TTL int64
	// Addrs are the addresses answered, at most MaxAddrs. The list is valid until the
	// batch is reset.
	Addrs []netip.Addr
	// Name is the last name that the answer speaks of (of a CNAME chain the end, for
	// PTR the host), or "".
	Name string
}

// MaxAddrs is how many addresses of an answer are told.
const MaxAddrs = 32

// Response codes that are told apart (RFC 1035, section 4.1.1).
const (
	NoError  = 0
	ServFail = 2
	NXDomain = 3
	Refused  = 5
)

// lists hands out short lists from one room that is used again.
type lists struct{ room []netip.Addr }

func (l *lists) reset() { l.room = l.room[:0] }

// List keeps a copy of addrs until the batch is reset. It gives nil for none, and
// drops what is over MaxAddrs.
func (b *Batch) List(addrs []netip.Addr) []netip.Addr {
	if len(addrs) == 0 {
		return nil
	}
	if len(addrs) > MaxAddrs {
		addrs = addrs[:MaxAddrs]
	}
	n := len(b.addrs.room)
	b.addrs.room = append(b.addrs.room, addrs...)
	return b.addrs.room[n:len(b.addrs.room):len(b.addrs.room)]
}
