package clock

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Kernel reads what the kernel knows of its clock from whoever keeps it
// synchronised (adjtimex(2)): the correction that is still to be made, and the
// largest error. It isn't Known if nobody does.
func Kernel() (Reading, error) {
	var x unix.Timex
	state, err := unix.Adjtimex(&x)
	if err != nil {
		return Reading{}, fmt.Errorf("ask the kernel for its clock's state: %w", err)
	}
	return fromKernel(x, state, time.Now().UTC()), nil
}

// fromKernel reads an answer of adjtimex(2).
func fromKernel(x unix.Timex, state int, at time.Time) Reading {
	unit := time.Microsecond
	if x.Status&unix.STA_NANO != 0 {
		unit = time.Nanosecond
	}
	r := Reading{Source: "kernel", At: at}
	if state == unix.TIME_ERROR || x.Status&unix.STA_UNSYNC != 0 {
		return r
	}
	r.Known, r.Offset, r.Bound = true, -time.Duration(x.Offset)*unit, time.Duration(x.Maxerror)*time.Microsecond
	return r
}
