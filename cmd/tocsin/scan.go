package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"tocsin/capture"
	"tocsin/casebook"
	"tocsin/detect"
	"tocsin/sensor"
	"tocsin/traffic"
)

type scanCommand struct {
	format
	Home         []string `help:"Ranges to watch, such as 192.0.2.0/24. Default: the private ranges, and what the capture shows as inside." placeholder:"CIDR"`
	Indicators   []string `help:"Files or folders of known-bad names and addresses, and of warning lists." placeholder:"PATH"`
	NoIndicators bool     `help:"Judge by behaviour alone."`
	NoCache      bool     `help:"Read the lists themselves, and keep no compiled copy of them in the user's cache folder."`
	Weak         bool     `help:"Tell people what is merely context too; JSON always has it."`
	Paths        []string `arg:"" help:"Files or folders of telemetry; - is standard input." name:"path"`
}

// Help implements kong.HelpProvider.
func (scanCommand) Help() string {
	return `It reads Zeek logs, Suricata EVE, pcap, NetFlow, IPFIX, nfdump, Argus and dnstap,
told by their content and packed or not, and says which machines at home are bots,
who commands them and why it thinks so. It needs no server and keeps nothing but a
compiled copy of large lists of indicators in the user's cache folder.

confirmed: act on it; suspected: look at it; weak: context only.

  tocsin scan /var/log/zeek/2026-11-23
  tocsin scan --home 192.0.2.0/24 --format json conn.log.gz dns.log.gz`
}

// Run scans all paths as one capture.
func (c scanCommand) Run(ctx context.Context, std streams) error {
	home, err := c.ranges()
	if err != nil {
		return err
	}
	bench, err := c.bench(ctx, std)
	if err != nil {
		return err
	}
	s := &scan{std: std, progress: newProgress(std.err, "scan"), worse: worse{std: std}}
	sources, err := s.sources(c.Paths)
	if err != nil {
		return err
	}
	var last detect.Report
	summary, err := sensor.Run(ctx, sources, lastReport{&last}, sensor.Options{Home: home, Bench: bench, Trouble: s.trouble, Gone: s.gone})
	s.progress.end()
	if err != nil {
		return err
	}
	s.passOver()
	out := bufio.NewWriterSize(std.out, 1<<16)
	line := s.summary(summary)
	if c.json() {
		err = printScanJSON(out, last, line)
	} else {
		err = printScan(out, last, line, c.Weak)
	}
	if err = errors.Join(err, out.Flush()); err != nil {
		return fmt.Errorf("scan: %w", err)
	}
	return s.worse.result()
}

// ranges reads --home.
func (c scanCommand) ranges() ([]netip.Prefix, error) {
	var home []netip.Prefix
	for _, text := range c.Home {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			a, addrErr := netip.ParseAddr(text)
			if addrErr != nil {
				return nil, fmt.Errorf("scan: --home %q is no range: write it as 192.0.2.0/24 or 2001:db8::/48: %w", text, casebook.ErrInvalid)
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		home = append(home, p.Masked())
	}
	return home, nil
}

// lastReport keeps the report at the end.
type lastReport struct{ report *detect.Report }

func (lastReport) Hour(time.Time, func() detect.Report) error { return nil }

func (l lastReport) Last(r detect.Report) error { *l.report = r; return nil }

// scan is one run over files.
type scan struct {
	std      streams
	progress *progress
	worse    worse
	mu       sync.Mutex // of what follows: readers end in their own time
	counts   map[string]capture.Counts
	refusals map[string][]casebook.Refusal
	over     []string // passed over in a folder: no telemetry
	files    int
	bytes    int64 // of all files
	read     atomic.Int64
	records  atomic.Int64
}

// file is one file of a scan.
type file struct {
	path  string
	asked bool // it was named, not found in a folder
}

// sources lists the files below paths, in their order and by name within a
// folder. A path that isn't there is told, and the rest is done.
func (s *scan) sources(paths []string) ([]sensor.Source, error) {
	s.counts, s.refusals = map[string]capture.Counts{}, map[string][]casebook.Refusal{}
	var files []file
	for _, p := range paths {
		if p == "-" {
			files = append(files, file{"-", true})
			continue
		}
		info, err := os.Stat(p)
		if err != nil {
			s.worse.add(exit{exitMisused, fmt.Errorf("scan: %w", err)})
			continue
		}
		if !info.IsDir() {
			files = append(files, file{p, true})
			continue
		}
		err = filepath.WalkDir(p, func(name string, d fs.DirEntry, err error) error {
			if err != nil {
				s.worse.add(exit{exitMisused, fmt.Errorf("scan: %w", err)})
				return nil
			}
			if d.Type().IsRegular() {
				files = append(files, file{name, false})
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("scan %s: %w", p, err)
		}
	}
	var out []sensor.Source
	for _, f := range files {
		if info, err := os.Stat(f.path); err == nil {
			s.bytes += info.Size()
		}
		out = append(out, sensor.Source{Name: f.path, Open: func() (sensor.Reader, error) { return s.open(f) }})
	}
	return out, nil
}

// reading is a capture on its file.
type reading struct {
	*capture.Reader
	file io.Closer
	scan *scan
}

// Next reads on, and shows how far the scan is.
func (r reading) Next(b *traffic.Batch) error {
	err := r.Reader.Next(b)
	r.scan.records.Add(int64(b.Len()))
	r.scan.mu.Lock()
	defer r.scan.mu.Unlock()
	r.scan.progress.show(r.scan.records.Load(), float64(r.scan.read.Load())/float64(max(r.scan.bytes, 1)))
	return err
}

func (r reading) Close() error { return errors.Join(r.Reader.Close(), r.file.Close()) }

// counting counts the octets that were read, for the share of the work.
type counting struct {
	io.Reader
	n *atomic.Int64
}

func (c counting) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n.Add(int64(n))
	return n, err
}

func (s *scan) open(f file) (sensor.Reader, error) {
	body, closer := s.std.in, io.Closer(io.NopCloser(nil))
	if f.path != "-" {
		opened, err := os.Open(f.path)
		if err != nil {
			return nil, err
		}
		body, closer = opened, opened
	}
	r, err := capture.Open(f.path, counting{body, &s.read})
	if err != nil {
		err = errors.Join(err, closer.Close())
		if errors.Is(err, capture.ErrUnknown) && !f.asked {
			s.mu.Lock()
			s.over = append(s.over, f.path)
			s.mu.Unlock()
			return nil, io.EOF
		}
		return nil, err
	}
	return reading{r, closer, s}, nil
}

// trouble tells of a file that couldn't be read to its end.
func (s *scan) trouble(name string, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.worse.add(exit{exitMisused, fmt.Errorf("scan %s: %w", name, err)})
}

// gone counts a file that was read.
func (s *scan) gone(name string, r sensor.Reader) {
	read, ok := r.(reading)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files++
	s.counts[name], s.refusals[name] = read.Counts(), read.Refusals()
}

const toldRefusals = 3 // of a file

// passOver tells people of rows that made no sense and files that are no
// telemetry.
func (s *scan) passOver() {
	names := make([]string, 0, len(s.refusals))
	for name := range s.refusals {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for i, r := range s.refusals[name] {
			if i == toldRefusals {
				fmt.Fprintf(s.std.err, "%s: %s refused rows in all\n", name, count(s.counts[name].Refused))
				break
			}
			fmt.Fprintln(s.std.err, refusalText(name, r))
		}
	}
	if n := len(s.over); n > 0 {
		fmt.Fprintf(s.std.err, "%s files are no telemetry and were passed over, such as %s\n", count(int64(n)), s.over[0])
	}
}
