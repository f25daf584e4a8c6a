package attribute

import (
	"cmp"
	"slices"
	"sort"
	"strings"
)

// named is a holding's domain suffix.
type named struct {
	suffix string
	number uint32 // of the holding
	fact   uint32
}

// names find the chain of holdings over a domain name.
type names struct {
	suffixes texts    // sorted, after the empty one
	heads    []uint32 // first cell of each suffix's chain, which goes on to shorter ones
	cells    []cell
}

// nameTree chains each suffix's holdings, the later added first, to those of the
// next shorter suffix.
func nameTree(holdings []named) names {
	// Shorter suffixes come first, so that a chain's end is there before it.
	slices.SortFunc(holdings, func(a, b named) int {
		return cmp.Or(cmp.Compare(len(a.suffix), len(b.suffix)), strings.Compare(a.suffix, b.suffix), cmp.Compare(a.number, b.number))
	})
	n := names{cells: make([]cell, 1, len(holdings)+1)}
	heads, suffixes := make(map[string]uint32), []string{""}
	for _, h := range holdings {
		next, known := heads[h.suffix]
		if !known {
			next = heads[longest(h.suffix, func(s string) bool { _, ok := heads[s]; return ok })]
			suffixes = append(suffixes, h.suffix)
		}
		heads[h.suffix] = uint32(len(n.cells))
		n.cells = append(n.cells, cell{h.number, h.fact, next << 3})
	}
	slices.Sort(suffixes)
	n.suffixes = textsOf(suffixes)
	for _, s := range suffixes {
		n.heads = append(n.heads, heads[s])
	}
	return n
}

// longest gives the longest suffix of a name, from label to label, that is there;
// "" if none is.
func longest(name string, there func(string) bool) string {
	for name != "" && !there(name) {
		_, name, _ = strings.Cut(name, ".")
	}
	return name
}

// head gives the first cell of the chain over a name, 0 if nobody holds it.
func (n *names) head(name string) (head uint32) {
	longest(name, func(s string) bool {
		i, found := sort.Find(len(n.heads), func(i int) int { return strings.Compare(s, n.suffixes.at(uint32(i))) })
		if found {
			head = n.heads[i]
		}
		return found
	})
	return head
}

// urlHost gives the host of a URL in WHATWG's canonical form: a name without dot
// at the end, or an address without brackets; "" if it has none.
func urlHost(url string) string {
	_, s, _ := strings.Cut(url, "://")
	if end := strings.IndexAny(s, "/?#\\"); end >= 0 {
		s = s[:end]
	}
	s = s[strings.LastIndexByte(s, '@')+1:]
	if rest, found := strings.CutPrefix(s, "["); found {
		s, _, _ = strings.Cut(rest, "]")
		return s
	}
	s, _, _ = strings.Cut(s, ":")
	return strings.TrimSuffix(s, ".")
}

// mailDomain gives what follows the @ of an e-mail address, an address literal
// without its brackets (RFC 5321, section 4.1.3).
func mailDomain(mail string) string {
	at := strings.LastIndexByte(mail, '@')
	if at < 0 {
		return ""
	}
	s := strings.TrimSuffix(mail[at+1:], ".")
	if literal, found := strings.CutPrefix(s, "["); found {
		return strings.TrimPrefix(strings.TrimSuffix(literal, "]"), "IPv6:")
	}
	return s
}
