package capture

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tocsin/traffic"
)

// tool finds a program whose output we read, and skips the test without it.
func tool(t *testing.T, name, debian string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if errors.Is(err, exec.ErrNotFound) {
		path, err = exec.LookPath("/usr/sbin/" + name)
	}
	if err != nil {
		t.Skipf("%s isn't installed (Debian: apt-get install %s)", name, debian)
	}
	return path
}

// day writes a pcap of web requests, names and scans to a file.
func day(t *testing.T) (path string, packets int64) {
	t.Helper()
	s := newScript(t)
	resolver := netip.MustParseAddrPort("198.51.100.53:53")
	for i := range 60 {
		from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i%5 + 1)}), uint16(40000+i))
		s.udp(from, resolver, dnsPacket(t, uint16(i), "www.example.org."))
		s.udp(resolver, from, dnsPacket(t, uint16(i), "www.example.org."))
		s.open(from, server)
		s.tcp(from, server, "PA", get)
		s.tcp(server, from, "PA", ok+"lo")
		s.end(from, server)
		s.tcp(netip.AddrPortFrom(from.Addr(), uint16(50000+i)), netip.AddrPortFrom(server.Addr(), uint16(1000+i)), "S", "")
		s.at = s.at.Add(time.Second)
	}
	path = filepath.Join(t.TempDir(), "day.pcap")
	if err := os.WriteFile(path, s.pcap(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, int64(len(s.packets))
}

func output(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	cmd := exec.CommandContext(ctx, name, args...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, said.String())
	}
	return out
}

// sums adds packets of both directions, and counts the different conversations.
func sums(flows []traffic.Flow) (packets int64, conversations int) {
	type ends struct{ a, b netip.AddrPort }
	seen := map[ends]bool{}
	for _, f := range flows {
		packets += max(f.OrigPackets, 0) + max(f.RespPackets, 0)
		a, b := netip.AddrPortFrom(f.Orig, f.OrigPort), netip.AddrPortFrom(f.Resp, f.RespPort)
		if b.Compare(a) < 0 {
			a, b = b, a
		}
		seen[ends{a, b}] = true
	}
	return packets, len(seen)
}

// TestSoftflowd takes what a real exporter makes of a pcap, in each of its versions:
// no packet and no conversation is lost.
func TestSoftflowd(t *testing.T) {
	softflowd := tool(t, "softflowd", "softflowd")
	path, packets := day(t)
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, conversations := sums(readAll(t, "day.pcap", bytes.NewReader(file)).Flows)
	for _, version := range []string{"5", "9", "10"} {
		conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetReadBuffer(4 << 20)
		output(t, softflowd, "-d", "-r", path, "-n", conn.LocalAddr().String(), "-v", version)
		c := NewCollector()
		var b traffic.Batch
		buffer := make([]byte, 64<<10)
		// All of it was sent before softflowd ended.
		for conn.SetReadDeadline(time.Now().Add(300 * time.Millisecond)); ; {
			n, from, err := conn.ReadFromUDPAddrPort(buffer)
			if err != nil {
				break
			}
			if err := c.Datagram(from, time.Now().UnixMicro(), buffer[:n], &b); err != nil {
				t.Error(err)
			}
		}
		if gotPackets, got := sums(b.Flows); gotPackets != packets || got != conversations {
			t.Errorf("version %s: %d packets of %d conversations, want %d of %d", version, gotPackets, got, packets, conversations)
		}
		checkSpan(t, version, b.Flows)
	}
}

// checkSpan looks whether the flows are as far apart as the packets were.
func checkSpan(t *testing.T, version string, flows []traffic.Flow) {
	t.Helper()
	if len(flows) == 0 {
		return
	}
	low := slices.MinFunc(flows, func(a, b traffic.Flow) int { return int(a.Start/1000 - b.Start/1000) })
	high := slices.MaxFunc(flows, func(a, b traffic.Flow) int { return int(a.Start/1000 - b.Start/1000) })
	if span := high.Start - low.Start; span < 59_000_000 || span > 62_000_000 {
		t.Errorf("version %s: the flows begin within %d ms, the packets within a minute", version, span/1000)
	}
}

// TestNfcapd reads the files that nfcapd writes of a real exporter, in each packing, and
// the texts that nfdump makes of them.
func TestNfcapd(t *testing.T) {
	softflowd, nfcapd, nfdump := tool(t, "softflowd", "softflowd"), tool(t, "nfcapd", "nfdump"), tool(t, "nfdump", "nfdump")
	path, packets := day(t)
	for _, packing := range []string{"", "-z", "-j", "-y"} {
		dir := t.TempDir()
		port := freePort(t)
		args := []string{"-p", strconv.Itoa(port), "-l", dir, "-b", "127.0.0.1", "-t", "86400"}
		if packing != "" {
			args = append(args, packing)
		}
		ctx, stop := context.WithCancel(t.Context())
		cmd := exec.CommandContext(ctx, nfcapd, args...)
		cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		waitForPort(t, port)
		output(t, softflowd, "-d", "-r", path, "-n", "127.0.0.1:"+strconv.Itoa(port), "-v", "9")
		waitForQuiet(t, port)
		stop()
		cmd.Wait()
		names, _ := filepath.Glob(filepath.Join(dir, "nfcapd.2*"))
		if len(names) != 1 {
			t.Fatalf("nfcapd %s wrote %v", packing, names)
		}
		text, err := os.ReadFile(names[0])
		if err != nil {
			t.Fatal(err)
		}
		all := readAll(t, names[0], bytes.NewReader(text))
		if got, _ := sums(all.Flows); all.format != "nfdump" || got != packets || all.counts.Refused > 0 {
			t.Errorf("packing %q: %d packets, want %d: %v", packing, got, packets, all.bad)
		}
		for _, form := range []string{"csv", "long", "extended", "json"} {
			text := output(t, nfdump, "-r", names[0], "-o", form)
			printed := readAll(t, form, bytes.NewReader(text))
			if got, _ := sums(printed.Flows); got != packets || printed.counts.Refused > 0 || len(printed.Flows) != len(all.Flows) {
				t.Errorf("-o %s, read as %s: %d flows of %d packets, want %d of %d: %v", form, printed.format, len(printed.Flows), got, len(all.Flows), packets, printed.bad)
			}
		}
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.LocalAddr().(*net.UDPAddr).Port
}

// sockets gives what the kernel says of the UDP socket at a port: whether it is there,
// and how many octets wait in it.
func socket(port int) (there bool, waiting int64) {
	text, _ := os.ReadFile("/proc/net/udp")
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) > 4 && strings.HasSuffix(f[1], ":"+strings.ToUpper(strconv.FormatInt(int64(port), 16))) {
			_, queued, _ := strings.Cut(f[4], ":")
			n, _ := strconv.ParseInt(queued, 16, 64)
			return true, n
		}
	}
	return false, 0
}

// poll asks again until a condition holds, for ten seconds at most.
func poll(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 500 {
		if holds() {
			return
		}
		<-tick.C
	}
	t.Fatalf("waited ten seconds for %s", what)
}

func waitForPort(t *testing.T, port int) {
	t.Helper()
	poll(t, "nfcapd to listen", func() bool { there, _ := socket(port); return there })
}

func waitForQuiet(t *testing.T, port int) {
	t.Helper()
	poll(t, "nfcapd to read what was sent", func() bool { _, n := socket(port); return n == 0 })
}

// TestArgus reads what ra prints of a pcap, with its own columns and with chosen ones.
func TestArgus(t *testing.T) {
	argus, ra := tool(t, "argus", "argus-server"), tool(t, "ra", "argus-client")
	path, packets := day(t)
	binary := filepath.Join(t.TempDir(), "day.argus")
	output(t, argus, "-r", path, "-w", binary)
	if text, err := os.ReadFile(binary); err != nil {
		t.Fatal(err)
	} else if _, err := Open("x", bytes.NewReader(text)); err == nil || !strings.Contains(err.Error(), "ra -r") {
		t.Errorf("Argus' own format: got %v, want it told what to do", err)
	}
	for name, args := range map[string][]string{
		"as it is":       {"-n", "-c", ","},
		"with tabs":      {"-n", "-c", "\t"},
		"of our choice":  {"-n", "-u", "-c", ",", "-s", "stime", "ltime", "dur", "proto", "saddr", "sport", "dir", "daddr", "dport", "state", "spkts", "dpkts", "sbytes", "dbytes"},
		"like binetflow": {"-n", "-u", "-c", ",", "-s", "stime", "dur", "proto", "saddr", "sport", "dir", "daddr", "dport", "state", "stos", "dtos", "pkts", "bytes", "sbytes", "spkts"},
	} {
		all := readAll(t, name, bytes.NewReader(output(t, ra, append([]string{"-r", binary, "-L", "0"}, args...)...)))
		if all.format != "argus" || all.counts.Refused > 0 || len(all.Flows) < 180 {
			t.Errorf("%s: read as %s, %d flows, refused %v", name, all.format, len(all.Flows), all.bad)
		}
		if got, _ := sums(all.Flows); strings.Contains(name, " of our") || strings.Contains(name, "like") {
			if got != packets {
				t.Errorf("%s: %d packets, want %d", name, got, packets)
			}
		}
	}
}

// TestTshark reads the columns that tshark cuts out of a pcap: they give the flows and
// names that the pcap itself gives.
func TestTshark(t *testing.T) {
	tshark := tool(t, "tshark", "tshark")
	path, _ := day(t)
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := readAll(t, "day.pcap", bytes.NewReader(file))
	args := []string{"-r", path, "-T", "fields", "-E", "header=y", "-E", "separator=,", "-E", "quote=d"}
	for f := range strings.FieldsSeq("frame.time_epoch ip.src ip.dst ip.proto tcp.srcport tcp.dstport udp.srcport udp.dstport frame.len ip.len tcp.flags tcp.seq_raw dns.id dns.qry.name dns.qry.type dns.flags.response dns.flags.rcode http.request.method http.host http.request.uri") {
		args = append(args, "-e", f)
	}
	got := readAll(t, "day.csv", bytes.NewReader(output(t, tshark, args...)))
	if got.format != "packet-table" || len(got.Flows) != len(want.Flows) || len(got.Lookups) != len(want.Lookups) || len(got.Requests) != len(want.Requests) {
		t.Fatalf("read as %s: %d flows, %d lookups, %d requests; want %d, %d, %d", got.format, len(got.Flows), len(got.Lookups), len(got.Requests),
			len(want.Flows), len(want.Lookups), len(want.Requests))
	}
	for i, f := range got.Flows {
		w := want.Flows[i]
		w.OrigPayload, w.RespPayload = f.OrigPayload, f.RespPayload
		if f != w {
			t.Fatalf("flow %d: got %+v\nwant %+v", i, f, w)
		}
	}
}
