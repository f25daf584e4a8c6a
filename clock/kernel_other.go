//go:build !linux

package clock

import "time"

// Kernel isn't known here: name time servers.
func Kernel() (Reading, error) { return Reading{Source: "kernel", At: time.Now().UTC()}, nil }
