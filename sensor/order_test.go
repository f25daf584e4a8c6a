package sensor_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"tocsin/detect"
	"tocsin/sensor"
	"tocsin/traffic"
)

// TestSourcesInAnyOrder says the same to the last figure however the sources are ordered
// and by however many workers.
func TestSourcesInAnyOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	flows := append(office(r, 30), lay(r, []int{2, 5, 9}, netip.MustParseAddrPort("192.0.2.66:4444"), 60, 0.3, 400, "")...)
	slices.SortStableFunc(flows, func(a, b traffic.Flow) int { return cmp.Compare(a.End(), b.End()) })
	halves := map[string][]traffic.Flow{}
	for i, f := range flows {
		name := string(rune('a' + i%3))
		halves[name] = append(halves[name], f)
	}
	judge := func(workers int, names ...string) string {
		var sources []sensor.Source
		for _, n := range names {
			sources = append(sources, sensor.Source{Name: n, Open: func() (sensor.Reader, error) { return &memory{flows: halves[n]}, nil }})
		}
		var l last
		if _, err := sensor.Run(t.Context(), sources, &l, sensor.Options{Workers: workers}); err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%+v", l.report)
	}
	want := judge(1, "a", "b", "c")
	for _, names := range [][]string{{"a", "b", "c"}, {"c", "b", "a"}, {"b", "a", "c"}} {
		if got := judge(3, names...); got != want {
			t.Errorf("sources %v: other claims", names)
		}
	}
	if !strings.Contains(want, "192.0.2.66") {
		t.Error("the controller isn't claimed")
	}
}

// prompt counts how often it is asked between hours, and what is confirmed by then.
type prompt struct {
	last
	asked, sure int
}

func (p *prompt) Soon(report func() detect.Report) error {
	p.asked++
	for _, b := range report().Bots {
		if b.Certainty == detect.Confirmed {
			p.sure++
			break
		}
	}
	return nil
}

// TestWhatIsConfirmedIsToldSoon lays a search of half an hour within one hour: who wants to
// know hears of it long before the hour is over, and what is said at the end is the same.
func TestWhatIsConfirmedIsToldSoon(t *testing.T) {
	var flows []traffic.Flow
	for i := range 1800 {
		flows = append(flows, traffic.Flow{Start: noon - noon%3_600_000_000 + int64(i)*1e6, Orig: office1(3), Resp: netip.AddrFrom4([4]byte{byte(60 + i%80), byte(i / 250), byte(i), 7}), OrigPort: uint16(30000 + i), RespPort: 23,
			Proto: traffic.TCP, State: traffic.Attempted, Oriented: true, OrigBytes: 60, OrigPackets: 1, Sampling: 1})
	}
	source := []sensor.Source{{Name: "flows", Open: func() (sensor.Reader, error) { return &memory{flows: flows}, nil }}}
	var p prompt
	if _, err := sensor.Run(t.Context(), source, &p, sensor.Options{}); err != nil {
		t.Fatal(err)
	}
	if p.asked != 5 || p.sure < 4 {
		t.Errorf("asked %d times, %d times something was confirmed; want 5, and at least 4", p.asked, p.sure)
	}
	var patient last
	if _, err := sensor.Run(t.Context(), source, &patient, sensor.Options{}); err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprintf("%+v", p.report), fmt.Sprintf("%+v", patient.report); got != want {
		t.Errorf("who asks often hears something else:\n%s\n%s", got, want)
	}
}
