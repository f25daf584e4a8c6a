package detect

import (
	"net/netip"

	"tocsin/traffic"
)

// portUse is what a host did to one port, wherever it was.
type portUse struct {
	port      uint16
	transport uint8
	outside   bool
	starts    uint64
	failed    uint64
	targets   sketch // different addresses
	first     int64
	last      int64
	// The hour with the most targets, by the hours in which they were new.
	inHour     sketch
	hour       int64
	peak       int
	peakHour   int64
	peakFailed uint64
	hourFailed uint64
	hourStarts uint64
	peakStarts uint64
}

// target is an address many of whose ports were tried.
type target struct {
	addr        netip.Addr
	ports       sketch
	starts      uint64
	failed      uint64
	first, last int64
}

// use counts a start by its port. When the table is full, the port used least
// gives its place, and what was counted for it is gone.
func (h *host) use(f *traffic.Flow, outside bool) {
	failed := f.State == traffic.Attempted || f.State == traffic.Rejected || f.OneWay && f.Proto == traffic.TCP && f.Flags == 2
	port := f.RespPort
	if f.Proto == traffic.ICMP || f.Proto == traffic.ICMPv6 {
		port = 0
	}
	var u *portUse
	least, taken := -1, 0
	for i := range h.uses {
		c := &h.uses[i]
		if c.transport != f.Proto {
			continue // a crowd of UDP ports drives no TCP port out
		}
		taken++
		if c.port == port && c.outside == outside {
			u = c
			break
		}
		if least < 0 || c.starts < h.uses[least].starts {
			least = i
		}
	}
	switch {
	case u != nil:
	case taken < maxPortUses:
		h.uses = append(h.uses, portUse{port: port, transport: f.Proto, outside: outside, first: f.Start})
		u = &h.uses[len(h.uses)-1]
	default:
		h.uses[least] = portUse{port: port, transport: f.Proto, outside: outside, first: f.Start}
		u = &h.uses[least]
	}
	u.add(f, failed)
	// UDP to a high port that isn't answered is an answer itself, as to a question
	// to a group, more often than a try.
	if failed && (f.Proto == traffic.TCP || f.Proto == traffic.UDP && f.RespPort < 1<<15) {
		h.knock(f)
	}
}

func (u *portUse) add(f *traffic.Flow, failed bool) {
	u.starts++
	u.first, u.last = min(u.first, f.Start), max(u.last, f.Start)
	hash := addrHash(f.Resp, 0)
	u.targets.add(hash)
	if now := f.Start / hour; now != u.hour {
		u.settle()
		u.hour, u.inHour, u.hourFailed, u.hourStarts = now, sketch{}, 0, 0
	}
	u.inHour.add(hash)
	u.hourStarts++
	if failed {
		u.failed++
		u.hourFailed++
	}
}

// settle keeps the hour if it had the most targets.
func (u *portUse) settle() {
	if n := u.inHour.count(); n > u.peak {
		u.peak, u.peakHour, u.peakFailed, u.peakStarts = n, u.hour, u.hourFailed, u.hourStarts
	}
}

// knock counts the ports of one address that didn't open.
func (h *host) knock(f *traffic.Flow) {
	var t *target
	least := -1
	for i := range h.targets {
		c := &h.targets[i]
		if c.addr == f.Resp {
			t = c
			break
		}
		if least < 0 || c.starts < h.targets[least].starts {
			least = i
		}
	}
	switch {
	case t != nil:
	case len(h.targets) < maxTargets:
		h.targets = append(h.targets, target{addr: f.Resp, first: f.Start})
		t = &h.targets[len(h.targets)-1]
	default:
		h.targets[least] = target{addr: f.Resp, first: f.Start}
		t = &h.targets[least]
	}
	if f.Start-t.last > hour && t.ports.count() < scanPorts {
		*t = target{addr: t.addr, first: f.Start} // what took hours was no search
	}
	t.starts++
	t.failed++
	t.first, t.last = min(t.first, f.Start), max(t.last, f.Start)
	t.ports.add(mix(uint64(f.RespPort)<<8 | uint64(f.Proto)))
}
