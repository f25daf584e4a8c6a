//go:build !race

package indicator_test

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"tocsin/indicator"
)

// The bars of loading: a process that loads all of Maltrail's trails, packed, and
// swaps them for a second loading while it goes on answering.
const (
	maxLoadSeconds = 4.0 // of processor, both loadings together
	maxLoadBytes   = 400 << 20
)

func loadTrails(t testing.TB, name string) *indicator.Base {
	t.Helper()
	l := indicator.NewLoader()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := l.Read("trails.tar.xz", f); err != nil {
		t.Fatal(err)
	}
	return l.Base()
}

// TestTrails measures the loading in a process of its own, and asks for each record
// of the trails afterwards: none may be lost.
func TestTrails(t *testing.T) {
	name := sharedData(t, "traffic/ioc-maltrail/trails-static.tar.xz")
	if os.Getenv("TOCSIN_TEST_TRAILS") != "" {
		var live indicator.Live
		live.Swap(loadTrails(t, name))
		live.Swap(loadTrails(t, name))
		if n := live.Base().Set.Stats().Total(); n < 1_600_000 {
			t.Fatalf("%d values", n)
		}
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestTrails$")
	cmd.Env = append(os.Environ(), "TOCSIN_TEST_TRAILS=load")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	used := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	cpu := (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	t.Logf("two loadings of the trails and the swap: %.2f CPU seconds, at most %d MB", cpu, used.Maxrss>>10)
	if used.Maxrss<<10 > maxLoadBytes {
		t.Errorf("%d MB, want less than %d", used.Maxrss>>10, maxLoadBytes>>20)
	}
	if cpu > 2*maxLoadSeconds { // the machine may be shared; the figure is in the log
		t.Errorf("%.2f CPU seconds, more than twice the %.0f that are wanted", cpu, maxLoadSeconds)
	}
}

// TestTrailsComplete reads the trails a second time by the plainest means there is,
// and asks for every line.
func TestTrailsComplete(t *testing.T) {
	base := loadTrails(t, sharedData(t, "traffic/ioc-maltrail/trails-static.tar.xz"))
	var rows, refused int64
	for _, l := range base.Lists {
		rows, refused = rows+l.Rows, refused+l.Refused
	}
	s := base.Set.Stats()
	t.Logf("%d lists, %d records, %d refused, %d taken, %d different", len(base.Lists), rows, refused, s.Rows, s.Total())
	if rows != s.Rows+refused || len(base.Lists) < 3000 || rows < 1_850_000 || refused > 200 {
		t.Errorf("records got lost")
	}
	out, err := exec.Command("tar", "xJOf", sharedData(t, "traffic/ioc-maltrail/trails-static.tar.xz")).Output()
	if err != nil {
		t.Skipf("tar can't read the trails: %v", err)
	}
	lost := 0
	for line := range bytes.Lines(out) {
		text, _, _ := strings.Cut(string(line), " ")
		text = strings.TrimSpace(text)
		if text == "" || text[0] == '#' || strings.Contains(text, "//") {
			continue
		}
		if v, err := indicator.Parse(text); err == nil && len(ask(base.Set, v)) == 0 {
			if lost++; lost < 10 {
				t.Errorf("%q isn't found", text)
			}
		}
	}
	if lost > 0 {
		t.Errorf("%d lines aren't found", lost)
	}
}

// ask asks for a value as traffic would bring it.
func ask(s *indicator.Set, v indicator.Value) []indicator.Match {
	switch v.Kind {
	case indicator.Address, indicator.Endpoint, indicator.Prefix:
		return s.AppendAddress(nil, v.Addr, v.Port)
	case indicator.Domain:
		return s.AppendName(nil, v.Text)
	case indicator.URL:
		host, path, _ := strings.Cut(v.Text, "/")
		port := uint16(0)
		if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
			fmt.Sscan(host[i+1:], &port)
			host = host[:i]
		}
		return s.AppendRequest(nil, host, port, "/"+path)
	case indicator.Path:
		return s.AppendRequest(nil, "clean.example", 80, v.Text)
	}
	return s.AppendFingerprint(nil, v.Kind, v.Text)
}

// BenchmarkTrails asks 1.85 million indicators as traffic does: hardly anything is
// known.
func BenchmarkTrails(b *testing.B) {
	base := loadTrails(b, sharedData(b, "traffic/ioc-maltrail/trails-static.tar.xz"))
	var addrs [1 << 14]netip.Addr
	var names [1 << 14]string
	var octets [1 << 14][]byte
	for i := range addrs {
		n := uint32(i) * 2654435761
		addrs[i] = netip.AddrFrom4([4]byte{byte(n>>24)%223 + 1, byte(n >> 16), byte(n >> 8), byte(n)})
		names[i] = fmt.Sprintf("www%d.some-host%d.example%d.com", n%7, n%1000003, n%97)
		octets[i] = []byte(names[i])
	}
	var room [4]indicator.Match
	b.Run("address", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			base.Set.AppendAddress(room[:0], addrs[i&(1<<14-1)], 443)
		}
	})
	b.Run("name", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			base.Set.AppendName(room[:0], names[i&(1<<14-1)])
		}
	})
	b.Run("octets", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			base.Set.AppendNameBytes(room[:0], octets[i&(1<<14-1)])
		}
	})
	b.Run("request", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			base.Set.AppendRequest(room[:0], names[i&(1<<14-1)], 80, "/index.html?a=b")
		}
	})
}
