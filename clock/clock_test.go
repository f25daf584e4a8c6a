package clock

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// put writes a moment as NTP has it, of whatever era.
func put(b []byte, at time.Time) {
	since := at.Unix() - epoch1900.Unix()
	binary.BigEndian.PutUint32(b, uint32(since))
	binary.BigEndian.PutUint32(b[4:], uint32(uint64(at.Nanosecond())<<32/uint64(time.Second)))
}

// answer makes a good answer: received and sent by the server's clock.
func answer(n Nonce, received, sent time.Time) []byte {
	p := make([]byte, packetSize)
	p[0], p[1] = 4<<3|4, 2
	binary.BigEndian.PutUint32(p[4:], 1<<16/50)  // root delay, 20 ms
	binary.BigEndian.PutUint32(p[8:], 1<<16/200) // root dispersion, 5 ms
	copy(p[24:], n[:])
	put(p[32:], received)
	put(p[40:], sent)
	return p
}

var (
	nonce = Nonce{1, 2, 3, 4, 5, 6, 7, 8}
	sent  = time.Date(2026, 2, 16, 14, 30, 0, 0, time.UTC)
)

func TestParse(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		name           string
		sent           time.Time
		true_          time.Duration // our clock less the server's
		there, stay    time.Duration
		back           time.Duration
		offset, within time.Duration
	}{
		{"a clock that is right", sent, 0, 10 * ms, 1 * ms, 10 * ms, 0, 0},
		{"one that is fast", sent, 1500 * ms, 10 * ms, 1 * ms, 10 * ms, 1500 * ms, 0},
		{"one that is slow by a day", sent, -24 * time.Hour, 10 * ms, 1 * ms, 10 * ms, -24 * time.Hour, 0},
		{"a way there that is longer", sent, 0, 30 * ms, 1 * ms, 10 * ms, -10 * ms, 0},
		{"a machine that believes in 1970", time.Unix(0, 0).UTC(), time.Unix(0, 0).Sub(sent), 10 * ms, 1 * ms, 10 * ms, time.Unix(0, 0).Sub(sent), 0},
		// 2036-02-07T06:28:16Z: the seconds start anew.
		{"the last second of the first era", time.Date(2036, 2, 7, 6, 28, 14, 0, time.UTC), 0, 10 * ms, 1 * ms, 10 * ms, 0, 0},
		{"the server is in the second era already", time.Date(2036, 2, 7, 6, 28, 15, 0, time.UTC), -5 * time.Second, 10 * ms, 1 * ms, 10 * ms, -5 * time.Second, 0},
		{"the answer crosses it", time.Date(2036, 2, 7, 6, 28, 15, 995e6, time.UTC), 0, 10 * ms, 1 * ms, 10 * ms, 0, 0},
		{"we are in it, the server isn't", time.Date(2036, 2, 7, 6, 28, 18, 0, time.UTC), 5 * time.Second, 10 * ms, 1 * ms, 10 * ms, 5 * time.Second, 0},
		{"long after", time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC), 250 * ms, 10 * ms, 1 * ms, 10 * ms, 250 * ms, 0},
		{"a machine that believes in 1970, when it is 2060", time.Unix(0, 0).UTC(), time.Unix(0, 0).Sub(time.Date(2060, 1, 1, 0, 0, 0, 0, time.UTC)), 10 * ms, 1 * ms, 10 * ms,
			time.Unix(0, 0).Sub(time.Date(2060, 1, 1, 0, 0, 0, 0, time.UTC)), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			received := c.sent.Add(c.there - c.true_)
			took := c.there + c.stay + c.back
			r, err := Parse(answer(nonce, received, received.Add(c.stay)), nonce, c.sent, took)
			if err != nil {
				t.Fatal(err)
			}
			if d := (r.Offset - c.offset).Abs(); !r.Known || d > time.Microsecond {
				t.Errorf("got %+v, want the offset %v", r, c.offset)
			}
			if want := (c.there+c.back)/2 + 15*ms; (r.Bound - want).Abs() > 100*time.Microsecond {
				t.Errorf("got the bound %v, want %v", r.Bound, want)
			}
			if (r.Offset - c.true_).Abs() > r.Bound {
				t.Errorf("the truth, %v, lies outside %v give or take %v", c.true_, r.Offset, r.Bound)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	good := answer(nonce, sent.Add(10*time.Millisecond), sent.Add(11*time.Millisecond))
	for _, c := range []struct {
		name  string
		spoil func(p []byte) []byte
		want  string
	}{
		{"nothing", func([]byte) []byte { return nil }, "too few"},
		{"a packet cut short", func(p []byte) []byte { return p[:47] }, "too few"},
		{"an answer to somebody else", func(p []byte) []byte { p[31]++; return p }, "another request"},
		{"our own request", func([]byte) []byte { p := Request(nonce); copy(p[24:32], nonce[:]); return p[:] }, "mode 3"},
		{"a broadcast", func(p []byte) []byte { p[0] = 4<<3 | 5; return p }, "mode 5"},
		{"a version that isn't", func(p []byte) []byte { p[0] = 7<<3 | 4; return p }, "version 7"},
		{"kiss: too often", func(p []byte) []byte { p[1] = 0; copy(p[12:], "RATE"); return p }, `"RATE"`},
		{"kiss: never", func(p []byte) []byte { p[1] = 0; copy(p[12:], "DENY"); return p }, `"DENY"`},
		{"kiss: with a bell in it", func(p []byte) []byte { p[1] = 0; copy(p[12:], "\aX\x00\xff"); return p }, `"X"`},
		{"a leap indicator that says unsynchronised", func(p []byte) []byte { p[0] |= 3 << 6; return p }, "isn't synchronised"},
		{"stratum 16", func(p []byte) []byte { p[1] = 16; return p }, "isn't synchronised"},
		{"no time received", func(p []byte) []byte { clear(p[32:40]); return p }, "no time"},
		{"no time sent", func(p []byte) []byte { clear(p[40:48]); return p }, "no time"},
		{"sent before it was received", func(p []byte) []byte { put(p[40:], sent); return p }, "had the request for"},
		{"kept longer than it was away", func(p []byte) []byte { put(p[40:], sent.Add(time.Hour)); return p }, "had the request for"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := Parse(c.spoil(append([]byte{}, good...)), nonce, sent, 21*time.Millisecond)
			if err == nil || !strings.Contains(err.Error(), c.want) || r.Known {
				t.Errorf("got %+v, %v; want %q", r, err, c.want)
			}
			if _, kiss := errors.AsType[Kiss](err); kiss != strings.HasPrefix(c.name, "kiss") {
				t.Errorf("a kiss: %v", kiss)
			}
		})
	}
}

// TestTheTruthLiesWithinTheBound whatever the ways there and back take.
func TestTheTruthLiesWithinTheBound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		span := func(name string, most time.Duration) time.Duration {
			return time.Duration(rapid.Int64Range(0, int64(most)).Draw(t, name))
		}
		off := span("off", 10*365*24*time.Hour) - 5*365*24*time.Hour
		there, stay, back := span("there", 2*time.Second), span("stay", time.Second), span("back", 2*time.Second)
		at := time.Unix(rapid.Int64Range(1.5e9, 6e9).Draw(t, "at"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns")).UTC()
		if at.Before(epoch2026) {
			at = epoch2026
		}
		received := at.Add(there - off)
		r, err := Parse(answer(nonce, received, received.Add(stay)), nonce, at, there+stay+back)
		if err != nil {
			t.Skip(err) // fractions are cut, so that a stay may look longer than the way
		}
		if (r.Offset - off).Abs() > r.Bound {
			t.Fatalf("%v off is read as %v give or take %v", off, r.Offset, r.Bound)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add(answer(nonce, sent, sent), int64(time.Second))
	f.Add([]byte("short"), int64(-1))
	f.Fuzz(func(t *testing.T, packet []byte, took int64) {
		if len(packet) >= packetSize {
			copy(packet[24:32], nonce[:])
		}
		r, err := Parse(packet, nonce, sent, time.Duration(took))
		if (err == nil) != r.Known || r.Bound < 0 {
			t.Errorf("%+v, %v", r, err)
		}
	})
}

// timeServer is one on loopback. respond gives the packets to send for a request.
func timeServer(t *testing.T, respond func(n Nonce) [][]byte) (address string, asked func() int) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	count := 0
	var done sync.WaitGroup
	done.Go(func() {
		b := make([]byte, 1024)
		for {
			size, from, err := conn.ReadFrom(b)
			if err != nil {
				return
			}
			mu.Lock()
			count++
			mu.Unlock()
			if size != packetSize || b[0] != 0x23 {
				t.Errorf("asked with % x", b[:size])
			}
			for _, p := range respond(Nonce(b[40:48])) {
				conn.WriteTo(p, from)
			}
		}
	})
	t.Cleanup(func() { conn.Close(); done.Wait() })
	return conn.LocalAddr().String(), func() int { mu.Lock(); defer mu.Unlock(); return count }
}

// skewed answers as a server whose clock is ahead by that.
func skewed(by time.Duration) func(Nonce) [][]byte {
	return func(n Nonce) [][]byte {
		now := time.Now().Add(by)
		return [][]byte{answer(n, now, now)}
	}
}

func TestMeasure(t *testing.T) {
	foreign := func(n Nonce) [][]byte {
		wrong := n
		wrong[0]++
		now := time.Now()
		return [][]byte{answer(wrong, now.Add(time.Hour), now.Add(time.Hour)), []byte("hello"), answer(n, now, now)}
	}
	kiss := func(n Nonce) [][]byte {
		p := answer(n, time.Now(), time.Now())
		p[1] = 0
		copy(p[12:], "RATE")
		return [][]byte{p}
	}
	for _, c := range []struct {
		name    string
		servers []func(Nonce) [][]byte
		known   bool
		offset  time.Duration
		fault   string
	}{
		{"one server, and our clock is slow", []func(Nonce) [][]byte{skewed(1500 * time.Millisecond)}, true, -1500 * time.Millisecond, ""},
		{"an answer behind those to others", []func(Nonce) [][]byte{foreign}, true, 0, ""},
		{"a kiss of death", []func(Nonce) [][]byte{kiss}, false, 0, "RATE"},
		{"a kiss of death, and one that answers", []func(Nonce) [][]byte{kiss, skewed(0)}, true, 0, "RATE"},
		{"a liar among three", []func(Nonce) [][]byte{skewed(0), skewed(time.Hour), skewed(0)}, true, 0, ""},
		{"two that disagree", []func(Nonce) [][]byte{skewed(0), skewed(time.Hour)}, false, 0, "no majority"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var servers []string
			var asked func() int
			for _, respond := range c.servers {
				var address string
				address, asked = timeServer(t, respond)
				servers = append(servers, address)
			}
			r, err := Measure(t.Context(), servers)
			if r.Known != c.known || (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
				t.Fatalf("got %+v, %v", r, err)
			}
			if r.Known && ((r.Offset-c.offset).Abs() > r.Bound || r.Bound > time.Second || !strings.HasPrefix(r.Source, "ntp 127.0.0.1:") || time.Since(r.At).Abs() > time.Minute) {
				t.Errorf("got %+v, want the offset %v", r, c.offset)
			}
			if n := asked(); n != 1 {
				t.Errorf("asked %d times: who refuses isn't asked again", n)
			}
		})
	}
}

func TestMeasureIsCalledOff(t *testing.T) {
	address, _ := timeServer(t, func(Nonce) [][]byte { return nil })
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	begun := time.Now()
	r, err := Measure(ctx, []string{address})
	if r.Known || err == nil || time.Since(begun) > 3*time.Second {
		t.Errorf("after %v: %+v, %v", time.Since(begun), r, err)
	}
	if _, err := Measure(t.Context(), []string{"host name with spaces"}); err == nil {
		t.Error("no host was asked, and answered")
	}
}

func TestAgree(t *testing.T) {
	r := func(offset, bound int) Reading {
		return Reading{Known: true, Offset: time.Duration(offset), Bound: time.Duration(bound)}
	}
	for _, c := range []struct {
		name   string
		all    []Reading
		want   Reading
		agreed bool
	}{
		{"nobody", nil, Reading{}, false},
		{"one", []Reading{r(5, 2)}, r(5, 2), true},
		{"two that touch", []Reading{r(0, 5), r(10, 5)}, r(0, 5), true},
		{"two that don't", []Reading{r(0, 4), r(10, 5)}, Reading{}, false},
		{"the surest of those that agree", []Reading{r(0, 10), r(3, 1), r(2, 5)}, r(3, 1), true},
		{"a sure liar", []Reading{r(0, 10), r(100, 1), r(2, 5)}, r(2, 5), true},
		{"half isn't most", []Reading{r(0, 1), r(0, 1), r(10, 1), r(10, 1)}, Reading{}, false},
		{"one vague enough for both, and no majority without it", []Reading{r(0, 1), r(20, 1), r(10, 50)}, r(0, 1), true},
	} {
		got, agreed := Agree(c.all)
		if diff := cmp.Diff(c.want, got); agreed != c.agreed || diff != "" {
			t.Errorf("%s: %v\n%s", c.name, agreed, diff)
		}
	}
}
