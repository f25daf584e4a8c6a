// Package clock tells how far this machine's clock is off, and how sure that is:
// by asking time servers, or by what the kernel says of itself. It sets nothing.
// What a reading is good for, and who is told of a bad one, is left to the rooms
// above.
package clock

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Reading is one measurement. The zero value says that nothing is known.
type Reading struct {
	// Known: Offset and Bound mean something.
	Known bool
	// Offset is this machine's clock less the true time: positive is fast.
	Offset time.Duration
	// Bound is how far Offset may be from the truth, either way, if the source
	// and those it follows don't lie.
	Bound  time.Duration
	Source string    // "ntp HOST:PORT", or "kernel"
	At     time.Time // by this machine's clock, UTC
}

// limit bounds one measurement.
const limit = 5 * time.Second

// Measure asks the servers, HOST or HOST:PORT, all at once, and gives the reading
// that most of them support; without servers it gives the kernel's. It takes 5
// seconds at most. The error tells what went wrong at each server, also when the
// others sufficed; the Reading isn't Known if too few answered or no majority of
// those that did agrees.
func Measure(ctx context.Context, servers []string) (Reading, error) {
	if len(servers) == 0 {
		return Kernel()
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	readings := make([]Reading, len(servers))
	faults := make([]error, len(servers))
	var all sync.WaitGroup
	for i, server := range servers {
		all.Go(func() {
			if readings[i], faults[i] = ask(ctx, server); faults[i] != nil {
				faults[i] = fmt.Errorf("time server %s: %w", server, faults[i])
			}
		})
	}
	all.Wait()
	known := slices.DeleteFunc(readings, func(r Reading) bool { return !r.Known })
	best, agreed := Agree(known)
	if !agreed && len(known) > 0 {
		faults = append(faults, fmt.Errorf("%d time servers answered, and no majority of them agrees", len(known)))
	}
	return best, errors.Join(faults...)
}

// Agree gives the most certain of the readings that the moment supported by most
// lies in (K. Marzullo's intersection, as in RFC 5905, section 11.2.1); false if
// that isn't more than half of them.
func Agree(readings []Reading) (Reading, bool) {
	votes := func(at time.Duration) (n int) {
		for _, r := range readings {
			if at >= r.Offset-r.Bound && at <= r.Offset+r.Bound {
				n++
			}
		}
		return n
	}
	var at time.Duration
	most := 0
	for _, r := range readings {
		// A largest intersection begins where some interval begins.
		if n := votes(r.Offset - r.Bound); n > most {
			at, most = r.Offset-r.Bound, n
		}
	}
	if 2*most <= len(readings) {
		return Reading{}, false
	}
	held := slices.DeleteFunc(slices.Clone(readings), func(r Reading) bool { return at < r.Offset-r.Bound || at > r.Offset+r.Bound })
	return slices.MinFunc(held, func(a, b Reading) int { return cmp.Compare(a.Bound, b.Bound) }), true
}
