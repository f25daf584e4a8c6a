package indicator

import (
	"net/netip"
	"slices"
	"strings"
)

// Reach is what a warning list says of what is on it.
type Reach uint8

// The kinds of warning lists.
const (
	Other      Reach = iota // known to cause false alarms, the list says
	Network                 // content network: thousands of sites behind one address
	Cloud                   // rented by the hour: an address changes hands
	Resolver                // public name server
	Site                    // much visited
	Vendor                  // of a well-known company alone
	Utility                 // tells the address one comes from, whether one is online, whether a certificate holds
	Provider                // lets customers have names below its own
	Researcher              // scans the internet and says so
	Hole                    // sinkhole
	Parking                 // sells names that nobody uses
	Relay                   // VPN and proxy exits: many users
	Mail                    // mail of big providers
	Reserved                // addresses that mean something only inside a network
	Harmless                // hashes of empty files, test files, roots of trust
	Silent                  // says nothing about traffic: top-level domains, telephone numbers
	reaches
)

// reachNames are how a warning speaks of what it found.
var reachNames = [reaches]string{"a source of false alarms", "a content network", "a cloud", "a public resolver", "a much visited site", "a well-known vendor", "a public utility", "a provider that lets customers have names below its own", "a scanner that says so", "a sinkhole", "a parking service", "an exit of many users", "mail of a big provider", "an inner address", "a file known to be harmless", ""}

// String gives the words in which a warning speaks of the reach.
func (r Reach) String() string {
	if r < reaches {
		return reachNames[r]
	}
	return ""
}

// reachWords find a list's reach by its name; the first that is in it decides.
var reachWords = []struct {
	word  string
	reach Reach
}{
	{"sinkhole", Hole}, {"parking", Parking}, {"tld", Silent}, {"phone", Silent}, {"appid", Silent}, {"contact", Silent},
	{"scan", Researcher}, {"connection-attempts", Researcher}, {"shadowserver", Researcher}, {"onyphe", Researcher}, {"xpanse", Researcher}, {"gptbot", Researcher}, {"check-host", Researcher}, {"automated-malware-analysis", Researcher}, {"attack-simulator", Researcher},
	{"dynamic-dns", Provider}, {"lots-project", Provider}, {"shortener", Provider}, {"link-in-bio", Provider}, {"ipfs", Provider}, {"disposable", Provider},
	{"vpn", Relay}, {"private-relay", Relay}, {"zscaler", Relay}, {"mdca-proxy", Relay},
	{"smtp", Mail}, {"sending-ips", Mail}, {"public-dns", Resolver}, {"blockpage", Hole},
	{"top", Site}, {"alexa", Site}, {"majestic", Site}, {"tranco", Site}, {"university", Site}, {"bank", Site}, {"dax", Site}, {"covid", Site}, {"blogpost", Site}, {"whitelist", Site}, {"allowlist", Site},
	{"akamai", Network}, {"cloudflare", Network}, {"fastly", Network}, {"bunny", Network}, {"stackpath", Network}, {"cdn", Network},
	{"aws", Cloud}, {"azure", Cloud}, {"gcp", Cloud}, {"oci", Cloud}, {"ovh", Cloud}, {"github", Cloud}, {"cloud", Cloud}, {"hosting", Cloud},
	{"rfc", Reserved}, {"multicast", Reserved}, {"linklocal", Reserved}, {"bogon", Reserved},
	{"connection-endpoints", Utility}, {"whats-my-ip", Utility}, {"findip", Utility}, {"captive", Utility}, {"crl", Utility},
	{"hash", Harmless}, {"eicar", Harmless}, {"mozilla-", Harmless}, {"falsepositive", Harmless}, {"false-positive", Harmless},
	{"google", Vendor}, {"microsoft", Vendor}, {"office", Vendor}, {"apple", Vendor}, {"wikimedia", Vendor}, {"telegram", Vendor},
}

// reachOf judges a list by its name.
func reachOf(name string) Reach {
	name = strings.ToLower(name)
	for _, w := range reachWords {
		if strings.Contains(name, w.word) {
			return w.reach
		}
	}
	return Other
}

// Warnings are lists of what is shared, well-known or harmless. The zero value
// warns of nothing but reserved addresses.
type Warnings struct {
	exact, suffix *Builder // while they are read
	names         *Set     // of that name alone, and hashes
	below         *Set     // of names below it too, and addresses
	lists         map[string]WarningList
}

// WarningList is one list of those.
type WarningList struct {
	Name  string
	Reach Reach
	Rows  int64
}

// Warning is one list's word on a value.
type Warning struct {
	WarningList
	Entry Value // what the list has
}

// Lists tells the lists that were read, by name.
func (w *Warnings) Lists() []WarningList {
	var list []WarningList
	for _, l := range w.lists {
		list = append(list, l)
	}
	slices.SortFunc(list, func(a, b WarningList) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// add takes one entry. below says whether names below it are meant too.
func (w *Warnings) add(list WarningList, v Value, below bool) error {
	if w.exact == nil {
		w.exact, w.suffix, w.lists = NewBuilder(), NewBuilder(), map[string]WarningList{}
	}
	to := w.exact
	if v.Addr.IsValid() || v.Kind == Domain && below {
		to = w.suffix
	}
	switch v.Kind {
	case Endpoint:
		v = Value{Kind: Address, Addr: v.Addr}
	case Certificate, JA3:
		v.Kind = File // a hash is a hash: lists don't say of what
	}
	if err := to.Add(Indicator{v, Claim{Source: list.Name}}); err != nil {
		return err
	}
	list.Rows = w.lists[list.Name].Rows + 1
	w.lists[list.Name] = list
	return nil
}

// seal ends the reading.
func (w *Warnings) seal() {
	if w.exact != nil {
		w.names, w.below = w.exact.Set(), w.suffix.Set()
		w.exact, w.suffix = nil, nil
	}
}

// Address gives what the lists say of an address, in the order of the lists' names.
func (w *Warnings) Address(a netip.Addr) []Warning {
	if reserved(a) {
		return []Warning{{WarningList{Name: "reserved addresses", Reach: Reserved}, Value{Kind: Address, Addr: a}}}
	}
	if w == nil || w.below == nil {
		return nil
	}
	return w.told(w.below.AppendAddress(nil, a, 0), "")
}

// reserved tells addresses that mean nothing outside one network (RFC 6890), but
// not those for documentation.
func reserved(a netip.Addr) bool {
	return a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified() ||
		netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64}), 10).Contains(a) || a == netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

// Name gives what the lists say of a name that is known bad, and of the name that
// was seen, which is that or below it: entries of the bad name itself, and entries
// whose meaning reaches down to the seen one. A provider's entry says nothing of its
// customers' names.
func (w *Warnings) Name(bad, seen string) []Warning {
	if w == nil || w.names == nil {
		return nil
	}
	var m []Match
	for _, name := range []string{bad, seen} {
		for _, e := range w.names.AppendName(nil, name) {
			if e.Text == name {
				m = append(m, e)
			}
		}
		if bad == seen {
			break
		}
	}
	return w.told(w.below.AppendName(m, seen), bad)
}

// Hash gives what the lists say of a file's or certificate's hash.
func (w *Warnings) Hash(text string) []Warning {
	if w == nil || w.names == nil {
		return nil
	}
	return w.told(w.names.AppendFingerprint(nil, File, text), text)
}

// told gives the lists behind the matches.
func (w *Warnings) told(matches []Match, bad string) []Warning {
	var said []Warning
	for _, m := range matches {
		for c := range m.Claims() {
			list := w.lists[c.Source]
			if list.Reach == Provider && m.Text != bad {
				continue
			}
			said = append(said, Warning{list, m.Value})
		}
	}
	slices.SortFunc(said, func(a, b Warning) int {
		if a.Name != b.Name {
			return strings.Compare(a.Name, b.Name)
		}
		return strings.Compare(a.Entry.String(), b.Entry.String())
	})
	return slices.CompactFunc(said, func(a, b Warning) bool { return a.Name == b.Name })
}
