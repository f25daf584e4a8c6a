package indicator

import (
	"sync"
	"sync/atomic"
)

// Live holds the generation that is in force. It is swapped whole: who asks sees
// the old one or the new one, never a part, and never nothing. The zero value holds
// an empty Base.
type Live struct {
	base  atomic.Pointer[Base]
	swaps sync.Mutex
}

var nothing = &Base{}

// Base gives the generation in force. Whoever has several questions about one
// record asks one Base.
func (l *Live) Base() *Base {
	if b := l.base.Load(); b != nil {
		return b
	}
	return nothing
}

// Swap puts a new generation in force, sets its number and gives it. Those who hold
// the old one go on with it; it is freed when the last of them lets go.
func (l *Live) Swap(b *Base) int64 {
	l.swaps.Lock()
	defer l.swaps.Unlock()
	b.Generation = l.Base().Generation + 1
	l.base.Store(b)
	return b.Generation
}
