package sensor_test

import (
	"cmp"
	"context"
	"io"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"tocsin/detect"
	"tocsin/sensor"
	"tocsin/traffic"
)

// memory is a capture that a test made.
type memory struct {
	flows   []traffic.Flow
	lookups []traffic.Lookup
}

func (m *memory) Close() error { return nil }

func (m *memory) Next(b *traffic.Batch) error {
	b.Reset()
	if len(m.flows)+len(m.lookups) == 0 {
		return io.EOF
	}
	n := min(1000, len(m.flows))
	b.Flows = append(b.Flows, m.flows[:n]...)
	m.flows = m.flows[n:]
	if n == 0 {
		k := min(1000, len(m.lookups))
		b.Lookups = append(b.Lookups, m.lookups[:k]...)
		m.lookups = m.lookups[k:]
	}
	return nil
}

// run scans what a test made.
func run(t testing.TB, o sensor.Options, flows []traffic.Flow, lookups ...traffic.Lookup) (detect.Report, sensor.Summary) {
	t.Helper()
	slices.SortStableFunc(flows, func(a, b traffic.Flow) int { return cmp.Compare(a.End(), b.End()) })
	slices.SortStableFunc(lookups, func(a, b traffic.Lookup) int { return cmp.Compare(a.At, b.At) })
	sources := []sensor.Source{{Name: "flows", Open: func() (sensor.Reader, error) { return &memory{flows: flows}, nil }}}
	if len(lookups) > 0 {
		sources = append(sources, sensor.Source{Name: "lookups", Open: func() (sensor.Reader, error) { return &memory{lookups: lookups}, nil }})
	}
	var l last
	s, err := sensor.Run(context.Background(), sources, &l, o)
	if err != nil {
		t.Fatal(err)
	}
	return l.report, s
}

const noon = int64(1_764_000_000_000_000)

// office lays what n clean hosts do in four hours: each browses, polls mail and
// asks for updates at servers that all share.
func office(r *rand.Rand, n int) []traffic.Flow {
	var flows []traffic.Flow
	call := func(h int, at float64, server netip.Addr, port uint16, sent, got int64) {
		flows = append(flows, traffic.Flow{Start: noon + int64(at*1e6), Duration: int64(r.Float64() * 5e6), Orig: office1(h), Resp: server, OrigPort: uint16(20000 + r.IntN(40000)), RespPort: port,
			Proto: traffic.TCP, State: traffic.Established, Oriented: true, OrigBytes: sent + 300, RespBytes: got + 300, OrigPayload: sent, RespPayload: got, OrigPackets: 8, RespPackets: 9, Sampling: 1, Service: "ssl"})
	}
	for h := range n {
		for at := r.Float64() * 600; at < 4*3600; at += 60 + r.ExpFloat64()*400 {
			site := r.IntN(4000)
			for range 1 + r.IntN(4) {
				call(h, at+r.Float64(), netip.AddrFrom4([4]byte{203, 0, byte(site / 250), byte(site%250 + 1)}), 443, 400+r.Int64N(3000), 1000+r.Int64N(90000))
			}
		}
		for at := r.Float64() * 300; at < 4*3600; at += 300 + r.Float64()*5 {
			call(h, at, netip.AddrFrom4([4]byte{198, 51, 100, 10}), 993, 800, 2000+r.Int64N(300))
		}
		for at := r.Float64() * 3600; at < 4*3600; at += 900 {
			call(h, at, netip.AddrFrom4([4]byte{198, 51, 100, 11}), 443, 700+r.Int64N(20), 1500)
		}
	}
	return flows
}

func office1(h int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, 1, byte(h / 250), byte(h%250 + 1)})
}

// lay lays bots over hosts: each calls the controller by its own clock, with its
// own jitter.
func lay(r *rand.Rand, hosts []int, controller netip.AddrPort, period, jitter float64, sent int64, service string) []traffic.Flow {
	var flows []traffic.Flow
	for _, h := range hosts {
		for at := r.Float64() * 1800; at < 4*3600; at += period * (1 + jitter*r.Float64()) {
			flows = append(flows, traffic.Flow{Start: noon + int64(at*1e6), Duration: int64(r.Float64() * 2e6), Orig: office1(h), Resp: controller.Addr(), OrigPort: uint16(20000 + r.IntN(40000)), RespPort: controller.Port(),
				Proto: traffic.TCP, State: traffic.Established, Oriented: true, OrigBytes: sent + 240, RespBytes: 500, OrigPayload: sent + r.Int64N(12), RespPayload: 260, OrigPackets: 6, RespPackets: 6, Sampling: 1, Service: service})
		}
	}
	return flows
}

// botsOf lists the hosts that are suspected or confirmed.
func botsOf(r detect.Report) []string {
	var list []string
	for i := range r.Bots {
		if r.Bots[i].Certainty >= detect.Suspected {
			list = append(list, r.Bots[i].Addr.String())
		}
	}
	slices.Sort(list)
	return list
}
