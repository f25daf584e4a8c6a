package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// A report is a generated report of a sinkhole: mostly sound rows of several
// families, some of them repeated, a few dirty.
type report struct {
	text                       string
	rows, duplicates, refusals int64
}

// families are invented.
var families = []string{"examplebot", "ExampleBot", "sampletrojan", "demoworm", "placeholder", "testloader", "mocknet"}

// generate writes a report of n rows; the same seed gives the same report.
func generate(seed uint64, n int) report {
	r := rand.New(rand.NewPCG(seed, 2026))
	var b strings.Builder
	b.WriteString(`"timestamp","protocol","src_ip","src_port","src_asn","src_geo","dst_ip","dst_port","infection","family","tag","sensor"` + "\n")
	out := report{rows: int64(n)}
	recent := make([]string, 0, 512)
	for i := range n {
		switch p := r.IntN(100); {
		case p < 8 && len(recent) > 0:
			b.WriteString(recent[r.IntN(len(recent))])
			out.duplicates++
		case p < 10:
			b.WriteString(dirty(r))
			out.refusals++
		default:
			row := sound(r, i, n)
			if len(recent) < cap(recent) {
				recent = append(recent, row)
			} else {
				recent[r.IntN(len(recent))] = row
			}
			b.WriteString(row)
		}
	}
	out.text = b.String()
	return out
}

// sound writes the i-th of n rows of two days, which come nearly in order as those of
// a sensor do; i makes it different from every other.
func sound(r *rand.Rand, i, n int) string {
	source := fmt.Sprintf("198.51.%d.%d", r.IntN(40), r.IntN(256))
	if r.IntN(10) == 0 {
		source = fmt.Sprintf("2001:db8:%x::%x", r.IntN(64), 1+r.IntN(512))
	}
	family := families[r.IntN(len(families))]
	at := time.Date(2026, 11, 21, 0, 0, i*2*86_400/n+r.IntN(600), 0, time.UTC)
	return fmt.Sprintf("\"%s\",\"tcp\",\"%s\",%d,%d,\"XA\",\"203.0.113.%d\",%d,\"%s\",\"%s\",\"row %d\",\"s%d\"\n",
		at.Format(time.DateTime), source, 1024+r.IntN(60_000), 64500+r.IntN(10), r.IntN(256), 80+r.IntN(3), family, strings.ToLower(family), i, r.IntN(9))
}

// dirty writes a row that can't be taken.
func dirty(r *rand.Rand) string {
	switch r.IntN(4) {
	case 0:
		return "\"2026-03-14 00:00:00\",\"tcp\",\"198.51.100.300\",1,64500,\"XA\",\"203.0.113.1\",80,\"examplebot\",\"examplebot\",\"\",\"\"\n"
	case 1:
		return "\"some day\",\"tcp\",\"198.51.100.3\",1,64500,\"XA\",\"203.0.113.1\",80,\"examplebot\",\"examplebot\",\"\",\"\"\n"
	case 2:
		return "\"2026-03-14 00:00:00\",\"tcp\",\"198.51.100.3\"\n"
	default:
		return "\"2026-03-14 00:00:00\",\"tcp\",\"198.51.100.3\",1,64500,\"XA\",\"203.0.113.1\",80,\"example\x00bot\",\"examplebot\",\"\",\"\"\n"
	}
}

const sinkholeHeader = `"timestamp","protocol","src_ip","src_port","infection"`

// sinkhole writes rows of a sinkhole report, from the n-th on.
func sinkhole(from, n int) string {
	var b strings.Builder
	for i := range n {
		i += from
		fmt.Fprintf(&b, "\"2026-03-14 %02d:%02d:%02d\",\"tcp\",\"192.0.2.%d\",%d,\"examplebot\"\n", i/3600%24, i/60%60, i%60, i%250, 1024+i%60000)
	}
	return b.String()
}
