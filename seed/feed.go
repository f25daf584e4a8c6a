package seed

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"tocsin/desk"
)

// A kind is what a finding is, and with it the feed that brings it.
type kind int

const (
	bot kind = iota
	bot6
	controller
	site
	kinds
)

var (
	feeds   = [kinds]string{"shadowserver", "shadowserver", "c2-tracker", "shadowserver"}
	reports = [kinds]string{"event4_sinkhole", "event6_sinkhole", "", "compromised_website"}
	headers = [kinds]string{
		"timestamp,protocol,src_ip,src_port,infection,family\n",
		"timestamp,protocol,src_ip,src_port,infection,family\n",
		"observed_at,family,ip,commit\n",
		"timestamp,ip,http_host,family\n",
	}
)

// A delivery is a file as a source hands it in.
type delivery struct {
	kind kind
	name string
	text string
}

func (d delivery) arrival() desk.Arrival {
	return desk.Arrival{Feed: feeds[d.kind], Type: reports[d.kind], Name: d.name, Door: "file", Body: strings.NewReader(d.text)}
}

// deliveries gives what comes in at a tick: what was seen for the first time, and what
// was seen again. Bots come each time, the rest every third.
func (w *world) deliveries(tick int) []delivery {
	from, to := w.findingsOf(tick)
	for n := from; n < to; n++ {
		w.write(n, tick)
	}
	for again := range (to - from) * 35 / 100 {
		d := w.dice("again", from+again)
		if back := int(d.Float64() * d.Float64() * float64(to)); back < to {
			w.write(to-1-back, tick)
		}
	}
	var all []delivery
	for k := range kinds {
		rows := w.pending[k]
		if rows == nil || k != bot && (tick+int(k))%3 != 0 && tick < w.ticks-1 {
			continue
		}
		day := w.endOf(tick).Format(time.DateOnly)
		name := fmt.Sprintf("%s-%s.csv", day, "c2")
		if reports[k] != "" {
			name = fmt.Sprintf("%s-%s-cn.csv", day, reports[k])
		}
		all = append(all, delivery{k, name, headers[k] + rows.String()})
		delete(w.pending, k)
	}
	return all
}

// write writes one observation of the n-th finding, seen on the last day of a tick.
// Now and then a row is bad, or comes twice.
func (w *world) write(n, tick int) {
	f := w.finding(n)
	rows := w.pending[f.kind]
	if rows == nil {
		rows = &strings.Builder{}
		w.pending[f.kind] = rows
	}
	at := w.seenAt(f.family, n, tick)
	family := w.families[f.family]
	row := ""
	switch f.kind {
	case bot, bot6:
		row = fmt.Sprintf("%s,tcp,%s,%d,%s,%s\n", at.Format(time.DateTime), f.addr, 1024+n%50_000, strings.ToLower(family), family)
	case controller:
		row = fmt.Sprintf("%s,%s,%s,%07x\n", at.Format(time.RFC3339), family, f.addr, n)
	case site:
		row = fmt.Sprintf("%s,%s,%s,%s\n", at.Format(time.DateTime), f.addr, f.name, family)
	}
	rows.WriteString(row)
	switch w.dice("row", n+tick).IntN(200) {
	case 0:
		rows.WriteString(row)
	case 1:
		rows.WriteString(strings.Replace(row, f.addr.String(), "not-an-address", 1))
	}
}

// A findingPlan is a finding as it will be.
type findingPlan struct {
	kind   kind
	family int
	addr   netip.Addr
	name   string
}

// finding gives the n-th finding. No two have the same asset: addresses are walked
// through in steps that meet none twice.
func (w *world) finding(n int) findingPlan {
	d := w.dice("finding", n)
	f := findingPlan{family: skewed(d, len(w.families))}
	switch r := d.IntN(100); {
	case r < 75:
		f.kind, f.addr = bot, plus(netip.MustParseAddr("10.0.0.0"), uint32(n)*0x9E3779B1&(1<<24-1))
	case r < 83:
		f.kind, f.addr = bot6, netip.MustParseAddr(fmt.Sprintf("2001:db8:%x:%x::%x", skewed(d, len(w.network)), n>>16, n&0xffff))
	case r < 90:
		f.kind, f.addr = controller, plus(netip.MustParseAddr("100.64.0.0"), uint32(n)*0x9E3779B1&(1<<22-1))
	default:
		f.kind, f.addr = site, plus(netip.MustParseAddr("198.18.0.0"), uint32(n)&(1<<17-1))
		f.name = fmt.Sprintf("www%d.%s", n, suffix(skewed(d, len(w.registry))))
	}
	return f
}

// seenAt gives when a finding was seen on the last day of a tick: small families show
// themselves within two hours of a day, large ones around the clock.
func (w *world) seenAt(family, n, tick int) time.Time {
	day := w.endOf(tick).Add(-24 * time.Hour)
	within := 24 * time.Hour
	if family >= 10 {
		day, within = day.Add(time.Duration(w.dice("hours", family<<12+tick).IntN(22))*time.Hour), 2*time.Hour
	}
	return day.Add(time.Duration(w.dice("seen", n<<10+tick).Int64N(int64(within)))).Truncate(time.Second)
}
