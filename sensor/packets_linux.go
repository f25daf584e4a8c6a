package sensor

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"tocsin/casebook"
)

// snapshot is how much of a packet is taken: a full frame, and no jumbo's payload.
const snapshot = 2048

// Packets gives what passes an interface as a capture in the classic pcap format,
// until it is closed. It needs the right to open packet sockets (on Linux
// CAP_NET_RAW). It gives ErrNotFound for an interface that isn't there.
func Packets(name string, now func() time.Time) (io.ReadCloser, error) {
	card, err := net.InterfaceByName(name)
	if err != nil {
		return nil, fmt.Errorf("interface %q: %v: %w", name, err, casebook.ErrNotFound)
	}
	order := func(n uint16) uint16 { return n<<8 | n>>8 }
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, int(order(unix.ETH_P_ALL)))
	if err != nil {
		return nil, fmt.Errorf("capturing on %s: %w; that takes root, or the capability CAP_NET_RAW", name, err)
	}
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 16<<20) // what the kernel allows
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: order(unix.ETH_P_ALL), Ifindex: card.Index}); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("capturing on %s: %w", name, err)
	}
	if card.Flags&net.FlagLoopback != 0 { // which shows each packet leaving and coming
		unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1)
	}
	p := &packets{file: os.NewFile(uintptr(fd), name), now: now}
	p.pending = append(p.pending, pcapHeader[:]...)
	return p, nil
}

// pcapHeader is for Ethernet frames, with microseconds.
var pcapHeader = [24]byte{0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 16: snapshot & 0xff, 17: snapshot >> 8, 20: 1}

type packets struct {
	file    *os.File
	now     func() time.Time
	closing sync.Once
	frame   [snapshot]byte
	pending []byte
}

// Read gives the next octets of the capture.
func (p *packets) Read(b []byte) (int, error) {
	for len(p.pending) == 0 {
		n, err := p.file.Read(p.frame[:])
		if err != nil {
			return 0, io.EOF // closed
		}
		at := p.now()
		p.pending = binary.LittleEndian.AppendUint32(p.pending[:0], uint32(at.Unix()))
		p.pending = binary.LittleEndian.AppendUint32(p.pending, uint32(at.Nanosecond()/1000))
		p.pending = binary.LittleEndian.AppendUint32(p.pending, uint32(n))
		p.pending = binary.LittleEndian.AppendUint32(p.pending, uint32(n))
		p.pending = append(p.pending, p.frame[:n]...)
	}
	n := copy(b, p.pending)
	p.pending = p.pending[n:]
	return n, nil
}

// Close ends the capture.
func (p *packets) Close() (err error) {
	p.closing.Do(func() { err = p.file.Close() })
	return err
}
