package sensor_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

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
