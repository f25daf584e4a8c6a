//go:build !race

// The programs that this starts are built without the race detector: ./test runs it
// without.

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// running is a sensor at work.
type running struct {
	cmd    *exec.Cmd
	out    bytes.Buffer
	stderr *bufio.Reader
	doors  []string // UDP addresses
}

// startSensor starts a sensor and waits until its doors are open.
func startSensor(t *testing.T, dir string, args ...string) *running {
	t.Helper()
	r := &running{cmd: command(t, dir, append([]string{"sensor"}, args...)...)}
	r.cmd.Stdout = &r.out
	pipe, err := r.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r.stderr = bufio.NewReader(pipe)
	for {
		line, err := r.stderr.ReadString('\n')
		if err != nil {
			t.Fatalf("the sensor ended: %v %s", err, line)
		}
		if strings.HasPrefix(line, "watching ") {
			for _, m := range regexp.MustCompile(`datagrams at (\S+?)(,|\n)`).FindAllStringSubmatch(line, -1) {
				r.doors = append(r.doors, m[1])
			}
			return r
		}
	}
}

// stop asks the sensor to end, and gives what it said on its way.
func (r *running) stop(t *testing.T) (out, said string) {
	t.Helper()
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	rest, _ := io.ReadAll(r.stderr)
	if err := r.cmd.Wait(); err != nil {
		t.Errorf("the sensor: %v\n%s", err, rest)
	}
	return r.out.String(), string(rest)
}

// botsOf lists the bots of a scan's or a sensor's JSON that are more than context. How
// sure it is isn't compared: flows tell of no look-ups and no protocols.
func botsOf(t *testing.T, out string) (bots []string) {
	t.Helper()
	for line := range strings.Lines(out) {
		var o struct{ Kind, Address, Certainty string }
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if o.Kind == "bot" && o.Certainty != "weak" {
			bots = append(bots, o.Address)
		}
	}
	slices.Sort(bots)
	return bots
}

// TestSensorOfExporter lets softflowd replay captures and send what it saw as
// NetFlow 9 and as IPFIX over loopback: the sensor must find the bots that a scan of
// the packets finds.
func TestSensorOfExporter(t *testing.T) {
	exporter, err := exec.LookPath("softflowd")
	if err != nil {
		t.Skip("softflowd isn't installed (Debian: apt-get install softflowd)")
	}
	for _, name := range []string{"storm", "kelihos", "sality"} {
		capture := shared(t, "traffic/p2p-pcap/"+name+".pcap")
		want := botsOf(t, must(t, t.TempDir(), "scan", "--format", "json", capture).out)
		for version, called := range map[string]string{"9": "NetFlow 9", "10": "IPFIX"} {
			t.Run(name+" as "+called, func(t *testing.T) {
				s := startSensor(t, t.TempDir(), "--listen", "127.0.0.1:0", "--format", "json")
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				if out, err := exec.CommandContext(ctx, exporter, "-r", capture, "-n", s.doors[0], "-v", version, "-d", "-p", "none", "-c", "none").CombinedOutput(); err != nil {
					t.Fatalf("softflowd: %v\n%s", err, out)
				}
				out, said := s.stop(t)
				if got := botsOf(t, out); !slices.Equal(got, want) {
					t.Errorf("bots %q, a scan of the packets finds %q\n%s", got, want, said)
				}
				if !strings.Contains(said, " 0 dropped") {
					t.Error(said)
				}
			})
		}
		if len(want) == 0 {
			t.Errorf("%s: no bots to compare", name)
		}
	}
}

// beaconLog is a day of a host that calls one address each minute, as Zeek writes it.
func beaconLog(from int) string {
	var b strings.Builder
	b.WriteString("#separator \\x09\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_bytes\tresp_bytes\tconn_state\torig_pkts\torig_ip_bytes\tresp_pkts\tresp_ip_bytes\n")
	b.WriteString("#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\tinterval\tcount\tcount\tstring\tcount\tcount\tcount\tcount\n")
	for i := range 1440 {
		at := from + i*60 + (i*7919)%5
		b.WriteString(strings.Join([]string{decimal(at) + ".000000", "C" + decimal(i), "10.0.0.5", decimal(40000 + i), "192.0.2.66", "4444", "tcp", "-", "0.500000", "310", "120", "SF", "6", "600", "5", "400"}, "\t") + "\n")
	}
	return b.String()
}

func decimal(n int) string {
	text, _ := json.Marshal(n)
	return string(text)
}

// TestSensorUpstream watches a folder while the platform is away: claims wait on disk
// and arrive once it is there, and a second sensor with the same files adds nothing.
func TestSensorUpstream(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Join(dir, "rotated")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "conn.00.log"), []byte(beaconLog(1_764_000_000)), 0o600); err != nil {
		t.Fatal(err)
	}
	address, err := freeLoopback()
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"--folder", folder, "--settled", "1ms", "--upstream", "http://" + address, "--data", "edge", "--name", "edge-1"}
	s := startSensor(t, dir, args...)
	spool := filepath.Join(dir, "edge", "sensor")
	await(t, "claims on disk", func() bool { return len(deliveriesIn(spool)) > 0 })
	platform := command(t, dir, "serve", "--data", "platform", "--listen", address)
	if err := platform.Start(); err != nil {
		t.Fatal(err)
	}
	if err := awaitReady(address); err != nil {
		t.Fatal(err)
	}
	await(t, "claims to be sent", func() bool { return len(deliveriesIn(spool)) == 0 })
	_, said := s.stop(t)
	if !strings.Contains(said, "claims not sent, they wait on disk") {
		t.Errorf("nobody was told that the platform is away: %q", said)
	}
	found := func() string {
		answer, err := http.Get("http://" + address + "/api/v1/findings")
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		return string(text)
	}
	await(t, "findings", func() bool { return strings.Contains(found(), "192.0.2.66") && strings.Contains(found(), "10.0.0.5") })
	before := must(t, dir, "status", "--server", "http://"+address, "--format", "json").out
	again := startSensor(t, dir, args...)
	await(t, "the second sensor's claims", func() bool {
		now := must(t, dir, "status", "--server", "http://"+address, "--format", "json").out
		return duplicatesOf(t, now) > duplicatesOf(t, before) || now != before
	})
	again.stop(t)
	await(t, "all of them", func() bool { return len(deliveriesIn(spool)) == 0 })
	if err := platform.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	platform.Wait()
}

func duplicatesOf(t *testing.T, status string) int64 {
	t.Helper()
	var s struct{ Duplicates int64 }
	if err := json.Unmarshal([]byte(status), &s); err != nil {
		t.Fatalf("%q: %v", status, err)
	}
	return s.Duplicates
}

// deliveriesIn lists what waits in a spool.
func deliveriesIn(spool string) []string {
	names, _ := filepath.Glob(filepath.Join(spool, "*.jsonl"))
	return names
}

// await asks until it is so.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !so(); <-time.After(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
