package sensor_test

import (
	"context"
	"flag"
	"os"
	"testing"
	"time"

	"tocsin/capture"
	"tocsin/detect"
	"tocsin/indicator"
	"tocsin/sensor"
)

var (
	profiled     = flag.String("traffic.profile", "", "a capture to scan, for go test's -cpuprofile and -memprofile")
	profiledList = flag.String("traffic.indicators", "", "a list of indicators to load before")
)

type fileReader struct {
	*capture.Reader
	file *os.File
}

func (r fileReader) Close() error { r.Reader.Close(); return r.file.Close() }

func openFile(name string) (sensor.Reader, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	r, err := capture.Open(name, f)
	if err != nil {
		f.Close()
		return nil, err
	}
	return fileReader{r, f}, nil
}

type last struct{ report detect.Report }

func (*last) Hour(time.Time, func() detect.Report) error { return nil }

func (l *last) Last(r detect.Report) error { l.report = r; return nil }

// scanFiles scans captures as one.
func scanFiles(t testing.TB, o sensor.Options, paths ...string) (detect.Report, sensor.Summary) {
	t.Helper()
	var sources []sensor.Source
	for _, p := range paths {
		sources = append(sources, sensor.Source{Name: p, Open: func() (sensor.Reader, error) { return openFile(p) }})
	}
	o.Trouble = func(source string, err error) { t.Errorf("%s: %v", source, err) }
	var l last
	s, err := sensor.Run(context.Background(), sources, &l, o)
	if err != nil {
		t.Fatal(err)
	}
	return l.report, s
}

// TestProfile scans one capture on one worker, for the profile that goes with it.
func TestProfile(t *testing.T) {
	if *profiled == "" {
		return // a tool: -traffic.profile names a capture
	}
	o := sensor.Options{Workers: 1}
	if *profiledList != "" {
		f, err := os.Open(*profiledList)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		l := indicator.NewLoader()
		if err := l.Read(*profiledList, f); err != nil {
			t.Fatal(err)
		}
		bench := sensor.NewBench(l.Base(), true)
		o.Bench = func() *detect.Bench { return bench }
	}
	_, s := scanFiles(t, o, *profiled)
	t.Logf("%d records, %d hosts", s.Records, s.Hosts)
}
