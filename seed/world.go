package seed

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"strings"
	"time"
)

// A world is what a plan's country is like. All of it is a function of the plan, so
// that nothing that grows with the number of findings is held in memory.
type world struct {
	plan     Plan
	start    time.Time
	ticks    int
	families []string
	people   []partyPlan
	network  []int // those of people that hold addresses, by size
	hosting  []int
	registry []int
	pending  map[kind]*strings.Builder // rows that wait for their feed's turn
}

// A partyPlan is a party as it will be.
type partyPlan struct {
	name   string
	roles  []string
	region string
	own    bool
}

func newWorld(p Plan) *world {
	w := &world{plan: p, start: p.Until.Add(-days * 24 * time.Hour), pending: map[kind]*strings.Builder{}}
	w.ticks = min(max(p.Findings/1500, 12), days)
	w.families = families(min(max(p.Findings/500, 12), 1200))
	w.addParties()
	return w
}

// dice are the dice of one thing: the same for the same seed, whatever was thrown
// before.
func (w *world) dice(what string, n int) *rand.Rand {
	h := uint64(14695981039346656037) // FNV-1a
	for i := range len(what) {
		h = (h ^ uint64(what[i])) * 1099511628211
	}
	return rand.New(rand.NewPCG(w.plan.Seed^h, uint64(n)*0x9E3779B97F4A7C15+h))
}

// skewed throws 0 to n-1, the k-th as often as 1/(k+1): few are large, most are small.
func skewed(d *rand.Rand, n int) int {
	return min(int(math.Exp(d.Float64()*math.Log(float64(n+1))))-1, n-1)
}

// span is the length of one tick.
func (w *world) span() time.Duration { return days * 24 * time.Hour / time.Duration(w.ticks) }

func (w *world) endOf(tick int) time.Time { return w.start.Add(time.Duration(tick+1) * w.span()) }

// findingsOf gives the numbers of the findings that begin in a tick. They grow more
// over the months.
func (w *world) findingsOf(tick int) (from, to int) {
	at := func(t int) int {
		return int(math.Round(float64(w.plan.Findings) * math.Pow(float64(t)/float64(w.ticks), 1.25)))
	}
	return at(tick), at(tick + 1)
}

// openedAt gives when the n-th case begins; later ones begin later. The last ones
// began a few minutes ago.
func (w *world) openedAt(n int) time.Time {
	d := w.dice("opened", n)
	share := math.Pow((float64(n)+d.Float64())/float64(w.plan.Incidents), 0.85)
	return w.start.Add(time.Duration(share * float64(days*24*time.Hour))).Truncate(time.Second)
}

// addParties lays out who is there: a bureau and a centre for whom the platform speaks,
// a branch a province, and those who operate, host, sell names, and serve.
func (w *world) addParties() {
	add := func(name string, region string, own bool, roles ...string) {
		w.people = append(w.people, partyPlan{name: name, roles: roles, region: region, own: own})
	}
	add("Bureau", "CN", true, "authority")
	add("Centre", "CN", true, "centre")
	for _, p := range provinces {
		add("Bureau, "+p.name+" branch", p.code, false, "provincial_authority")
	}
	for n := len(w.people); n < w.plan.Parties; n++ {
		i := len(w.people)
		p := provinces[w.dice("province", n).IntN(len(provinces))]
		name := func(what string) string { return fmt.Sprintf("%s %s %d", p.name, what, n) }
		switch n % 10 {
		case 0, 1:
			add(name("Telecom"), p.code, len(w.network) < owned, "telecom_operator")
			w.network = append(w.network, i)
		case 2:
			add(name("Networks"), p.code, len(w.network) < owned, "network_operator")
			w.network = append(w.network, i)
		case 3, 4, 5:
			add(name("Access"), p.code, false, "access_provider")
			w.network = append(w.network, i)
		case 6, 7:
			add(name("Hosting"), p.code, false, "hosting")
			w.hosting = append(w.hosting, i)
		case 8:
			add(name("Names"), p.code, false, "registrar", "dns_service")
			w.registry = append(w.registry, i)
		case 9:
			add(name("Services"), p.code, false, "value_added_operator")
		}
	}
}

// owned is how many of the largest networks the platform speaks for, at most.
const owned = 3

// laps is how many ranges each holder of addresses has in a block.
const laps = 4

// holdings writes the table of who holds what: each network's ranges of 10.0.0.0/8 and
// its /48, each host's ranges of 100.64.0.0/10, each registrar's suffix.
func (w *world) holdings() string {
	var b strings.Builder
	b.WriteString("start,end,suffix,asn,holder,region,party\n")
	cut := func(holders []int, first netip.Addr, size uint32, asn int) {
		lap := size / laps
		for l := range uint32(laps) {
			edges := edges(len(holders), lap)
			for n, i := range holders {
				p := w.people[i]
				fmt.Fprintf(&b, "%s,%s,,%d,%s,%s,%s\n", plus(first, l*lap+edges[n]), plus(first, l*lap+edges[n+1]-1), asn+n, p.name, p.region, p.name)
			}
		}
	}
	cut(w.network, netip.MustParseAddr("10.0.0.0"), 1<<24, 64512)
	cut(w.hosting, netip.MustParseAddr("100.64.0.0"), 1<<22, 4200000000)
	for n, i := range w.network {
		p := w.people[i]
		fmt.Fprintf(&b, "2001:db8:%x::,2001:db8:%x:ffff:ffff:ffff:ffff:ffff,,%d,%s,%s,%s\n", n, n, 64512+n, p.name, p.region, p.name)
	}
	for n, i := range w.registry {
		p := w.people[i]
		fmt.Fprintf(&b, ",,%s,,%s,%s,%s\n", suffix(n), p.name, p.region, p.name)
	}
	return b.String()
}

func suffix(n int) string { return fmt.Sprintf("names%d.example", n) }

// edges cuts size addresses among n holders, the k-th in proportion to 1/(k+2), at least
// 16 each.
func edges(n int, size uint32) []uint32 {
	sum := 0.0
	for k := range n {
		sum += 1 / float64(k+2)
	}
	free := float64(size) - 16*float64(n)
	all := make([]uint32, n+1)
	got := 0.0
	for k := range n {
		got += 1 / float64(k+2)
		all[k+1] = uint32(16*(k+1)) + uint32(free*got/sum)
	}
	all[n] = size
	return all
}

// plus gives the n-th address after one of version 4.
func plus(a netip.Addr, n uint32) netip.Addr {
	o := a.As4()
	v := uint32(o[0])<<24 | uint32(o[1])<<16 | uint32(o[2])<<8 | uint32(o[3])
	v += n
	return netip.AddrFrom4([4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)})
}
