package indicator

import (
	"fmt"
	"net/netip"
)

// Base is all that is known at one time: indicators, warnings, families. It never
// changes, and any number of goroutines may ask it. The zero value knows nothing.
type Base struct {
	Set      *Set
	Warnings *Warnings
	Families *Families
	// Lists are those that were read, in order.
	Lists []List
	// Generation is set by Live: 1 for the first.
	Generation int64
}

// Judgement is what a match is worth before one knows who called whom.
type Judgement struct {
	// Value is what is known bad, Claim the word that weighs most, its Family folded.
	Value
	Claim
	// Claims counts those that hold at the moment, of all sources.
	Claims int
	// Certainty is from 0 to 1, after all that lowers it.
	Certainty float64
	// Shared says that others stand behind the same address or name. However sure
	// the source is, such a match alone is context and no more.
	Shared bool
	// Sinkhole says that a defender answers there: the caller is infected, and
	// nobody commands it through this.
	Sinkhole bool
	// Reason tells what lowered it, "" if nothing did.
	Reason string
}

// Address judges an address at a port (0: the address alone) at a moment in
// microseconds since 1970; known is false if nothing is known that holds then.
func (b *Base) Address(a netip.Addr, port uint16, at int64) (j Judgement, known bool) {
	if b.Set == nil {
		return j, false
	}
	var room [4]Match
	m := b.Set.AppendAddress(room[:0], a, port)
	if len(m) == 0 {
		return j, false
	}
	if j, known = b.weigh(m, at); known {
		j.lower(append(own("", a, port), b.Warnings.Address(a)...))
	}
	return j, known
}

// Name judges a name, in lower case without the last dot, and its parents.
func (b *Base) Name(name string, at int64) (j Judgement, known bool) {
	if b.Set == nil {
		return j, false
	}
	var room [4]Match
	m := b.Set.AppendName(room[:0], name)
	if len(m) == 0 {
		return j, false
	}
	if j, known = b.weigh(m, at); known {
		j.lower(append(own(j.Text, netip.Addr{}, 0), b.Warnings.Name(j.Text, name)...))
	}
	return j, known
}

// Request judges a URL by host (lower case, or an address), port and path with
// query. A path that is known bad on whatever host is shared: anybody may have it.
func (b *Base) Request(host string, port uint16, uri string, at int64) (j Judgement, known bool) {
	if b.Set == nil {
		return j, false
	}
	var room [4]Match
	m := b.Set.AppendRequest(room[:0], host, port, uri)
	if len(m) == 0 {
		return j, false
	}
	if j, known = b.weigh(m, at); known && j.Kind == Path {
		j.Shared = true
		j.Certainty = min(j.Certainty, weakest)
		j.Reason = "the path alone is known, and any host may have it"
	}
	return j, known
}

// Fingerprint judges a JA3, JA4, Certificate or File by its text in lower case. A
// client's fingerprint is shared by all programs built with the same library.
func (b *Base) Fingerprint(kind Kind, text string, at int64) (j Judgement, known bool) {
	if b.Set == nil {
		return j, false
	}
	var room [2]Match
	m := b.Set.AppendFingerprint(room[:0], kind, text)
	if len(m) == 0 {
		return j, false
	}
	if j, known = b.weigh(m, at); !known {
		return j, false
	}
	j.lower(b.Warnings.Hash(text))
	if (kind == JA3 || kind == JA4) && !j.Shared {
		j.Certainty *= 0.6
		j.Reason = join(j.Reason, "other programs with the same TLS library greet alike")
	}
	return j, true
}

// weigh picks the claim that weighs most of those that hold: the narrower value
// first, then the graver class, then the surer source, then by name.
func (b *Base) weigh(matches []Match, at int64) (best Judgement, known bool) {
	holding := 0
	for _, m := range matches {
		for c := range m.Claims() {
			if c.Lapsed(at) {
				continue
			}
			holding++
			if !known || m.Value == best.Value && graver(c, best.Claim) {
				best, known = Judgement{Value: m.Value, Claim: c}, true
			}
		}
	}
	best.Claims = holding
	best.Family = b.Families.Fold(best.Family)
	best.Certainty = float64(best.Percent()) / 100
	best.Sinkhole = best.Class == Sinkhole
	switch best.Class {
	case Scanner:
		best.Reason = "it is known to scan, which says nothing of those that it meets"
	case Lure:
		best.Reason = "people are led there, and a visit is exposure, not infection"
	case Suspicious:
		best.Reason = "it is known for the company it keeps, not for what it does"
	}
	return best, known
}

// weights order the classes by how much they say.
var weights = [classes]int{Unsaid: 2, Malware: 5, Malicious: 3, Lure: 1, Suspicious: 1, Scanner: 0, Sinkhole: 4}

func graver(a, b Claim) bool {
	wa, wb := weights[a.Class], weights[b.Class]
	switch {
	case wa != wb:
		return wa > wb
	case a.Percent() != b.Percent():
		return a.Percent() > b.Percent()
	case (a.Family == "") != (b.Family == ""):
		return a.Family != ""
	case a.Source != b.Source:
		return a.Source < b.Source
	}
	return a.Family < b.Family
}

// own gives what the program's own table warns of. A row that means any address
// warns of none.
func own(name string, a netip.Addr, port uint16) []Warning {
	s, known := FindNetwork(name, a)
	reach := Network
	if !known {
		if s, known = FindService(name, a, port, 0); !known || s.Where == "*" {
			return nil
		}
		if reach = Vendor; s.Kind == "resolver" {
			reach = Resolver
		}
	}
	v, _ := Parse(s.Where)
	return []Warning{{WarningList{Name: "tocsin's own: " + s.What, Reach: reach}, v}}
}

// weakest bounds the certainty of a match that is shared.
const weakest = 0.2

// lower takes a judgement down as far as the warnings go. Much visited sites are
// doubted and not excused: names of large botnets have been much visited.
func (j *Judgement) lower(said []Warning) {
	for _, w := range said {
		before := j.Reason
		j.Reason = join(before, fmt.Sprintf("%s is %s (list %s)", w.Entry, w.Reach, w.WarningList.Name))
		switch w.Reach {
		case Hole:
			j.Sinkhole = true
		case Site:
			j.Certainty *= 0.5
		case Cloud, Relay:
			j.Reason = before
			if j.Kind == Address || j.Kind == Prefix { // with a port the claim is of one machine's service
				j.Certainty *= 0.6
				j.Reason = join(before, fmt.Sprintf("%s is in %s, where addresses change hands (list %s)", j.Addr, w.Reach, w.WarningList.Name))
			}
		default:
			j.Shared = true
		}
	}
	if j.Shared {
		j.Certainty = min(j.Certainty, weakest)
	}
}

func join(before, more string) string {
	if before == "" {
		return more
	}
	return before + "; " + more
}
