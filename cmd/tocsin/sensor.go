package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tocsin/capture"
	"tocsin/casebook"
	"tocsin/detect"
	"tocsin/indicator"
	"tocsin/intake"
	"tocsin/sensor"
)

type sensorCommand struct {
	format
	Listen       []string      `help:"UDP address at which exporters send NetFlow 5 and 9, IPFIX and sFlow, such as :2055." placeholder:"ADDR"`
	Folder       []string      `help:"Folder into which another sensor writes or rotates its files." placeholder:"DIR"`
	Interface    []string      `help:"Network interface to capture from (Linux, root or CAP_NET_RAW)." placeholder:"NAME"`
	Home         []string      `help:"Ranges to watch, such as 192.0.2.0/24. Default: the private ranges." placeholder:"CIDR"`
	Indicators   []string      `help:"Files or folders of known-bad names and addresses, and of warning lists. Read again when they change, and so are the lists imported into the data directory." placeholder:"PATH"`
	NoIndicators bool          `help:"Judge by behaviour alone."`
	Upstream     string        `help:"Platform to which claims go, such as https://tocsin.example.org." placeholder:"URL"`
	Key          string        `help:"File that holds the key for --upstream; the variable TOCSIN_KEY may hold the key itself." placeholder:"FILE"`
	Data         string        `help:"Data directory; what waits for the platform is in its folder sensor. Default: ./data." default:"./data" placeholder:"DIR"`
	Name         string        `help:"What this sensor calls itself. Default: the machine's name." placeholder:"NAME"`
	Settled      time.Duration `help:"How long a file in a folder must rest before it is taken for whole. Default: 10s." default:"10s"`
	Weak         bool          `help:"Tell people what is merely context too; JSON always has it."`
	Pipe         []string      `arg:"" optional:"" help:"- reads a capture from standard input as it grows." name:"pipe"`
}

// Help implements kong.HelpProvider.
func (sensorCommand) Help() string {
	return `It does what scan does, without end: telemetry comes in by UDP, from folders, from an
interface or a pipe, and claims go out, each hour of the traffic's own time and when
it is told to stop, what is confirmed within minutes. Logs are followed as they grow. Only claims leave it. With --upstream they go to a platform as
deliveries of the feed sensor, and wait on disk while it can't be reached.

  tocsin sensor --listen :2055 --home 192.0.2.0/24 --upstream https://tocsin.example.org --key sensor.key
  tocsin sensor --folder /var/log/zeek/rotated --indicators /etc/tocsin/lists
  tcpdump -i eth0 -w - | tocsin sensor --format json -`
}

// Run watches until it is told to stop.
func (c sensorCommand) Run(ctx context.Context, std streams) error {
	home, err := scanCommand{Home: c.Home}.ranges()
	if err != nil {
		return err
	}
	if imported := importedLists(c.Data); imported != "" {
		c.Indicators = append(c.Indicators, imported)
	}
	w := &watching{command: c, std: std}
	defer w.shut()
	if err := w.openSources(); err != nil {
		return err
	}
	if err := w.loadBench(ctx); err != nil {
		return err
	}
	// Stopping shuts the doors; what came in by then is judged and told.
	judging := context.WithoutCancel(ctx)
	var background sync.WaitGroup
	defer background.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	background.Go(func() { <-ctx.Done(); w.shut() })
	background.Go(func() { w.reload(ctx) })
	if c.Upstream != "" {
		if err := w.openUpstream(); err != nil {
			return err
		}
		background.Go(func() { w.spool.Forward(ctx, w.send, w.unsent) })
	}
	fmt.Fprintf(std.err, "watching %s\n", strings.Join(w.watched, ", "))
	summary, err := sensor.Run(judging, w.sources, w, sensor.Options{Home: home, Bench: w.bench, Trouble: w.trouble, Gone: w.gone})
	stop()
	background.Wait()
	if err != nil {
		return err
	}
	return w.finish(judging, summary)
}

// watching is a sensor at work.
type watching struct {
	command sensorCommand
	std     streams
	sources []sensor.Source
	watched []string // for people
	doors   []*intake.Datagrams
	shuts   []func()
	once    sync.Once
	live    indicator.Live
	current atomic.Pointer[detect.Bench]
	marked  string // what --indicators looked like when they were read
	claims  sensor.Claims
	spool   *sensor.Spool
	platform
	mu     sync.Mutex
	counts capture.Counts
	read   int
	last   detect.Report
}

func (w *watching) openSources() error {
	c := w.command
	for _, address := range c.Listen {
		door, err := intake.ListenDatagrams(address, time.Now)
		if err != nil {
			return fmt.Errorf("sensor: --listen: %w", err)
		}
		w.doors = append(w.doors, door)
		w.add(sensor.Door("datagrams at "+door.Addr().String(), door, nil), func() { door.Close() })
	}
	for _, dir := range c.Folder {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			return fmt.Errorf("sensor: --folder %s is no folder: %w", dir, casebook.ErrInvalid)
		}
		f := &sensor.Folder{Dir: dir, Settled: c.Settled, Now: time.Now, Told: w.fileRead}
		w.add(f.Source(), f.Stop)
	}
	for _, name := range c.Interface {
		body, err := sensor.Packets(name, time.Now)
		if err != nil {
			return fmt.Errorf("sensor: %w", err)
		}
		w.add(sensor.Live("interface "+name, body), func() { body.Close() })
	}
	for _, p := range c.Pipe {
		if p != "-" {
			return fmt.Errorf("sensor: %q isn't watched: files are for tocsin scan, folders for --folder, and - is standard input: %w", p, casebook.ErrInvalid)
		}
		body, ok := w.std.in.(io.ReadCloser)
		if !ok {
			body = io.NopCloser(w.std.in)
		}
		w.add(sensor.Live("standard input", body), func() { body.Close() })
	}
	if len(w.sources) == 0 {
		return fmt.Errorf("sensor: nothing to watch: give --listen, --folder, --interface, or - for standard input: %w", casebook.ErrInvalid)
	}
	return nil
}

func (w *watching) add(s sensor.Source, shut func()) {
	w.sources, w.shuts = append(w.sources, s), append(w.shuts, shut)
	w.watched = append(w.watched, s.Name)
}

// shut closes every door.
func (w *watching) shut() {
	w.once.Do(func() {
		for _, f := range w.shuts {
			f()
		}
	})
}

func (w *watching) loadBench(ctx context.Context) error {
	marked := markOf(w.command.Indicators)
	base, err := loadIndicators(ctx, w.command.Indicators, w.std.err)
	if err != nil {
		return err
	}
	w.marked = marked
	w.live.Swap(base)
	w.current.Store(sensor.NewBench(base, !w.command.NoIndicators))
	return nil
}

func (w *watching) bench() *detect.Bench { return w.current.Load() }

const reloadEvery = 30 * time.Second

// reload reads the lists again when they have changed, and swaps them while records
// flow. Lists that can't be read leave those that are there in force.
func (w *watching) reload(ctx context.Context) {
	if len(w.command.Indicators) == 0 {
		return
	}
	ticks := time.NewTicker(reloadEvery)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
		if markOf(w.command.Indicators) == w.marked {
			continue
		}
		if err := w.loadBench(ctx); err != nil {
			slog.WarnContext(ctx, "indicators not reloaded, the old ones stay in force", "error", err)
			continue
		}
		s := w.live.Base().Set.Stats()
		slog.WarnContext(ctx, "indicators reloaded", "generation", w.live.Base().Generation, "values", s.Total())
	}
}

// markOf tells files apart by size and time of change.
func markOf(paths []string) string {
	var b strings.Builder
	for _, p := range paths {
		filepath.Walk(p, func(name string, info os.FileInfo, err error) error {
			if err == nil && !info.IsDir() {
				fmt.Fprintf(&b, "%s %d %d\n", name, info.Size(), info.ModTime().UnixNano())
			}
			return nil
		})
	}
	return b.String()
}

func (w *watching) openUpstream() (err error) {
	if !strings.HasPrefix(w.command.Upstream, "http://") && !strings.HasPrefix(w.command.Upstream, "https://") {
		return fmt.Errorf("sensor: --upstream %s is no web address: it begins with http:// or https://: %w", w.command.Upstream, casebook.ErrInvalid)
	}
	p, err := where{Server: w.command.Upstream, Key: w.command.Key}.open(context.Background(), false)
	if err != nil {
		return fmt.Errorf("sensor: %w", err)
	}
	w.platform = *p
	w.spool, err = sensor.OpenSpool(filepath.Join(w.command.Data, "sensor"), 0)
	return err
}

// send hands a delivery to the platform.
func (w *watching) send(ctx context.Context, name string, body []byte) error {
	var d delivery
	err := w.post(ctx, "/api/v1/deliveries", url.Values{"feed": {"sensor"}, "name": {name}}, bytes.NewReader(body), &d)
	if errors.Is(err, casebook.ErrInvalid) || errors.Is(err, casebook.ErrTooLarge) {
		return fmt.Errorf("%w: %w", sensor.ErrRejected, err)
	}
	return err
}

func (w *watching) unsent(name string, err error) {
	waiting, _, lost := w.spool.Waiting()
	slog.Warn("claims not sent, they wait on disk", "delivery", name, "error", err, "waiting", waiting, "lost", lost)
}

// Hour implements sensor.Sink: it tells what is new or has changed.
func (w *watching) Hour(at time.Time, report func() detect.Report) error {
	r := report()
	return w.tell(&r, w.claims.Rows)
}

// Soon implements sensor.Prompt: it tells what is newly confirmed.
func (w *watching) Soon(report func() detect.Report) error {
	r := report()
	return w.tell(&r, w.claims.Fresh)
}

// Last implements sensor.Sink.
func (w *watching) Last(r detect.Report) error {
	w.last = r
	return w.tell(&r, w.claims.Rows)
}

func (w *watching) tell(r *detect.Report, of func(*detect.Report) []byte) error {
	if w.claims.Sensor == "" {
		w.claims.Sensor = w.command.Name
		if w.claims.Sensor == "" {
			w.claims.Sensor, _ = os.Hostname()
		}
	}
	rows := of(r)
	if len(rows) == 0 {
		return nil
	}
	if w.spool != nil {
		return w.spool.Put(time.Now(), rows)
	}
	if w.command.json() {
		for row := range bytes.Lines(rows) {
			if _, err := fmt.Fprintf(w.std.out, `{"kind":"claim",%s`, row[1:]); err != nil {
				return err
			}
		}
	}
	return nil
}

// finish prints all there is at the end, as scan does, and sends what waits.
func (w *watching) finish(ctx context.Context, of sensor.Summary) error {
	for _, d := range w.doors {
		received, dropped := d.Counts()
		fmt.Fprintf(w.std.err, "%s datagrams received, %s dropped\n", count(received), count(dropped))
	}
	s := scan{files: w.read, counts: map[string]capture.Counts{"": w.counts}}
	line := s.summary(of)
	var err error
	if w.command.json() {
		err = printScanJSON(w.std.out, w.last, line)
	} else {
		err = printScan(w.std.out, w.last, line, w.command.Weak)
	}
	if err != nil || w.spool == nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := w.spool.Flush(ctx, w.send); err != nil {
		waiting, octets, _ := w.spool.Waiting()
		return fmt.Errorf("sensor: %s deliveries (%s octets) wait in %s for the platform: %w", count(int64(waiting)), count(octets), filepath.Join(w.command.Data, "sensor"), err)
	}
	return nil
}

func (w *watching) trouble(name string, err error) {
	slog.Warn("a source ended", "source", name, "error", err)
}

// gone adds up a source that ended.
func (w *watching) gone(name string, r sensor.Reader) {
	if counted, ok := r.(interface{ Counts() capture.Counts }); ok {
		w.count(counted.Counts())
	}
}

// fileRead hears of a file of a folder.
func (w *watching) fileRead(file string, counts capture.Counts, err error) {
	w.count(counts)
	if err != nil {
		slog.Warn("a file couldn't be read to its end", "file", file, "error", err)
	}
}

func (w *watching) count(c capture.Counts) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.read++
	w.counts.Rows += c.Rows
	w.counts.Records += c.Records
	w.counts.Refused += c.Refused
}
