package sensor_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"tocsin/detect"
	"tocsin/indicator"
	"tocsin/sensor"
	"tocsin/traffic"
)

// window gives the records of a capture that begin within a span.
type window struct {
	sensor.Reader
	from, to int64
}

func (w window) Next(b *traffic.Batch) error {
	for {
		if err := w.Reader.Next(b); err != nil {
			return err
		}
		out := func(at int64) bool { return at < w.from || at >= w.to }
		b.Flows = slices.DeleteFunc(b.Flows, func(f traffic.Flow) bool { return out(f.Start) })
		b.Lookups = slices.DeleteFunc(b.Lookups, func(l traffic.Lookup) bool { return out(l.At) })
		b.Requests = slices.DeleteFunc(b.Requests, func(r traffic.Request) bool { return out(r.At) })
		b.Handshakes = slices.DeleteFunc(b.Handshakes, func(h traffic.Handshake) bool { return out(h.At) })
		if b.Len() > 0 {
			return nil
		}
	}
}

// TestCleanDaysInParts judges the clean days cut into windows, as captures of other lengths
// would be, and by single logs, as other sensors would tell them: nobody is suspected.
func TestCleanDaysInParts(t *testing.T) {
	root := sharedData(t, "traffic")
	bench := sensor.NewBench(indicator.NewLoader().Base(), false)
	for _, day := range []string{"008-zeek-mixed", "012-zeek-mixed"} {
		files := telemetry(t, filepath.Join(root, "stratosphere-testing", day))
		judge := func(what string, files []string, from, to int64) {
			t.Helper()
			var sources []sensor.Source
			for _, f := range files {
				sources = append(sources, sensor.Source{Name: f, Open: func() (sensor.Reader, error) {
					r, err := openFile(f)
					return window{r, from, to}, err
				}})
			}
			var l last
			if _, err := sensor.Run(t.Context(), sources, &l, sensor.Options{Bench: func() *detect.Bench { return bench }}); err != nil {
				t.Fatal(err)
			}
			for _, b := range l.report.Bots {
				if b.Certainty > detect.Weak {
					t.Errorf("%s, %s: %s is %s: %s", day, what, b.Addr, b.Certainty, b.Evidence[0].Because)
				}
			}
		}
		_, sum := scanFiles(t, sensor.Options{Bench: func() *detect.Bench { return bench }}, files...)
		for _, span := range []time.Duration{10 * time.Minute, 30 * time.Minute, 6 * time.Hour} {
			for from := sum.First; from < sum.Last; from += span.Microseconds() {
				judge(fmt.Sprintf("%v from %v", span, traffic.Time(from)), files, from, from+span.Microseconds())
			}
		}
		for i, one := range files {
			judge(filepath.Base(one), files[i:i+1], 0, 1<<62)
			for _, other := range files[i+1:] {
				judge(filepath.Base(one)+" and "+filepath.Base(other), []string{one, other}, 0, 1<<62)
			}
		}
	}
}
