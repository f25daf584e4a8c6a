package sensor_test

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"tocsin/detect"
	"tocsin/sensor"
	"tocsin/traffic"
)

// TestFrameworksKeepTime takes the moments at which penetration frameworks in a
// laboratory opened connections, lays them on an office, and wants each found.
// Frameworks that keep one connection open have no clock in their flows.
func TestFrameworksKeepTime(t *testing.T) {
	root := sharedData(t, "traffic/c2-framework-timing")
	for _, name := range []string{"empire_beaconing_0", "merlin_beaconing_0", "posh_beaconing_0", "sliver_beaconing_1"} {
		t.Run(name, func(t *testing.T) {
			flows := office(rand.New(rand.NewPCG(1, 1)), 20)
			for i, at := range opened(t, filepath.Join(root, name+".csv")) {
				flows = append(flows, traffic.Flow{Start: noon + int64(at*1e6), Duration: 300_000, Orig: office1(3), Resp: netip.MustParseAddr("192.0.2.66"),
					OrigPort: uint16(30000 + i), RespPort: 8888, Proto: traffic.TCP, State: traffic.Established, Oriented: true, OrigBytes: 700, RespBytes: 900,
					OrigPayload: 400, RespPayload: 600, OrigPackets: 6, RespPackets: 6, Sampling: 1})
			}
			r, _ := run(t, sensor.Options{}, flows)
			if len(r.Bots) == 0 || r.Bots[0].Certainty < detect.Suspected || r.Bots[0].Addr != office1(3) {
				t.Fatalf("got %+v, want 10.1.0.4 suspected", r.Bots)
			}
			if want := "192.0.2.66:8888"; len(r.Bots[0].Controllers) == 0 || r.Bots[0].Controllers[0].String() != want {
				t.Errorf("got controllers %v, want %s first", r.Bots[0].Controllers, want)
			}
		})
	}
}

// opened reads the moments of SYN packets that the client sent, in seconds.
func opened(t *testing.T, file string) []float64 {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	var out []float64
	at := 0.0
	for n := 0; ; n++ {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			if got := fmt.Sprint(row[2], row[5], row[6], row[11]); got != "src_ipis_SYNis_ACKtime_since_last" {
				t.Fatalf("columns %s", got)
			}
			continue
		}
		gap, err := strconv.ParseFloat(row[11], 64)
		if err != nil {
			t.Fatal(err)
		}
		at += gap
		if row[2] == "0" && row[5] == "1" && row[6] == "0" {
			out = append(out, at)
		}
	}
}
