//go:build !race

package sensor_test

import (
	"context"
	"io"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"slices"
	"testing"
	"time"

	"tocsin/detect"
	"tocsin/sensor"
	"tocsin/traffic"
)

// replay gives the same flows again and again, each time later by their span.
type replay struct {
	flows []traffic.Flow
	span  int64
	times int
	done  int
	at    int
}

func (r *replay) Close() error { return nil }

func (r *replay) Next(b *traffic.Batch) error {
	b.Reset()
	if r.done == r.times {
		return io.EOF
	}
	for range 1000 {
		f := r.flows[r.at]
		f.Start += int64(r.done) * r.span
		b.Flows = append(b.Flows, f)
		if r.at++; r.at == len(r.flows) {
			r.at = 0
			if r.done++; r.done == r.times {
				break
			}
		}
	}
	return nil
}

// heap looks at the memory in use whenever a day closes.
type heap struct {
	last
	bytes []uint64
	hours int
}

func (h *heap) Hour(time.Time, func() detect.Report) error {
	if h.hours++; h.hours%24 == 0 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		h.bytes = append(h.bytes, m.HeapAlloc)
	}
	return nil
}

// TestMemoryIsFlat replays a capture a hundred times, shifted by its span each
// time, and asks each day how much memory is in use. What it says in the end is
// the same bots as after the first time.
func TestMemoryIsFlat(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	flows := office(r, 40)
	flows = append(flows, lay(r, []int{1, 2, 3}, netip.MustParseAddrPort("192.0.2.66:4782"), 60, 0.3, 200, "")...)
	once, _ := run(t, sensor.Options{}, slices.Clone(flows))
	for i := range 20_000 { // and outsiders who try a port
		flows = append(flows, traffic.Flow{Start: noon + int64(i)*700_000, Orig: netip.AddrFrom4([4]byte{198, byte(18 + i>>16&1), byte(i >> 8), byte(i)}),
			Resp: office1(i % 40), OrigPort: 50000, RespPort: 23, Proto: traffic.TCP, State: traffic.Attempted, Oriented: true, OrigPackets: 1, Sampling: 1})
	}
	slices.SortStableFunc(flows, func(a, b traffic.Flow) int { return int(a.End() - b.End()) })
	source := sensor.Source{Name: "replay", Open: func() (sensor.Reader, error) {
		return &replay{flows: flows, span: 4 * 3600 * 1e6, times: 100}, nil
	}}
	var h heap
	sum, err := sensor.Run(context.Background(), []sensor.Source{source}, &h, sensor.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(h.bytes) < 10 {
		t.Fatalf("memory was looked at %d times, want at least 10", len(h.bytes))
	}
	early, late := slices.Max(h.bytes[1:4]), slices.Max(h.bytes[len(h.bytes)/2:])
	t.Logf("%d records; in use: %d kB in the first days, %d kB in the last half", sum.Records, early>>10, late>>10)
	if late > early+early/4+1<<20 {
		t.Errorf("memory grows: %d kB in use in the first days, %d kB in the last half", early>>10, late>>10)
	}
	if got, want := botsOf(h.report), botsOf(once); !slices.Equal(got, want) {
		t.Errorf("a hundred times gives the bots %v, once %v", got, want)
	}
}

// TestNothingIsAllocatedPerRecord scans flows of known hosts and endpoints, and
// counts allocations.
func TestNothingIsAllocatedPerRecord(t *testing.T) {
	w := detect.NewWatch(&detect.Bench{}, 1)
	r := rand.New(rand.NewPCG(8, 9))
	flows := lay(r, []int{1, 2, 3}, netip.MustParseAddrPort("192.0.2.66:4782"), 1, 0.3, 200, "")
	for i := range flows {
		w.Flow(&flows[i], true)
	}
	i := 0
	allocs := testing.AllocsPerRun(20_000, func() {
		f := flows[i%len(flows)]
		f.Start += 4 * 3600 * 1e6
		w.Flow(&f, true)
		i++
	})
	if allocs != 0 {
		t.Errorf("%.3f allocations a record, want none", allocs)
	}
}
