package sensor_test

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tocsin/capture"
	"tocsin/detect"
	"tocsin/indicator"
	"tocsin/sensor"
)

var update = flag.Bool("update", false, "rewrite the accuracy table in testdata")

// labelled is a capture with what is known to be true of it. The truth is of
// hosts: labels of single flows are too often wrong.
type labelled struct {
	name        string
	paths       []string
	bots        []string
	controllers []string // any port of an address without one
	clean       []string
	// required captures must be found from behaviour alone; the others are told.
	required bool
}

// captures are those of the shared traffic data with a truth about hosts.
var captures = []labelled{
	{name: "NjRAT, dead controller", paths: []string{"stratosphere-testing/001-zeek-scenario-malicious/conn.log"},
		bots: []string{"192.168.1.115"}, controllers: []string{"41.108.179.197:1177"}, required: true},
	{name: "AndroidTester", paths: []string{"stratosphere-testing/003-zeek-scenario-malicious"},
		bots: []string{"10.8.0.61"}, controllers: []string{"147.32.83.234:1337"}, required: true},
	{name: "Simda", paths: []string{"stratosphere-testing/005-zeek-scenario-malicious"},
		bots: []string{"192.168.1.116"}, controllers: []string{"104.239.157.210:80", "23.253.126.58:80"}, required: true},
	{name: "Remcos", paths: []string{"slips-dataset/test18-malicious-ctu-sme-11-win"},
		bots: []string{"192.168.1.107"}, controllers: []string{"66.63.168.35"}, required: true},
	{name: "Kelihos", paths: []string{"p2p-pcap/kelihos.pcap"}, bots: []string{"172.16.253.132"}, required: true},
	{name: "Storm", paths: []string{"p2p-pcap/storm.pcap"}, bots: []string{"10.0.1.1", "10.0.1.2", "10.0.1.3", "10.0.1.4", "10.0.1.5",
		"10.0.1.8", "10.0.1.9", "10.0.1.11", "10.0.1.12", "10.0.1.13", "10.0.1.14", "10.0.1.15"}, required: true},
	{name: "Sality", paths: []string{"slips-history/test-sality.binetflow"}, bots: []string{"192.168.1.128"}, required: true},
	{name: "Sality, a minute of packets", paths: []string{"p2p-pcap/sality.pcap"}, bots: []string{"10.0.2.15"}, controllers: []string{"46.105.103.219:80"}, required: true},
	{name: "ZeroAccess", paths: []string{"zat-zeek"}, bots: []string{"192.168.33.10"}},
	{name: "an IoT bot that searches", paths: []string{"slips-dataset/test7-malicious.pcap"}, bots: []string{"192.168.2.16"}},
	{name: "Hajime", paths: []string{"slips-dataset/test4-malicious.binetflow"}, bots: []string{"192.168.2.12"}},
	{name: "passwords guessed over SSH", paths: []string{"slips-dataset/test19-malicious-ssh"}, bots: []string{"147.32.80.40"}},
	{name: "Kovter, without flows", paths: []string{"stratosphere-testing/009-zeek-malicious"}, bots: []string{"192.168.1.113"}},
	{name: "a machine taken over SSH, without flows", paths: []string{"stratosphere-testing/007-zeek-scenario-ssh-infected"}, bots: []string{"192.168.1.194"}},
	{name: "two fast destinations, unlabelled", paths: []string{"slips-history/2016-09-09_win1.binetflow"}, bots: []string{"192.168.1.112"},
		controllers: []string{"76.72.165.119:443", "76.72.165.63:80"}},
	{name: "a BitTorrent client filed as infected", paths: []string{"slips-history/test1.binetflow"}, bots: []string{"192.168.1.122"}},
	{name: "an administrator's scan", paths: []string{"stratosphere-testing/002-zeek-scenario-port-scanning"}, bots: []string{"172.16.1.11"}},
	{name: "a clean host, day 1 (008)", paths: []string{"stratosphere-testing/008-zeek-mixed"}, clean: []string{"147.32.81.167"}, required: true},
	{name: "a clean host, day 2 (012)", paths: []string{"stratosphere-testing/012-zeek-mixed"}, clean: []string{"147.32.83.161"}, required: true},
	{name: "a clean host with BitTorrent", paths: []string{"slips-history/CTU-Normal-7-2013-13-07.binetflow"}, clean: []string{"10.0.0.46"}, required: true},
	{name: "a clean host, DNS only (2015)", paths: []string{"slips-history/2015-03-24_capture1-only-dns.binetflow"}, clean: []string{"10.0.0.34"}, required: true},
}

// TestAccuracy prints how the labelled captures are judged with indicators off,
// and compares with the table that was committed: a change is looked at, and
// taken with -update. It also holds the bars: every required bot found and its
// controllers ranked first, no clean host confirmed, at most one suspected.
//
//	go test ./sensor -run TestAccuracy -v
func TestAccuracy(t *testing.T) {
	root := sharedData(t, "traffic")
	bench := sensor.NewBench(indicator.NewLoader().Base(), false)
	var b strings.Builder
	fmt.Fprintf(&b, "%-42s %-6s %-22s %-22s %s\n", "capture", "bots", "found", "controllers, worst rank", "clean hosts")
	suspected, hostDays := 0, 0.0
	for _, c := range captures {
		var files []string
		for _, p := range c.paths {
			files = append(files, telemetry(t, filepath.Join(root, filepath.FromSlash(p)))...)
		}
		report, sum := scanFiles(t, sensor.Options{Bench: func() *detect.Bench { return bench }}, files...)
		row := judge(t, c, &report)
		suspected += row.suspected
		if len(c.clean) > 0 {
			hostDays += float64(sum.Last-sum.First) / 1e6 / 86400 * float64(len(c.clean))
		}
		fmt.Fprintf(&b, "%-42s %-6d %-22s %-22s %s\n", c.name, len(c.bots), row.found, row.controllers, row.clean)
	}
	fmt.Fprintf(&b, "clean: %d suspected over %.2f host-days; no rate is claimed from so few\n", suspected, hostDays)
	if suspected > 1 {
		t.Errorf("%d clean hosts are suspected, want at most 1", suspected)
	}
	t.Logf("\n%s", b.String())
	compare(t, filepath.Join("testdata", "accuracy.txt"), b.String())
}

func compare(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the table isn't that of %s; look at the difference and run with -update:\ngot\n%s\nwant\n%s", file, got, want)
	}
}

// row is a line of the table.
type row struct {
	found, controllers, clean string
	suspected                 int
}

func judge(t *testing.T, c labelled, r *detect.Report) row {
	grade := map[string]*detect.Bot{}
	for i := range r.Bots {
		grade[r.Bots[i].Addr.String()] = &r.Bots[i]
	}
	var out row
	found, sure, worst, named := 0, 0, 0, 0
	nets := map[string]bool{}
	for _, h := range c.bots {
		bot := grade[h]
		if bot == nil || bot.Certainty < detect.Suspected {
			if c.required {
				t.Errorf("%s: %s isn't found", c.name, h)
			}
			continue
		}
		found++
		if bot.Certainty == detect.Confirmed {
			sure++
		}
		nets[bot.Botnet] = true
		for _, want := range c.controllers {
			i := slices.IndexFunc(bot.Controllers, func(e detect.Endpoint) bool {
				return e.String() == want || e.Addr.String() == want
			})
			if i < 0 {
				continue
			}
			named++
			worst = max(worst, i+1)
		}
	}
	out.found = fmt.Sprintf("%d (%d confirmed)", found, sure)
	if found > 1 {
		out.found += fmt.Sprintf(", %d botnet", len(nets))
	}
	if len(c.controllers) > 0 {
		out.controllers = fmt.Sprintf("%d of %d, rank %d", named, len(c.controllers), worst)
	}
	if c.required && (named < len(c.controllers)*found || worst > len(c.controllers)) {
		t.Errorf("%s: %d of %d controllers named, the worst on rank %d", c.name, named, len(c.controllers), worst)
	}
	if c.required && len(nets) > 1 {
		t.Errorf("%s: %d botnets, want one", c.name, len(nets))
	}
	for _, h := range c.clean {
		said := detect.None
		if bot := grade[h]; bot != nil {
			said = bot.Certainty
		}
		out.clean = said.String()
		switch said {
		case detect.Confirmed:
			t.Errorf("%s: the clean %s is confirmed as a bot", c.name, h)
		case detect.Suspected:
			out.suspected++
		}
	}
	return out
}

// telemetry lists the captures of a file or folder.
func telemetry(t *testing.T, path string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		r, err := capture.Open(name, f)
		if errors.Is(err, capture.ErrUnknown) {
			return nil
		}
		if err != nil {
			return err
		}
		files = append(files, name)
		return r.Close()
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(files, func(a, b string) int { return cmp.Compare(a, b) })
	return files
}

// TestAnyNumberOfWorkers holds the claims on labelled captures against the number
// of workers and the order in which they were run.
func TestAnyNumberOfWorkers(t *testing.T) {
	root := sharedData(t, "traffic")
	for _, c := range captures[:8] {
		var files []string
		for _, p := range c.paths {
			files = append(files, telemetry(t, filepath.Join(root, filepath.FromSlash(p)))...)
		}
		want, _ := scanFiles(t, sensor.Options{Workers: 1}, files...)
		for _, n := range []int{2, 3, 7} {
			got, _ := scanFiles(t, sensor.Options{Workers: n}, files...)
			if said(got) != said(want) {
				t.Errorf("%s: %d workers say something else than one", c.name, n)
			}
		}
	}
}

// said writes a report down to the last figure.
func said(r detect.Report) string { return fmt.Sprintf("%+v", r) }
