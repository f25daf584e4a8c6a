package clock

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func TestKernel(t *testing.T) {
	for _, c := range []struct {
		name  string
		x     unix.Timex
		state int
		want  Reading
	}{
		{"kept, and to be put forward by 300 µs", unix.Timex{Offset: 300, Maxerror: 2000}, unix.TIME_OK, Reading{Known: true, Offset: -300 * time.Microsecond, Bound: 2 * time.Millisecond}},
		{"the same in nanoseconds", unix.Timex{Offset: 300_000, Maxerror: 2000, Status: unix.STA_NANO | unix.STA_PLL}, unix.TIME_OK, Reading{Known: true, Offset: -300 * time.Microsecond, Bound: 2 * time.Millisecond}},
		{"a leap second is ahead", unix.Timex{Maxerror: 1}, unix.TIME_INS, Reading{Known: true, Bound: time.Microsecond}},
		{"kept by nobody", unix.Timex{Maxerror: 16_000_000, Status: unix.STA_UNSYNC}, unix.TIME_OK, Reading{}},
		{"in error", unix.Timex{Maxerror: 16_000_000}, unix.TIME_ERROR, Reading{}},
	} {
		c.want.Source, c.want.At = "kernel", sent
		if diff := cmp.Diff(c.want, fromKernel(c.x, c.state, sent)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
	r, err := Measure(t.Context(), nil)
	if err != nil || r.Source != "kernel" || time.Since(r.At) > time.Minute || r.Known && r.Bound <= 0 {
		t.Errorf("this machine's: %+v, %v", r, err)
	}
	t.Logf("this machine: %+v", r)
}
