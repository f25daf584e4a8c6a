package detect

import "net/netip"

// MaxNames is how many different names of one host and hour are kept: the first.
const MaxNames = 4096

// Hour is what one host looked up within one hour of event time.
type Hour struct {
	Host    netip.Addr
	From    int64  // start of the hour, microseconds since 1970, UTC
	Names   []Name // by name; at most MaxNames
	Dropped int    // look-ups of names that found no room
	// Lookups counts questions; Failed those of them that were answered
	// "no such name" (NXDOMAIN).
	Lookups, Failed int
}

// Name is one name that a host looked up within the hour.
type Name struct {
	Name     string // lower case, without the last dot
	Lookups  int
	Failed   int    // answered NXDOMAIN
	Answered int    // answered with at least one record
	Types    uint32 // questions: 1<<0 A, 1<<1 AAAA, 1<<2 TXT, 1<<3 NULL, 1<<4 CNAME, 1<<5 MX, 1<<6 SRV, 1<<7 PTR, 1<<31 any other
	// Answer is the octets of the longest answer's records, as far as the
	// telemetry tells; 0 if it doesn't.
	Answer      int
	First, Last int64 // microseconds since 1970, UTC
}

// Types of questions, as Name.Types holds them.
const (
	TypeA     uint32 = 1 << 0
	TypeAAAA  uint32 = 1 << 1
	TypeTXT   uint32 = 1 << 2
	TypeNULL  uint32 = 1 << 3
	TypeCNAME uint32 = 1 << 4
	TypeMX    uint32 = 1 << 5
	TypeSRV   uint32 = 1 << 6
	TypePTR   uint32 = 1 << 7
	TypeOther uint32 = 1 << 31
)
