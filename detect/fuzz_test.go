package detect

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"

	"tocsin/traffic"
)

// FuzzWatch feeds records made of a stranger's octets, and asks for claims in
// between. Nothing panics, every bound holds, and the same records give the same
// claims, however often somebody asked.
func FuzzWatch(f *testing.F) {
	seed := make([]byte, 0, 4096)
	for i := range 128 {
		seed = binary.BigEndian.AppendUint64(seed, uint64(i)*0x9e3779b97f4a7c15)
		seed = binary.BigEndian.AppendUint64(seed, uint64(i)*1000)
	}
	f.Add(seed)
	f.Fuzz(func(t *testing.T, data []byte) {
		once, often := feed(data, 0), feed(data, 7)
		if a, b := fmt.Sprintf("%+v", once), fmt.Sprintf("%+v", often); a != b {
			t.Errorf("asked once:\n%s\nasked often:\n%s", a, b)
		}
		for i := range once.Bots {
			b := &once.Bots[i]
			if b.Confidence < 0 || b.Confidence > 1 || len(b.Evidence) > maxPrinted {
				t.Errorf("%s: confidence %g, %d pieces of evidence", b.Addr, b.Confidence, len(b.Evidence))
			}
		}
	})
}

// feed reads sixteen octets a record; every is how many records come between two
// questions, 0 for none.
func feed(data []byte, every int) Report {
	w := NewWatch(&Bench{}, 1)
	var fleet Fleet
	for n := 0; len(data) >= 16 && n < 400; n++ {
		x, y := binary.BigEndian.Uint64(data), binary.BigEndian.Uint64(data[8:])
		data = data[16:]
		host := netip.AddrFrom4([4]byte{10, 0, 0, byte(x & 3)})
		peer := netip.AddrFrom4([4]byte{198, 51, byte(x >> 8 & 3), byte(x >> 16)})
		at := int64(y%(96*3600)) * second
		port := uint16(x >> 24)
		switch x >> 40 & 7 {
		case 0:
			w.Lookup(&traffic.Lookup{At: at, Client: host, Query: fmt.Sprintf("h%d.example", x>>48&63), Type: uint16(x >> 56), Answered: x>>60&1 == 0, RCode: int16(x >> 61 & 3), Addrs: []netip.Addr{peer}})
		case 1:
			w.Request(&traffic.Request{At: at, Client: host, Server: peer, ServerPort: port, Host: peer.String(), URI: "/"}, true)
		case 2:
			w.Handshake(&traffic.Handshake{At: at, Client: host, Server: peer, ServerPort: port})
		case 3:
			w.Inbound(&traffic.Flow{Start: at, Orig: peer, Resp: host, RespPort: port, Proto: TCP, State: traffic.State(x >> 48 & 7)}, true)
		default:
			fl := traffic.Flow{Start: at, Duration: int64(x >> 44 & 0xffff), Orig: host, Resp: peer, OrigPort: uint16(y >> 48), RespPort: port,
				Proto: []uint8{TCP, UDP, ICMP, 0}[x>>50&3], State: traffic.State(x >> 52 & 7), OneWay: x>>55&7 == 0, Piece: x>>58&7 == 0,
				OrigPayload: int64(y>>32&0xffff) - 1, OrigBytes: -1, RespBytes: -1, RespPayload: int64(y >> 20 & 0xfff), OrigPackets: int64(y >> 16 & 0xffff), Flags: uint8(x >> 60)}
			if x>>57&15 == 0 {
				w.Reply(&fl)
			} else {
				w.Flow(&fl, x>>59&7 != 0)
			}
		}
		if n%64 == 63 {
			fleet.Take(w.Close(at))
		}
		if every > 0 && n%every == 0 {
			fleet.Take(w.Judge())
			fleet.Report()
		}
	}
	fleet.Take(w.Close(EndOfTime))
	fleet.Take(w.Judge())
	return fleet.Report()
}
