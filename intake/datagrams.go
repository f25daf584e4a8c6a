package intake

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"tocsin/casebook"
)

const (
	// maxQueued bounds the octets of datagrams that were received and not fetched, and
	// maxWaiting their number; what comes then is dropped and counted.
	maxQueued  = 64 << 20
	maxWaiting = 1 << 16
	// kernelBuffer is what is asked of the kernel to hold between two reads.
	kernelBuffer = 16 << 20
)

// Datagram is what one exporter sent at once.
type Datagram struct {
	From     netip.AddrPort
	Received int64 // µs since 1970, UTC, by our clock
	Body     []byte
}

// Datagrams is the UDP door: it receives what exporters send, stamps it and keeps it,
// in bounded room, until it is fetched. UDP promises nothing, and neither does it:
// what it had to drop is counted.
type Datagrams struct {
	conn     *net.UDPConn
	queue    chan Datagram
	queued   atomic.Int64
	received atomic.Int64
	dropped  atomic.Int64
	ended    chan struct{}
	failed   error // why it ended, nil if it was closed
	now      func() time.Time
}

// ListenDatagrams opens the door at an address such as 127.0.0.1:2055 or :4739. It
// gives ErrInvalid for an address that is none. now is the clock of the stamps.
func ListenDatagrams(address string, now func() time.Time) (*Datagrams, error) {
	at, err := net.ResolveUDPAddr("udp", address)
	if err != nil {
		return nil, fmt.Errorf("UDP address %q: %v; write it as 127.0.0.1:2055: %w", address, err, casebook.ErrInvalid)
	}
	conn, err := net.ListenUDP("udp", at)
	if err != nil {
		return nil, fmt.Errorf("listening for datagrams: %w", err)
	}
	// The kernel grants what it allows; less is no error, but shows in Dropped.
	conn.SetReadBuffer(kernelBuffer)
	d := &Datagrams{conn: conn, queue: make(chan Datagram, maxWaiting), ended: make(chan struct{}), now: now}
	go d.receive()
	return d, nil
}

// Addr is where it listens.
func (d *Datagrams) Addr() netip.AddrPort { return d.conn.LocalAddr().(*net.UDPAddr).AddrPort() }

func (d *Datagrams) receive() {
	defer close(d.ended)
	room := make([]byte, 1<<16)
	for {
		n, from, err := d.conn.ReadFromUDPAddrPort(room)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			d.failed = d.conn.Close()
			return
		}
		if err != nil {
			d.failed = fmt.Errorf("receiving datagrams at %s: %w", d.Addr(), err)
			return
		}
		d.received.Add(1)
		if d.queued.Load()+int64(n) > maxQueued {
			d.dropped.Add(1)
			continue
		}
		select {
		case d.queue <- Datagram{from, d.now().UnixMicro(), append([]byte(nil), room[:n]...)}:
			d.queued.Add(int64(n))
		default:
			d.dropped.Add(1)
		}
	}
}

// Fetch gives the next datagram, waiting for it as long as within; ok is false if
// none came. After Close, what was received is still given, and then io.EOF; an error
// of the socket comes instead of that.
func (d *Datagrams) Fetch(within time.Duration) (g Datagram, ok bool, err error) {
	select {
	case g = <-d.queue:
		d.queued.Add(-int64(len(g.Body)))
		return g, true, nil
	default:
	}
	if within <= 0 {
		return g, false, nil
	}
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case g = <-d.queue:
		d.queued.Add(-int64(len(g.Body)))
		return g, true, nil
	case <-timer.C:
		return g, false, nil
	case <-d.ended:
	}
	select {
	case g = <-d.queue:
		d.queued.Add(-int64(len(g.Body)))
		return g, true, nil
	default:
	}
	if d.failed != nil {
		return g, false, d.failed
	}
	return g, false, io.EOF
}

// grace is how long a door that closes still takes what is on its way.
const grace = 200 * time.Millisecond

// Close shuts the door: what the kernel holds is still received, and then no more.
func (d *Datagrams) Close() error {
	err := d.conn.SetReadDeadline(time.Now().Add(grace))
	<-d.ended
	return err
}

// Counts gives how many datagrams were received, and how many of all that came were
// dropped: by us, because the queue was full, and by the kernel, because we didn't
// read in time, as far as it tells (Linux does).
func (d *Datagrams) Counts() (received, dropped int64) {
	return d.received.Load(), d.dropped.Load() + d.kernelDrops()
}

// kernelDrops reads the kernel's table of sockets for ours: its last column counts.
func (d *Datagrams) kernelDrops() (n int64) {
	port := fmt.Sprintf(":%04X", d.Addr().Port())
	for _, table := range []string{"/proc/net/udp", "/proc/net/udp6"} {
		f, err := os.Open(table)
		if err != nil {
			continue
		}
		for s := bufio.NewScanner(f); s.Scan(); {
			fields := strings.Fields(s.Text())
			if len(fields) > 12 && strings.HasSuffix(fields[1], port) {
				drops, _ := strconv.ParseInt(fields[12], 10, 64)
				n += drops
			}
		}
		f.Close()
	}
	return n
}
