package indicator

import (
	"iter"
	"net/netip"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/net/publicsuffix"
)

// Set is one generation of indicators. It never changes, so any number of
// goroutines may ask it. The zero value knows nothing.
type Set struct {
	addresses addresses
	names     texts
	others    texts // a kind's octet in front of each text
	facts     []fact
	links     []link // of values with several claims
	words     []string
	stats     Stats
}

// Stats count what a set holds. Rows = Values + further claims + Repeated.
type Stats struct {
	// Rows were handed in and taken, Repeated of them said what was known.
	Rows, Repeated int64
	// Values are the different ones by kind, indexed by it.
	Values [kinds]int64
}

// Total is the number of different values.
func (s Stats) Total() (n int64) {
	for _, v := range s.Values {
		n += v
	}
	return n
}

// fact is a claim with its words by number.
type fact struct {
	source, family       uint32
	first, last, expires uint32
	class                Class
	confidence           uint8
}

// A ref is a fact's number plus one, or with the top bit set a link's number.
const linked = 1 << 31

type link struct{ fact, next uint32 }

// Match is a value that is known bad.
type Match struct {
	Value
	set *Set
	ref uint32
}

// Stats counts what is in the set.
func (s *Set) Stats() Stats { return s.stats }

// AppendAddress appends to m what is known of an address at a port: the endpoint,
// the address, the prefixes around it from narrow to wide. Port 0 asks for the
// address alone. An answer of nothing allocates nothing.
func (s *Set) AppendAddress(m []Match, a netip.Addr, port uint16) []Match {
	if s.addresses.v4 == nil || !a.IsValid() {
		return m
	}
	return s.appendAddress(m, a, port)
}

// AppendName appends to m what is known of a domain name and its parents, the name
// itself first. It goes up to the registrable domain and no further: what is said
// of a public suffix is said of that name alone. The name is in lower case without
// the last dot. An answer of nothing allocates nothing; to place a find among the
// public suffixes does.
func (s *Set) AppendName(m []Match, name string) []Match {
	if len(s.names.filter) == 0 || len(name) > 253 {
		return m
	}
	h, begun := s.names.key, len(m)
	for i := len(name) - 1; ; i-- {
		if i < 0 || name[i] == '.' {
			if f := finish(h); s.names.passes(f) {
				m = s.suffix(m, begun, f, name, i+1)
			}
			if i < 0 {
				return m
			}
		}
		h = step(h, name[i])
	}
}

// AppendNameBytes is AppendName for octets, which aren't kept.
func (s *Set) AppendNameBytes(m []Match, name []byte) []Match {
	begun := len(m)
	m = s.AppendName(m, unsafe.String(unsafe.SliceData(name), len(name)))
	for i := begun; i < len(m); i++ {
		m[i].Text = strings.Clone(m[i].Text)
	}
	return m
}

// suffix puts what is known of a name's end from an octet on in front of what was
// found of shorter ends.
func (s *Set) suffix(m []Match, begun int, h uint32, name string, from int) []Match {
	ref := find(&s.names, h, name[from:]).ref
	if ref == 0 || from > 0 && from > registrable(name) {
		return m
	}
	m = append(m, Match{})
	copy(m[begun+1:], m[begun:])
	m[begun] = Match{Value: Value{Kind: Domain, Text: name[from:]}, set: s, ref: ref}
	return m
}

// registrable gives where the registrable domain begins in a name: the public
// suffix, private ones such as dynamic DNS among them, and one label more. For a
// public suffix it is 0, the name alone.
func registrable(name string) int {
	domain, err := publicsuffix.EffectiveTLDPlusOne(name)
	if err != nil {
		return 0
	}
	return len(name) - len(domain)
}

// AppendRequest appends to m what is known of a request by URL and by path: with
// its query and without. Host is in lower case or an address, port 0, 80 and 443
// are the usual ones; uri is a path, or a whole URL as proxies get it. It says
// nothing of the host itself: ask AppendName or AppendAddress.
func (s *Set) AppendRequest(m []Match, host string, port uint16, uri string) []Match {
	if s.stats.Values[URL] == 0 && s.stats.Values[Path] == 0 || len(uri) > maxText {
		return m
	}
	if at := strings.Index(uri, "://"); at > 0 && at <= 8 && uri[0] != '/' {
		rest := uri[at+3:]
		uri = "/"
		if slash := strings.IndexByte(rest, '/'); slash >= 0 {
			uri = rest[slash:]
		}
	}
	whole := cleanPath(uri)
	bare, _, queried := strings.Cut(whole, "?")
	if queried {
		bare = cleanPath(bare)
	}
	var room [512]byte
	for _, path := range [...]string{whole, bare} {
		if s.stats.Values[URL] > 0 {
			key := append(append(room[:0], byte(URL)), host...)
			if port != 0 && port != 80 && port != 443 {
				key = strconv.AppendUint(append(key, ':'), uint64(port), 10)
			}
			m = s.appendOther(m, URL, append(key, path...))
		}
		m = s.appendOther(m, Path, append(append(room[:0], byte(Path)), path...))
		if bare == whole {
			break
		}
	}
	return m
}

// AppendFingerprint appends to m what is known of a JA3, JA4, Certificate or File,
// its text in lower case.
func (s *Set) AppendFingerprint(m []Match, kind Kind, text string) []Match {
	if kind >= kinds || s.stats.Values[kind] == 0 || len(text) > 200 {
		return m
	}
	var room [256]byte
	return s.appendOther(m, kind, append(append(room[:0], byte(kind)), text...))
}

func (s *Set) appendOther(m []Match, kind Kind, key []byte) []Match {
	if ref := ref(&s.others, key); ref != 0 {
		m = append(m, Match{Value: Value{Kind: kind, Text: string(key[1:])}, set: s, ref: ref})
	}
	return m
}

// Claims gives what is said of the value, the latest added first.
func (m Match) Claims() iter.Seq[Claim] {
	return func(yield func(Claim) bool) {
		for ref := m.ref; ref != 0; {
			number := ref - 1
			if ref&linked != 0 {
				l := m.set.links[ref&^linked]
				number, ref = l.fact-1, l.next
			} else {
				ref = 0
			}
			if !yield(m.set.claim(number)) {
				return
			}
		}
	}
}

func (s *Set) claim(number uint32) Claim {
	f := &s.facts[number]
	return Claim{s.words[f.source], s.words[f.family], f.class, f.confidence, f.first, f.last, f.expires}
}
