package detect

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"tocsin/traffic"
)

var _ = add(Detector{Name: "dga", About: "asks for names that a program made up", Hour: generated})

const (
	// madeNames is how few names nobody owns are worth judging: people and their
	// programs mistype a few an hour.
	madeNames = 10
	// The odds, in nats, from which a set is taken for a program's: of twenty names and
	// more, of fewer, and where the resolver seems to fail for everybody.
	// go test ./detect -run DGAFigures prints how far real names stay below.
	madeOdds       = 3.5
	madeOddsFew    = 7
	madeOddsOutage = 9
	madeMany       = 20
	// madePart is what must be left of a set once names that people chose are put
	// aside.
	madePart = 0.5
	// metNames is how many names that exist may each be a controller's. Of more, most
	// are a defender's.
	metNames = 3
)

// inner are the top-level domains of networks of one's own (RFC 6761, RFC 6762
// appendix G, ICANN's internal): no resolver outside knows them.
var inner = []string{"lan", "local", "home", "internal", "intranet", "private", "corp", "localdomain", "localhost", "test", "invalid", "example", "arpa", "workgroup", "domain", "belkin", "dlink", "router", "gateway"}

// generated looks for names that a program made up to find its controller: it asks
// for many, and nobody has registered nearly all of them (Antonakakis et al., USENIX
// Security 2012). One name proves nothing; a set of them does, by its letters, and by
// what a program's names have in common: length, suffix, words. What is known to ask
// for odd names is left out: service discovery, reverse look-ups, block lists,
// updaters, shards of content networks, and names below a domain that people chose.
func generated(h *Hour, b *Bench) []Evidence {
	a := askedOf(h, b)
	var out []Evidence
	if e, ok := a.judge(a.failed, madeOdds, madeOddsFew); ok {
		e.Ceiling = Suspected
		e.Because = fmt.Sprintf("%s that nobody owns, of %s asked for within the hour from %s, such as %s, look made up by a program (score %s, from %s on it accuses)",
			plural(len(a.failed), "domain", "domains"), count(a.domains), hourOf(h.From), a.examples, number(a.odds), number(a.least))
		existing := a.existing()
		if len(existing) > metNames {
			e.Because += fmt.Sprintf("; %d more of the same make exist, as a defender's sinkhole has them", len(existing))
			existing = nil
		}
		out = append(out, e)
		for _, n := range existing {
			out = append(out, a.met(e, n))
		}
		return out
	}
	// Sinkholes answer for all names, and some sources don't tell what was answered:
	// then the names are all there is, and never more than context.
	if e, ok := a.judge(a.others, madeOdds+4, madeOdds+6); ok && len(a.others) >= madeMany {
		e.Ceiling = Weak
		e.Score = round3(e.Score / 2)
		e.Because = fmt.Sprintf("%s asked for within the hour from %s, such as %s, look made up (score %s), but they exist, or what was answered isn't known",
			plural(len(a.others), "domain", "domains"), hourOf(h.From), a.examples, number(a.odds))
		out = append(out, e)
	}
	return out
}

// asked is what an hour's look-ups come to, by registrable domain.
type asked struct {
	hour     *Hour
	failed   []asking // nobody owns them
	others   []asking // answered, or unknown
	domains  int
	outage   bool
	odds     float64 // of the set judged last
	least    float64 // what it had to reach
	examples string
}

type asking struct {
	MadeName
	name        string
	first, last int64
}

// askedOf sorts an hour's names: domains that were asked for as they are registered,
// and were they there? Of the rest it only counts.
func askedOf(h *Hour, b *Bench) *asked {
	a := &asked{hour: h}
	served := 0
	seen := map[string]int{} // registrable domain: index into all, or -1
	var all []asking
	var state []int // 0 unknown, 1 failed, 2 answered
	for i := range h.Names {
		n := &h.Names[i]
		if !addressed(n) {
			continue
		}
		label, suffix, ok := Label(n.Name)
		if _, known := b.Clock(n.Name, Endpoint{}); known {
			if n.Failed > 0 && n.Answered == 0 {
				served++
			}
			continue
		}
		if _, known := b.Shared(n.Name, netip.Addr{}); !ok || known || slices.Contains(inner, suffix) {
			continue
		}
		domain := label + "." + suffix
		j, again := seen[domain]
		if !again {
			j = len(all)
			seen[domain] = j
			all = append(all, asking{MadeName{label, suffix}, domain, n.First, n.Last})
			state = append(state, 0)
		}
		all[j].first, all[j].last = min(all[j].first, n.First), max(all[j].last, n.Last)
		switch {
		case n.Answered > 0:
			state[j] = 2
		case n.Failed > 0:
			state[j] = max(state[j], 1)
		}
	}
	for j := range all {
		if state[j] == 1 {
			a.failed = append(a.failed, all[j])
		} else {
			a.others = append(a.others, all[j])
		}
	}
	a.domains = len(all)
	a.outage = served >= 2 && served*20 > len(a.failed)
	return a
}

// addressed tells questions for an address from service discovery, reverse look-ups
// and text: no generator asks those of its controller's names.
func addressed(n *Name) bool {
	const other = TypeSRV | TypePTR | TypeTXT | TypeNULL | TypeMX
	if n.Types != 0 && n.Types&(TypeA|TypeAAAA|TypeCNAME|TypeOther) == 0 {
		return false
	}
	if n.Types&(TypeA|TypeAAAA) == 0 && n.Types&other != 0 {
		return false
	}
	return !strings.HasPrefix(n.Name, "_") && !strings.Contains(n.Name, "._")
}

// judge weighs a set of names: all of it, and if that says nothing, those that
// look made up by themselves, if they are most of it.
func (a *asked) judge(list []asking, odds, few float64) (e Evidence, made bool) {
	if len(list) < madeNames {
		return e, false
	}
	m := ShippedNameModel()
	if a.outage {
		odds, few = madeOddsOutage, madeOddsOutage
	}
	weigh := func(list []asking, more float64) bool {
		a.least = odds + more
		if len(list) < madeMany {
			a.least = few + more
		}
		a.odds = m.Set(plainNames(list))
		return a.odds >= a.least
	}
	if weigh(list, 0) {
		return a.evidence(list), true
	}
	part := a.likely(list)
	if len(part) < madeNames || float64(len(part)) < madePart*float64(len(list)) || !weigh(part, 2) {
		return e, false
	}
	return a.evidence(part), true
}

func hourOf(micros int64) string { return traffic.Time(micros).Format("2006-01-02 15:04") }

// likely gives the names that look made up by themselves.
func (a *asked) likely(list []asking) []asking {
	m := ShippedNameModel()
	var part []asking
	for _, n := range list {
		if m.Name(n.Label) > 0 {
			part = append(part, n)
		}
	}
	return part
}

func plainNames(list []asking) []MadeName {
	names := make([]MadeName, len(list))
	for i := range list {
		names[i] = list[i].MadeName
	}
	return names
}

func (a *asked) evidence(list []asking) Evidence {
	h := a.hour
	e := Evidence{Detector: "dga", Host: h.Host, Signs: Generated, First: list[0].first, Last: list[0].last, Score: round3(clamp(0.6 + 0.02*a.odds))}
	length := 0
	suffix := map[string]bool{}
	for _, n := range list {
		e.First, e.Last = min(e.First, n.first), max(e.Last, n.last)
		length += len(n.Label)
		suffix[n.Suffix] = true
		e.Tokens = append(e.Tokens, stringHash(n.name, 0x646761))
	}
	slices.Sort(e.Tokens) // the smallest of each host's: those of two hosts with the same names are the same
	e.Tokens = e.Tokens[:min(len(e.Tokens), MaxTokens)]
	e.Figures = []Figure{{"names", float64(len(list))}, {"domains", float64(a.domains)}, {"failed_lookups", float64(h.Failed)}, {"suffixes", float64(len(suffix))},
		{"mean_length", round3(float64(length) / float64(len(list)))}, {"odds_nats", round3(a.odds)}}
	var some []string
	for _, i := range []int{0, len(list) / 2, len(list) - 1} {
		if !slices.Contains(some, list[i].name) {
			some = append(some, list[i].name)
		}
	}
	a.examples = strings.Join(some, ", ")
	return e
}

// existing finds the names of the same make that exist: there the controller may be.
func (a *asked) existing() (list []asking) {
	shortest, longest := 64, 0
	suffix := map[string]bool{}
	for _, n := range a.failed {
		shortest, longest = min(shortest, len(n.Label)), max(longest, len(n.Label))
		suffix[n.Suffix] = true
	}
	m := ShippedNameModel()
	for _, n := range a.others {
		if suffix[n.Suffix] && len(n.Label) >= shortest && len(n.Label) <= longest && m.Name(n.Label) >= 2 {
			list = append(list, n)
		}
	}
	return list
}

func (a *asked) met(of Evidence, n asking) Evidence {
	odds := ShippedNameModel().Name(n.Label)
	return Evidence{Detector: "dga", Host: of.Host, Name: n.name, Role: Controller, Signs: Generated, Ceiling: Suspected, First: n.first, Last: n.last, Score: round3(of.Score * 0.9),
		Figures: []Figure{{"names", float64(len(a.failed))}, {"odds_nats", round3(odds)}},
		Because: fmt.Sprintf("%s exists and looks made like the %d that nobody owns", n.name, len(a.failed))}
}
