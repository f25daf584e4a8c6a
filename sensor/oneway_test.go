package sensor_test

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"tocsin/sensor"
	"tocsin/traffic"
)

// halves tells flows as NetFlow does: each direction is a record of its own,
// nobody says who began, and the state must be read from the flags.
func halves(flows []traffic.Flow, point string) []traffic.Flow {
	var out []traffic.Flow
	for _, f := range flows {
		there := f
		there.OneWay, there.Oriented, there.State, there.Point, there.Service = true, false, traffic.StateUnknown, point, ""
		there.RespBytes, there.RespPayload, there.RespPackets = traffic.Unknown, traffic.Unknown, traffic.Unknown
		there.OrigPayload = traffic.Unknown
		if f.Proto == traffic.TCP {
			there.Flags = 2 | 16 | 8
			if f.State == traffic.Attempted || f.State == traffic.Rejected {
				there.Flags = 2
			}
		}
		out = append(out, there)
		if f.State != traffic.Established {
			continue
		}
		back := there
		back.Orig, back.Resp, back.OrigPort, back.RespPort = f.Resp, f.Orig, f.RespPort, f.OrigPort
		back.OrigBytes, back.OrigPackets = f.RespBytes, f.RespPackets
		out = append(out, back)
	}
	return out
}

// cut tells flows as an active timeout of a minute does: in pieces.
func cut(flows []traffic.Flow) []traffic.Flow {
	var out []traffic.Flow
	for _, f := range flows {
		for f.Duration > 60e6 {
			piece := f
			piece.Duration, piece.Piece = 60e6, true
			out = append(out, piece)
			f.Start += 60e6
			f.Duration -= 60e6
			f.Piece = true
		}
		out = append(out, f)
	}
	return out
}

// infected lays a few bots of different make over an office.
func infected(seed uint64) []traffic.Flow {
	r := rand.New(rand.NewPCG(seed, 3))
	flows := office(r, 30)
	flows = append(flows, lay(r, []int{1, 2}, netip.MustParseAddrPort("192.0.2.66:4782"), 60, 0.3, 200, "")...)
	dead := lay(r, []int{3}, netip.MustParseAddrPort("192.0.2.77:1177"), 12, 0.4, 0, "")
	for i := range dead {
		dead[i].State, dead[i].Duration = traffic.Attempted, 3e6
	}
	flows = append(flows, dead...)
	for i := range 1500 {
		flows = append(flows, traffic.Flow{Start: noon + int64(i)*800_000, Duration: 3e6, Orig: office1(4), Resp: netip.AddrFrom4([4]byte{byte(60 + i%50), byte(i / 7), byte(i), 9}),
			OrigPort: uint16(30000 + i), RespPort: 23, Proto: traffic.TCP, State: traffic.Attempted, Oriented: true, OrigBytes: 60, OrigPackets: 1, Sampling: 1})
	}
	return flows
}

var infectedHosts = []string{"10.1.0.2", "10.1.0.3", "10.1.0.4", "10.1.0.5"}

// TestOtherTelemetrySaysTheSame tells the same traffic in the ways of several
// sources and wants the same bots.
func TestOtherTelemetrySaysTheSame(t *testing.T) {
	for _, c := range []struct {
		name string
		tell func([]traffic.Flow) []traffic.Flow
	}{
		{"whole conversations", func(f []traffic.Flow) []traffic.Flow { return f }},
		{"one way each", func(f []traffic.Flow) []traffic.Flow { return halves(f, "192.0.2.1/0") }},
		{"cut by a timeout", cut},
		{"cut, one way each", func(f []traffic.Flow) []traffic.Flow { return halves(cut(f), "192.0.2.1/0") }},
		{"seen at two points", func(f []traffic.Flow) []traffic.Flow {
			return append(halves(f, "192.0.2.1/0"), halves(f, "192.0.2.2/0")...)
		}},
		{"told in two files", func(f []traffic.Flow) []traffic.Flow {
			for i := range f {
				f[i].Link = uint64(i + 1)
			}
			return append(slices.Clone(f), f...)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, _ := run(t, sensor.Options{}, c.tell(infected(1)))
			if got := botsOf(r); !slices.Equal(got, infectedHosts) {
				t.Errorf("got bots %v, want %v", got, infectedHosts)
			}
		})
	}
}

// TestALongConnectionInPiecesIsNoClock cuts one connection each minute, exactly:
// that is the exporter's clock and not the host's.
func TestALongConnectionInPiecesIsNoClock(t *testing.T) {
	flow := traffic.Flow{Start: noon, Duration: 3 * 3600 * 1e6, Orig: office1(1), Resp: netip.MustParseAddr("192.0.2.66"), OrigPort: 50000, RespPort: 4000,
		Proto: traffic.TCP, State: traffic.Established, OrigBytes: 900, RespBytes: 900, OrigPayload: 500, RespPayload: 500, OrigPackets: 6, RespPackets: 6, Sampling: 1}
	for _, flows := range [][]traffic.Flow{cut([]traffic.Flow{flow}), halves(cut([]traffic.Flow{flow}), "192.0.2.1/0")} {
		r, _ := run(t, sensor.Options{}, flows)
		for i := range r.Bots {
			for _, e := range r.Bots[i].Evidence {
				if e.Detector == "beacon" {
					t.Errorf("a connection in pieces is told as a clock: %s", e.Because)
				}
			}
		}
	}
}

// TestSampledFlowsHaveNoIntervals samples one packet in a hundred: clocks are not
// judged then, and the summary says why; what several hosts do still is.
func TestSampledFlowsHaveNoIntervals(t *testing.T) {
	flows := infected(2)
	for i := range flows {
		flows[i].Sampling = 100
	}
	r, s := run(t, sensor.Options{}, flows)
	if !s.Sampled {
		t.Error("the summary doesn't say that the flows were sampled")
	}
	for i := range r.Bots {
		for _, e := range r.Bots[i].Evidence {
			for _, f := range e.Figures {
				if f.Name == "period_s" || f.Name == "jitter_s" {
					t.Errorf("%s tells %s of sampled flows", e.Detector, f.Name)
				}
			}
		}
	}
	if got := botsOf(r); !slices.Contains(got, "10.1.0.5") {
		t.Errorf("got bots %v, want the one that scans among them", got)
	}
}

// TestDirectionDecides lets the whole net try the ports of a clean host, and log
// in to it: it is exposed, and no bot.
func TestDirectionDecides(t *testing.T) {
	flows := office(rand.New(rand.NewPCG(4, 4)), 3)
	for i := range 5000 {
		state := traffic.Attempted
		if i%3 == 0 {
			state = traffic.Established
		}
		flows = append(flows, traffic.Flow{Start: noon + int64(i)*2_000_000, Duration: 1e6, Orig: netip.AddrFrom4([4]byte{198, 18, byte(i / 200), byte(i%200 + 1)}), Resp: office1(1),
			OrigPort: uint16(40000 + i), RespPort: []uint16{22, 23, 445, 3389}[i%4], Proto: traffic.TCP, State: state, Oriented: true,
			OrigPayload: 600, RespPayload: 600, OrigBytes: 900, RespBytes: 900, OrigPackets: 9, RespPackets: 9, Sampling: 1})
	}
	for _, tell := range []func([]traffic.Flow) []traffic.Flow{
		func(f []traffic.Flow) []traffic.Flow { return f },
		func(f []traffic.Flow) []traffic.Flow { return halves(f, "192.0.2.1/0") },
	} {
		r, _ := run(t, sensor.Options{}, tell(slices.Clone(flows)))
		if got := botsOf(r); len(got) > 0 {
			t.Errorf("got bots %v, want none", got)
		}
	}
}
