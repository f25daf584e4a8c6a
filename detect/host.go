package detect

import "net/netip"

// Host is what one internal host did, as detectors judge it when a window
// closes. Counts are since the window opened, unless they say otherwise.
type Host struct {
	Addr netip.Addr
}
