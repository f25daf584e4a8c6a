package casebook

import (
	"net/netip"
	"time"
)

// Holding says that a party held a range of addresses or a domain suffix, from
// when to when, and on whose word.
type Holding struct {
	Source string     // on whose word: the name of the imported table
	Low    netip.Addr // first address of the range; the zero Addr for a name
	High   netip.Addr // last address, of the same family
	Suffix string     // domain suffix, without dot in front; "" for a range
	ASN    uint32     // autonomous system, 0 if not told
	Holder string     // who holds it, as the table writes it
	Party  string     // party of this platform, "" if not told
	Region string     // ISO 3166 code or the table's own word, "" if not told
	From   time.Time  // zero: since before anybody asked
	To     time.Time  // zero: still
}

// Attribution is what the tables say of one asset at one moment. Each field
// comes from the most specific holding that tells it; one that names a party
// goes before one that doesn't.
type Attribution struct {
	ASN    uint32
	Holder string
	Party  string
	Region string
	// By is the number of the holding that decided, in its table's order; -1 if
	// none did.
	By int32
}
