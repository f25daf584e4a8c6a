package demo

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"time"
)

// Everything that the country's feeds say is made up, of addresses and names that belong
// to nobody: 192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24 and 2001:db8::/32 (RFC 5737,
// RFC 3849) for servers, 198.18.0.0/15 (RFC 2544) for the many machines of customers, AS
// 64496 to 64511 (RFC 5398), and names under .example (RFC 2606).

// The botnet of the story, and what else is about.
const duskmoth = "duskmoth"

var others = []string{"mothlamp", "greyheron", "saltmarsh"}

// The controllers of the botnet, by who is ordered to act on them.
var (
	northServers = []string{"192.0.2.17", "192.0.2.61"}
	southServers = []string{"198.51.100.23", "198.51.100.140"}
	movedServer  = "203.0.113.70" // listed with East Mobile, which gave it to Harbour Hosting
	relayName    = "relay.duskmoth.example"
)

// surge is how many machines the botnet has at each full hour of its night.
var surge = []struct {
	hour time.Duration // after midnight
	bots int
}{{-2 * time.Hour, 410}, {-1 * time.Hour, 1130}, {0, 2270}, {1 * time.Hour, 3940}, {2 * time.Hour, 6180}, {3 * time.Hour, 24318}}

// holdingsAsListed is the table that the country's operators handed in, and
// holdingsCorrected what it says once East Mobile has looked again.
const holdingsAsListed = `cidr,domain,asn,holder,region,party
198.18.0.0/16,,64496,North Telecom access,CN-11,North Telecom
198.19.0.0/17,,64497,East Mobile access,CN-31,East Mobile
198.19.128.0/17,,64498,South Broadband access,CN-44,South Broadband
192.0.2.0/25,,64496,North Telecom servers,CN-11,North Telecom
192.0.2.128/25,,64497,East Mobile servers,CN-31,East Mobile
198.51.100.0/24,,64498,South Broadband servers,CN-44,South Broadband
203.0.113.0/26,,64499,Harbour Hosting,CN-31,Harbour Hosting
203.0.113.64/26,,64497,East Mobile servers,CN-31,East Mobile
203.0.113.128/25,,64499,Harbour Hosting,CN-31,Harbour Hosting
2001:db8:10::/48,,64496,North Telecom access,CN-11,North Telecom
,duskmoth.example,,Lantern Registrar,CN-11,Lantern Registrar
`

var holdingsCorrected = strings.Replace(holdingsAsListed, "203.0.113.64/26,,64497,East Mobile servers,CN-31,East Mobile", "203.0.113.64/26,,64499,Harbour Hosting,CN-31,Harbour Hosting", 1)

// networks are where customers are, with their share of the machines of a botnet.
var networks = []struct {
	prefix netip.Prefix
	asn    int
	share  int // in ten
}{
	{netip.MustParsePrefix("198.18.0.0/16"), 64496, 4},
	{netip.MustParsePrefix("198.19.0.0/17"), 64497, 3},
	{netip.MustParsePrefix("198.19.128.0/17"), 64498, 3},
}

// A delivery is a file of a feed as it would be fetched or pushed.
type delivery struct {
	feed, kind, name, text string // kind: the feed's report type, "" where it has one only
}

// generator makes the feeds: the same seed makes the same rows.
type generator struct{ seed uint64 }

func newGenerator(seed uint64) *generator { return &generator{seed} }

// random gives the numbers for one file; files are made in any order.
func (g *generator) random(what string, at time.Time) *rand.Rand {
	sum := g.seed
	for _, b := range []byte(what) {
		sum = sum*1099511628211 + uint64(b)
	}
	return rand.New(rand.NewPCG(sum, uint64(at.Unix())))
}

// machineAt gives the address of the nth machine of a family: different ones for
// different numbers, as long as they are fewer than a network has.
func (g *generator) machineAt(family string, n int) (netip.Addr, int) {
	slot, r := networks[0], n%10
	for _, a := range networks {
		if slot = a; r < a.share {
			break
		}
		r -= a.share
	}
	size := uint32(1) << (32 - slot.prefix.Bits())
	first := slot.prefix.Addr().As4()
	start := g.random(family, time.Time{}).Uint32()
	// An odd step visits every address of a power of two once.
	at := (start + uint32(n)*40503) % size
	number := uint32(first[0])<<24 | uint32(first[1])<<16 | uint32(first[2])<<8 | uint32(first[3])
	number += at
	return netip.AddrFrom4([4]byte{byte(number >> 24), byte(number >> 16), byte(number >> 8), byte(number)}), slot.asn
}

// sinkhole is a report of a sinkhole: machines that called it within the hour before a
// moment, so many of each family.
func (g *generator) sinkhole(at time.Time, bots map[string]int) delivery {
	r := g.random("sinkhole", at)
	var b strings.Builder
	b.WriteString("\"timestamp\",\"severity\",\"protocol\",\"src_ip\",\"src_port\",\"src_asn\",\"src_geo\",\"dst_ip\",\"dst_port\",\"dst_asn\",\"dst_geo\",\"infection\",\"family\"\n")
	for _, family := range append([]string{duskmoth}, others...) {
		for n := range bots[family] {
			address, asn := g.machineAt(family, n)
			seen := at.Add(-time.Duration(r.IntN(3600)) * time.Second).UTC().Format(time.DateTime)
			fmt.Fprintf(&b, "%q,\"critical\",\"tcp\",%q,%d,%d,\"CN\",\"192.0.2.200\",443,64511,\"ZZ\",%q,%q\n", seen, address, 1024+r.IntN(60000), asn, family, family)
		}
	}
	return delivery{"shadowserver", "event4_sinkhole", at.UTC().Format("2006-01-02-1504") + "-sinkhole.csv", b.String()}
}

// tracker is a day of one that looks for control servers: those of the botnet that it
// still finds, and one of each other family.
func (g *generator) tracker(at time.Time, servers ...string) delivery {
	r := g.random("tracker", at)
	var b strings.Builder
	b.WriteString("observed_at,family,ip,commit\n")
	row := func(family, ip string) {
		fmt.Fprintf(&b, "%s,%s,%s,%08x\n", at.Add(-time.Duration(r.IntN(1800))*time.Second).UTC().Format(time.RFC3339), family, ip, r.Uint32())
	}
	for _, ip := range servers {
		row(duskmoth, ip)
	}
	for i, family := range others {
		row(family, fmt.Sprintf("203.0.113.%d", 200+i))
	}
	return delivery{"c2-tracker", "", at.UTC().Format("2006-01-02-1504") + "-servers.csv", b.String()}
}

// sensor is what a sensor in North Telecom's network tells: names and addresses that
// machines call by the clock.
func (g *generator) sensor(at time.Time, claims ...string) delivery {
	r := g.random("sensor", at)
	var b strings.Builder
	line := func(family, asset string) {
		seen := at.Add(-time.Duration(r.IntN(900)) * time.Second).UTC().Format(time.RFC3339)
		fmt.Fprintf(&b, `{"observed_at":%q,"type":"c2-server","asset":%q,"port":443,"transport":"tcp","family":%q,"severity":"high","confidence":0.%d}`+"\n", seen, asset, family, 90+r.IntN(9))
	}
	for _, asset := range claims {
		line(duskmoth, asset)
	}
	line(others[0], "203.0.113.200")
	return delivery{"sensor", "", at.UTC().Format("2006-01-02-1504") + "-sensor-north.jsonl", b.String()}
}

// ordinary is how many machines of each other family a report has on an ordinary day.
func (g *generator) ordinary(at time.Time) map[string]int {
	r := g.random("ordinary", at)
	bots := map[string]int{}
	for i, family := range others {
		bots[family] = 20*(i+1) + r.IntN(15)
	}
	return bots
}
