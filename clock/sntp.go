package clock

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"time"
)

// packetSize is an SNTP packet without extensions (RFC 4330, section 4).
const packetSize = 48

// Nonce stands where a request has its moment: the answer must bring it back, and
// nobody learns our clock from it.
type Nonce [8]byte

// Kiss is a server's refusal ("kiss-o'-death", RFC 5905, section 7.4).
type Kiss struct {
	Code string // four characters: DENY, RSTR: never ask again; RATE: too often
}

// Error is a sentence.
func (k Kiss) Error() string { return fmt.Sprintf("it refuses to tell the time (%q)", k.Code) }

// errForeign is a packet that doesn't answer our request: it is passed over.
var errForeign = errors.New("it answers another request")

// Request gives the packet to send: version 4, a client's (RFC 5905, section 7.3).
func Request(n Nonce) [packetSize]byte {
	var p [packetSize]byte
	p[0] = 4<<3 | 3
	copy(p[40:], n[:])
	return p
}

// Parse reads the answer to the request with that nonce, which left at sent by
// this machine's clock and took so long to be answered. The reading has no Source
// and no At. The bound is half the round trip and the server's own distance from
// its reference (RFC 5905, section 11.2), and the time is taken to be within 68
// years of sent, or of the year 2026 if that is later, so that the count of seconds
// may start anew in 2036. It gives a Kiss for a refusal, and an error for a server
// that isn't synchronised or a packet that isn't an answer.
func Parse(packet []byte, n Nonce, sent time.Time, took time.Duration) (Reading, error) {
	if len(packet) < packetSize {
		return Reading{}, fmt.Errorf("%d octets are too few: %w", len(packet), errForeign)
	}
	if Nonce(packet[24:32]) != n {
		return Reading{}, errForeign
	}
	leap, version, mode, stratum := packet[0]>>6, packet[0]>>3&7, packet[0]&7, packet[1]
	rootDelay, rootDispersion := short(packet[4:]), short(packet[8:])
	switch {
	case mode != 4 || version < 1 || version > 4:
		return Reading{}, fmt.Errorf("mode %d of version %d isn't a server's answer", mode, version)
	case stratum == 0:
		return Reading{}, Kiss{printable(packet[12:16])}
	case leap == 3 || stratum > 15:
		return Reading{}, errors.New("it isn't synchronised itself")
	case [8]byte(packet[32:40]) == [8]byte{} || [8]byte(packet[40:48]) == [8]byte{}:
		return Reading{}, errors.New("its answer has no time")
	}
	pivot := sent
	if pivot.Before(epoch2026) {
		pivot = epoch2026
	}
	received, answered := stamp(packet[32:40], pivot), stamp(packet[40:48], pivot)
	stayed := answered.Sub(received)
	if stayed < 0 || stayed > took || took < 0 {
		return Reading{}, fmt.Errorf("it says that it had the request for %v of %v", stayed, took)
	}
	// Halved one by one: the sum of two could be more than a Duration holds.
	early, late := received.Sub(sent), answered.Sub(sent.Add(took))
	theirs := early/2 + late/2
	return Reading{Known: true, Offset: -theirs, Bound: (took-stayed)/2 + rootDelay/2 + rootDispersion + time.Microsecond}, nil
}

// short reads a 16.16 fixed-point number of seconds.
func short(b []byte) time.Duration {
	return time.Duration(uint64(binary.BigEndian.Uint32(b)) * uint64(time.Second) >> 16)
}

var (
	// epoch1900 is where the first count of NTP's seconds starts.
	epoch1900 = time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)
	epoch2026 = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
)

// stamp reads a 32.32 fixed-point moment: of the era in which it is nearest to the
// pivot.
func stamp(b []byte, pivot time.Time) time.Time {
	seconds := binary.BigEndian.Uint32(b)
	fraction := time.Duration(uint64(binary.BigEndian.Uint32(b[4:])) * uint64(time.Second) >> 32)
	now := pivot.Unix() - epoch1900.Unix()
	// The difference of two counters that roll over is right as a signed number.
	return time.Unix(pivot.Unix()+int64(int32(seconds-uint32(now))), int64(fraction)).UTC()
}

func printable(b []byte) string {
	text := make([]byte, 0, len(b))
	for _, c := range b {
		if c > ' ' && c < 0x7f {
			text = append(text, c)
		}
	}
	return string(text)
}

// tries is how often a server is asked that doesn't answer.
const tries = 3

// ask measures by one server.
func ask(ctx context.Context, server string) (Reading, error) {
	address := server
	if _, _, err := net.SplitHostPort(server); err != nil {
		address = net.JoinHostPort(server, "123")
	}
	// A connected socket takes packets from that address only.
	conn, err := new(net.Dialer).DialContext(ctx, "udp", address)
	if err != nil {
		return Reading{}, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })()
	for range tries {
		var r Reading
		if r, err = exchange(conn); err == nil {
			r.Source = "ntp " + address
			return r, nil
		}
		if _, ok := errors.AsType[Kiss](err); ok || ctx.Err() != nil {
			break
		}
	}
	return Reading{}, err
}

// wait bounds one exchange.
const wait = 1500 * time.Millisecond

// exchange sends one request and reads until its answer comes.
func exchange(conn net.Conn) (Reading, error) {
	var n Nonce
	rand.Read(n[:])
	request := Request(n)
	sent := time.Now()
	if err := conn.SetReadDeadline(sent.Add(wait)); err != nil {
		return Reading{}, err
	}
	if _, err := conn.Write(request[:]); err != nil {
		return Reading{}, err
	}
	buffer := make([]byte, 1024)
	for range 100 {
		size, err := conn.Read(buffer)
		took := time.Since(sent)
		if err != nil {
			return Reading{}, err
		}
		r, err := Parse(buffer[:size], n, sent.Round(0).UTC(), took)
		if !errors.Is(err, errForeign) {
			r.At = sent.Add(took).Round(0).UTC()
			return r, err
		}
	}
	return Reading{}, errors.New("it sends nothing but answers to other requests")
}
