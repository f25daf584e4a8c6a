package detect

import (
	"testing"

	"tocsin/traffic"
)

// exported turns the scene's flows into what an exporter of NetFlow makes of them: a record
// for each direction, cut each half an hour, with flags instead of fates.
func (s *scene) exported(cut int64) {
	s.flowsOnly()
	var out []traffic.Flow
	for _, f := range s.flows {
		answered := f.State != traffic.Attempted && f.State != traffic.Rejected
		f.OneWay, f.Point = true, "192.0.2.1/0"
		resp := f.RespBytes
		f.RespBytes, f.RespPackets = -1, -1
		if f.Proto == TCP {
			f.Flags = 0x1b
			if !answered {
				f.Flags = 2
			}
		}
		rejected := f.State == traffic.Rejected
		f.State, f.Oriented = traffic.StateUnknown, false
		if f.Proto == TCP && !answered {
			f.State, f.Oriented = traffic.Attempted, true
		}
		n := 1 + f.Duration/cut
		for i := range n {
			p := f
			p.Start, p.Duration = f.Start+i*cut, min(cut, f.Duration-i*cut)
			p.OrigBytes, p.OrigPackets = max(f.OrigBytes/n, 40), max(f.OrigPackets/n, 1)
			p.Piece = n > 1
			if i > 0 && p.Proto == TCP {
				p.Flags = 0x18
			}
			out = append(out, p)
			if answered || rejected {
				back := Turn(&p)
				back.OrigBytes, back.OrigPackets, back.RespBytes, back.RespPackets = max(resp/n, 40), 5, -1, -1
				back.State, back.Oriented = traffic.StateUnknown, false
				if rejected {
					back.Flags, back.OrigBytes, back.OrigPackets = 0x14, 40, 1
				}
				out = append(out, back)
			}
		}
	}
	s.flows = out
}

// TestExportedFlowsShowTheSame judges shapes and busy days from records of one direction
// each, cut each minute and each half an hour.
func TestExportedFlowsShowTheSame(t *testing.T) {
	bench := &Bench{Clocks: clocksOf{clocks: map[string]string{"123/17": "NTP, by its port"}}}
	// That UDP isn't answered shows only where both directions are told together.
	unseen := map[string]bool{"a flood of UDP to any port": true}
	judge := func(seed uint64, hours float64, cut int64, lay func(s *scene, h string)) (Certainty, *Bot) {
		s := newScene(seed)
		s.browse(judgedHost, 0, hours)
		lay(s, judgedHost)
		s.exported(cut)
		r := s.report(t, bench)
		return r.grade(judgedHost)
	}
	for _, cut := range []int64{minute, 30 * minute} {
		for i, c := range shapes {
			if grade, bot := judge(uint64(5000+i), c.hours, cut, c.lay); grade < min(c.flows, Suspected) && !unseen[c.name] {
				t.Errorf("%s, cut each %d s: got %s, want it suspected:%s", c.name, cut/second, grade, reasons(bot))
			}
		}
		for i, c := range busy {
			if grade, bot := judge(uint64(6000+i), 24, cut, c.lay); grade > Weak {
				t.Errorf("%s, cut each %d s: got %s, want weak or nothing:%s", c.name, cut/second, grade, reasons(bot))
			}
		}
	}
}
