package detect

import (
	"fmt"

	"tocsin/traffic"
)

var _ = add(Detector{Name: "scan", About: "tries one port at many addresses, or many ports at one", Host: scans})

const (
	scanTargets    = 30  // different addresses in an hour, most of which don't answer
	scanWebTargets = 250 // on the web's ports, where an outage looks alike
	scanMany       = 200
	scanShare      = 0.6 // of the attempts that fail
	scanOdd        = 0.9 // on an unusual port
	scanPorts      = 30  // different ports of one address that don't answer, without an hour's pause
	highUDP        = 6000
	udpTargets     = 500 // on a high UDP port, where peers look alike
)

// scans looks for a host that searches: one port at many addresses within an
// hour, most of which don't answer, or many closed ports of one address. A host
// that can't reach anything fails everywhere, so the web's ports need far more. A
// scan of the inside may be an administrator's: it is never more than suspected.
func scans(h *Host, b *Bench) []Evidence {
	var out []Evidence
	for i := range h.uses {
		if e, ok := sweep(h, &h.uses[i]); ok {
			out = append(out, e)
		}
	}
	for i := range h.targets {
		if e, ok := portScan(h, &h.targets[i]); ok {
			out = append(out, e)
		}
	}
	return out
}

func sweep(h *Host, u *portUse) (Evidence, bool) {
	v := *u
	v.settle()
	need := scanTargets
	e := Endpoint{Port: v.port, Transport: v.transport}
	switch {
	case v.transport == traffic.UDP && (v.port == 53 || v.port == 123 || v.port == 137 || web(v.port) || torrent(v.port)):
		return Evidence{}, false
	case v.transport == traffic.UDP && v.port >= highUDP:
		need = udpTargets
	case v.transport == traffic.TCP && (web(v.port) || torrent(v.port)):
		need = scanWebTargets
	case v.transport == traffic.ICMP || v.transport == traffic.ICMPv6:
		need = 2 * scanTargets
	}
	share := float64(v.peakFailed) / float64(max(v.peakStarts, 1))
	if (!usual(e) || v.transport == traffic.UDP && v.port >= highUDP) && share < scanOdd {
		return Evidence{}, false // some peers of a mesh answer
	}
	if v.peak < need || share < scanShare || v.transport == traffic.TCP && web(v.port) && share < 0.8 {
		return Evidence{}, false
	}
	if v.transport == traffic.TCP && !usual(e) && h.Crowd > 4*v.targets.count() {
		return Evidence{}, false // one port among a crowd's many
	}
	ev := Evidence{Detector: "scan", Host: h.Addr, Signs: Attack, Act: "scan", Inside: !v.outside, First: v.first, Last: v.last, Ceiling: Suspected}
	if v.outside && v.peak >= scanMany && !web(v.port) {
		ev.Ceiling = Confirmed
	}
	ev.Score = round3(clamp(0.4 + 0.2*share + 0.4*float64(v.peak)/float64(v.peak+200)))
	ev.Figures = []Figure{{"port", float64(v.port)}, {"targets", float64(v.targets.count())}, {"targets_1h", float64(v.peak)},
		{"attempts", float64(v.starts)}, {"failed", float64(v.failed)}}
	where := "addresses inside"
	if v.outside {
		where = "addresses outside"
	}
	ev.Because = fmt.Sprintf("tried %s at %s %s within an hour, %s%% of it unanswered (%s in all)",
		portName(v.transport, v.port), count(v.peak), where, number(100*share), plural(v.starts, "attempt", "attempts"))
	return ev, true
}

func portName(transport uint8, port uint16) string {
	switch transport {
	case traffic.ICMP, traffic.ICMPv6:
		return "ICMP echo"
	case traffic.UDP:
		return fmt.Sprintf("UDP port %d", port)
	}
	return fmt.Sprintf("TCP port %d", port)
}

func portScan(h *Host, t *target) (Evidence, bool) {
	n := t.ports.count()
	if n < scanPorts || float64(t.last-t.first) > 24*float64(hour) {
		return Evidence{}, false
	}
	// An address that also answers a lot is a server, or a peer.
	answered, inside := 0, false
	for i := range h.Ways {
		if h.Ways[i].Addr == t.addr {
			answered += h.Ways[i].Answered
			inside = !h.Ways[i].Outside
		}
	}
	if answered > n/4 {
		return Evidence{}, false
	}
	e := Evidence{Detector: "scan", Host: h.Addr, Peer: Endpoint{Addr: t.addr}, Role: Victim, Signs: Attack, Act: "scan", Inside: inside,
		First: t.first, Last: t.last, Ceiling: Suspected, Score: round3(clamp(0.5 + 0.4*float64(n)/float64(n+100)))}
	e.Figures = []Figure{{"ports", float64(n)}, {"attempts", float64(t.starts)}}
	e.Because = fmt.Sprintf("tried %s of %s that didn't open, within %s", plural(n, "port", "ports"), t.addr, lasting(float64(t.last-t.first)/1e6))
	return e, true
}
