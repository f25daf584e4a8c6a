package courier

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// Backoff says when a message is tried again. Its moments follow from the first
// attempt alone, so a restart changes none of them.
type Backoff struct {
	First time.Duration // wait after the first attempt; the next ones double
	Most  time.Duration // no wait is longer, but for its spread
	Until time.Duration // after the first attempt, when it is given up
}

// Patient is for what may wait: 10 s, 20 s, 40 s and so on up to half an hour,
// given up after three days.
var Patient = Backoff{First: 10 * time.Second, Most: 30 * time.Minute, Until: 72 * time.Hour}

// Pressing is for what wakes people: 5 s, 10 s, 20 s, then every 30 s or so, given
// up after an hour, when the next call has long taken its place.
var Pressing = Backoff{First: 5 * time.Second, Most: 30 * time.Second, Until: time.Hour}

// Next gives the moment of the next attempt after so many, the first of which was
// at first; dead means there is none. attempts below 1 gives first. Each wait is
// up to a tenth shorter or longer, by a hash of the message's ID and the number,
// so that messages that failed together don't return together.
func (b Backoff) Next(id string, first time.Time, attempts int) (next time.Time, dead bool) {
	var sum time.Duration
	wait := min(max(b.First, time.Millisecond), max(b.Most, time.Millisecond))
	for n := 1; n <= attempts; n++ {
		sum += wait + spread(id, n, wait)
		if sum > b.Until {
			return time.Time{}, true
		}
		wait = min(2*wait, max(b.Most, time.Millisecond))
	}
	return first.Add(sum), false
}

// spread gives -wait/10 to +wait/10.
func spread(id string, n int, wait time.Duration) time.Duration {
	var number [8]byte
	binary.BigEndian.PutUint64(number[:], uint64(n))
	sum := sha256.Sum256(append([]byte(id), number[:]...))
	share := float64(binary.BigEndian.Uint32(sum[:4]))/(1<<31) - 1
	return time.Duration(share * float64(wait) / 10)
}
