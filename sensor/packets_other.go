//go:build !linux

package sensor

import (
	"errors"
	"io"
	"time"
)

// Packets gives what passes an interface as a capture. Only Linux can do that so far.
func Packets(name string, now func() time.Time) (io.ReadCloser, error) {
	return nil, errors.New("capturing from an interface works on Linux only: pipe tcpdump -w - into tocsin sensor - instead")
}
