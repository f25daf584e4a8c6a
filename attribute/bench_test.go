package attribute_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"tocsin/attribute"
	"tocsin/casebook"
)

func BenchmarkReadRealTable(b *testing.B) {
	f := shared(b, "traffic", "asn", "asn-ipv4.csv.gz")
	for b.Loop() {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			b.Fatal(err)
		}
		if _, err := attribute.Read("asn-ipv4.csv.gz", f, func(casebook.Holding) error { return nil }, func(casebook.Refusal) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBuildRealTables(b *testing.B) {
	holdings := realHoldings(b)
	b.ReportAllocs()
	for b.Loop() {
		build(b, holdings)
	}
}

func BenchmarkLoadRealTables(b *testing.B) {
	form := compiled(b, build(b, realHoldings(b)))
	b.ReportAllocs()
	for b.Loop() {
		load(b, form)
	}
	b.ReportMetric(heapOf(func() any { return load(b, form) }), "table-MB")
	b.ReportMetric(float64(len(form))/1e6, "form-MB")
}

// heapOf measures what a thing keeps, in megabytes.
func heapOf(make func() any) float64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	thing := make()
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(thing)
	runtime.KeepAlive(make)
	return float64(int64(after.HeapAlloc)-int64(before.HeapAlloc)) / 1e6
}

// Addresses near and in ranges drawn evenly from the table, which is harder than
// life: each lies somewhere else in memory. The smaller sets are what stays in the
// processor's cache, as with a feed that comes back to the same networks.
func BenchmarkAtOnRealTables(b *testing.B) {
	holdings := realHoldings(b)
	table := load(b, compiled(b, build(b, holdings)))
	at := time.Date(2026, 8, 17, 0, 0, 0, 0, time.UTC)
	for _, n := range []int{1 << 10, 1 << 16} {
		assets := make([]casebook.Asset, n)
		for i, a := range someAddrs(holdings, n) {
			assets[i] = casebook.AddrAsset(a)
		}
		b.Run(fmt.Sprintf("%d-addresses", n), func(b *testing.B) { lookUp(b, table, assets, at) })
	}
	random := rand.New(rand.NewPCG(3, 4))
	assets := make([]casebook.Asset, 1<<16)
	for i := range assets {
		var o [4]byte
		binary.BigEndian.PutUint32(o[:], random.Uint32())
		assets[i] = casebook.AddrAsset(netip.AddrFrom4(o))
	}
	b.Run("anywhere-in-ipv4", func(b *testing.B) { lookUp(b, table, assets, at) })
}

func lookUp(b *testing.B, table *attribute.Table, assets []casebook.Asset, at time.Time) {
	if n := testing.AllocsPerRun(100, func() { table.At(assets[7], at) }); n != 0 {
		b.Errorf("allocations for a lookup: got %v, want 0", n)
	}
	i := 0
	for b.Loop() {
		table.At(assets[i%len(assets)], at)
		i++
	}
}
