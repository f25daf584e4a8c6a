package store

import (
	"path/filepath"
	"testing"
	"time"
)

// benchFold folds batches of 2,000 claims, each by a claim of its number.
func benchFold(b *testing.B, claim func(batch, i int) Claim, before int, known bool) {
	db := openAt(b, filepath.Join(b.TempDir(), "tocsin.db"), newSigner(b))
	if known {
		newParty(b, db, "example") // every claim is of its findings
	}
	d := accept(b, db, arrival(1, 1))
	n := 0
	next := func() *Batch {
		claims := make([]Claim, 2000)
		for i := range claims {
			claims[i] = claim(n, i)
		}
		n++
		return batch(d, int64(n-1)*2000, claims...)
	}
	for range before {
		fold(b, db, next())
	}
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		one := next()
		b.StartTimer()
		fold(b, db, one)
	}
	b.ReportMetric(2000*float64(b.N)/b.Elapsed().Seconds(), "claims/s")
}

func BenchmarkFoldOf2000ClaimsOnNewFindings(b *testing.B) {
	benchFold(b, func(batch, i int) Claim { return hit(batch*2000+i, noon.Add(time.Duration(i)*time.Second)) }, 0, false)
}

func BenchmarkFoldOf2000ClaimsOnKnownFindings(b *testing.B) {
	benchFold(b, func(batch, i int) Claim { return hit(i, noon.Add(time.Duration(batch*2000+i)*time.Second)) }, 1, false)
}

func BenchmarkFoldOf2000ClaimsOnNewFindingsOfAParty(b *testing.B) {
	benchFold(b, func(batch, i int) Claim { return hit(batch*2000+i, noon.Add(time.Duration(i)*time.Second)) }, 0, true)
}

func BenchmarkFoldOf2000ClaimsOnKnownFindingsOfAParty(b *testing.B) {
	benchFold(b, func(batch, i int) Claim { return hit(i, noon.Add(time.Duration(batch*2000+i)*time.Second)) }, 1, true)
}
