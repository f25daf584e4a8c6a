package web

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"tocsin/casebook"
	"tocsin/desk"
	"tocsin/store"
)

// metrics is what monitoring reads: the platform's counts, read from the
// database at each scrape, the requests that this handler answered, and the
// process.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
}

func newMetrics(d *desk.Desk, version string) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tocsin_http_requests_total", Help: "Requests answered, by route and status.",
		}, []string{"route", "status"}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "tocsin_build_info", Help: "Always 1; the label tells the version.", ConstLabels: prometheus.Labels{"version": version},
	})
	build.Set(1)
	m.registry.MustRegister(m.requests, build, &stock{d}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}

// count counts an answer; pattern is "" where no route fitted.
func (m *metrics) count(pattern string, status int) {
	if pattern == "" {
		pattern = "none"
	}
	m.requests.WithLabelValues(pattern, strconv.Itoa(status)).Inc()
}

// stock reads the platform's counts at each scrape.
type stock struct{ desk *desk.Desk }

type figure struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	of   func(*store.Counts) int64
}

func describe(name, help string, kind prometheus.ValueType, of func(*store.Counts) int64) figure {
	return figure{prometheus.NewDesc(name, help, nil, nil), kind, of}
}

var figures = []figure{
	describe("tocsin_deliveries", "Deliveries accepted.", prometheus.GaugeValue, func(c *store.Counts) int64 { return c.Deliveries }),
	describe("tocsin_deliveries_waiting", "Deliveries not yet folded to their end.", prometheus.GaugeValue, func(c *store.Counts) int64 { return c.Waiting }),
	describe("tocsin_observations_total", "Observations taken.", prometheus.CounterValue, func(c *store.Counts) int64 { return c.Observations }),
	describe("tocsin_duplicates_total", "Rows that repeat an observation.", prometheus.CounterValue, func(c *store.Counts) int64 { return c.Duplicates }),
	describe("tocsin_refused_total", "Bad rows.", prometheus.CounterValue, func(c *store.Counts) int64 { return c.Refused }),
	describe("tocsin_findings", "Findings.", prometheus.GaugeValue, func(c *store.Counts) int64 { return c.Findings }),
	describe("tocsin_threats", "Threats.", prometheus.GaugeValue, func(c *store.Counts) int64 { return c.Threats }),
	describe("tocsin_holdings", "Holdings, valid now or once.", prometheus.GaugeValue, func(c *store.Counts) int64 { return c.Holdings }),
	describe("tocsin_outbox_waiting", "Outbox lines to be told.", prometheus.GaugeValue, func(c *store.Counts) int64 { return c.OutboxWaits }),
	describe("tocsin_outbox_dead", "Outbox lines given up.", prometheus.GaugeValue, func(c *store.Counts) int64 { return c.OutboxDead }),
	describe("tocsin_ledger_entries_total", "Entries numbered in the ledger.", prometheus.CounterValue, func(c *store.Counts) int64 { return c.Entries }),
	describe("tocsin_ledger_pending", "Entries committed and not yet numbered.", prometheus.GaugeValue, func(c *store.Counts) int64 { return c.Pending }),
}

// Describe implements prometheus.Collector.
func (s *stock) Describe(descs chan<- *prometheus.Desc) {
	for _, f := range figures {
		descs <- f.desc
	}
}

// Collect implements prometheus.Collector. Without an answer of the database the
// scrape fails, so that monitoring sees a fault and not a zero.
func (s *stock) Collect(all chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	counts, err := s.desk.Reader(casebook.Operator()).Counts(ctx)
	for _, f := range figures {
		if err != nil {
			all <- prometheus.NewInvalidMetric(f.desc, err)
			continue
		}
		all <- prometheus.MustNewConstMetric(f.desc, f.kind, float64(f.of(&counts)))
	}
}
