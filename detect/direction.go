package detect

import (
	"net/netip"

	"tocsin/traffic"
)

// Turned tells a flow whose Orig didn't open it: the source doesn't know who did,
// and the ports say that it was the other end.
func Turned(f *traffic.Flow) bool {
	if f.Oriented || f.Proto != traffic.TCP && f.Proto != traffic.UDP || f.OrigPort == f.RespPort {
		return false
	}
	return serves(f.OrigPort, f.Proto) && !serves(f.RespPort, f.Proto)
}

// serves tells a port that is listened on rather than called from.
func serves(port uint16, transport uint8) bool {
	if port < 1024 {
		return true
	}
	return transport == TCP && usual(Endpoint{Port: port, Transport: transport})
}

// Turn gives the flow with its ends exchanged.
func Turn(f *traffic.Flow) traffic.Flow {
	t := *f
	t.Orig, t.Resp = f.Resp, f.Orig
	t.OrigPort, t.RespPort = f.RespPort, f.OrigPort
	t.OrigBytes, t.RespBytes = f.RespBytes, f.OrigBytes
	t.OrigPayload, t.RespPayload = f.RespPayload, f.OrigPayload
	t.OrigPackets, t.RespPackets = f.RespPackets, f.OrigPackets
	return t
}

// Shard spreads hosts over n watches, always alike.
func Shard(host netip.Addr, n int) int { return int(addrHash(host, 0x5348415244) % uint64(n)) }

// SetBench gives a watch newer knowledge, from the next record on.
func (w *Watch) SetBench(b *Bench) { w.bench = b }
