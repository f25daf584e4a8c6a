package store

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"tocsin/casebook"
)

// What follows of claims must not depend on the order in which they came, nor on
// how their deliveries were cut into batches.

// drawnClaim is a claim whose asset, family, hour and marks collide often.
var drawnClaim = rapid.Custom(func(t *rapid.T) Claim {
	hour := rapid.OneOf(rapid.IntRange(0, 2), rapid.IntRange(0, 30), rapid.IntRange(-600_000, 2000)).Draw(t, "hour") // from 1957 on
	at := noon.Add(time.Duration(hour)*time.Hour + time.Duration(rapid.IntRange(0, 2).Draw(t, "minute"))*time.Minute)
	c := hit(rapid.IntRange(1, 4).Draw(t, "host"), at)
	c.Family = rapid.SampledFrom([]string{"Mirai", "mirai", "Qakbot", ""}).Draw(t, "family")
	c.Type = rapid.SampledFrom([]casebook.Type{casebook.InfectedSystem, casebook.C2Server, casebook.Scanner}).Draw(t, "type")
	c.Port = rapid.Uint16Range(0, 2).Draw(t, "port")
	c.Severity = casebook.Severity(rapid.IntRange(0, 5).Draw(t, "severity"))
	// A table of holdings gives one answer for one asset at one moment.
	c.Holder = fmt.Sprintf("holder of %s at %v", c.Asset, c.ObservedAt)
	c.ASN, c.Party, c.Region = uint32(hour+1_000_000), c.Holder, c.Holder
	c = keyed(c)
	// What a source gives to all its claims can't differ between two that are one.
	c.Role, c.TLP = c.Type.Role(), casebook.TLP(c.Key[0]%5)
	if c.Key[1]%2 == 1 {
		c.Role = casebook.Bot
	}
	return c
})

// tenants hands out tenants: to each its own findings, in one database.
type tenants struct{ last int64 }

func (n *tenants) next() int64 { n.last++; return n.last + 100 }

// foldCut folds claims as one delivery in batches that end at the cuts.
func foldCut(t testing.TB, db *DB, tenant int64, claims []Claim, cuts []int) {
	t.Helper()
	d := accept(t, db, arrival(tenant, 1))
	from := 0
	for _, to := range append(cuts, len(claims)) {
		if to > from {
			fold(t, db, batch(d, int64(from), slices.Clone(claims[from:to])...))
			from = to
		}
	}
}

// outcome is what a tenant knows, without names and stamps, in an order of its own.
type outcome struct {
	Findings []casebook.Finding
	Threats  []casebook.Threat
}

func outcomeOf(t testing.TB, db *DB, tenant int64) outcome {
	t.Helper()
	o := outcome{findings(t, reader(db, tenant)), threats(t, reader(db, tenant))}
	keys := map[casebook.ID]string{}
	for i := range o.Threats {
		threat := &o.Threats[i]
		keys[threat.ID] = threat.Type + " " + threat.Key
		threat.ID, threat.Mark.Tenant, threat.Family, threat.Name = casebook.ID{}, 0, "", "" // as first written
	}
	for i := range o.Findings {
		f := &o.Findings[i]
		f.Family, f.Name = keys[f.Threat], ""
		f.ID, f.Threat, f.Mark.Tenant, f.RecordedAt = casebook.ID{}, casebook.ID{}, 0, time.Time{}
	}
	slices.SortFunc(o.Findings, func(a, b casebook.Finding) int {
		return strings.Compare(fmt.Sprint(a.Family, a.Role, a.Asset, a.Port), fmt.Sprint(b.Family, b.Role, b.Asset, b.Port))
	})
	return o
}

// twoOrders are the same claims twice, as they came and how they were cut.
type twoOrders [2]struct {
	claims []Claim
	cuts   []int
}

var drawnOrders = rapid.Custom(func(t *rapid.T) (two twoOrders) {
	claims := rapid.SliceOfN(drawnClaim, 1, 14).Draw(t, "claims")
	for i := range two {
		two[i].claims = rapid.Permutation(claims).Draw(t, "order")
		two[i].cuts = rapid.SliceOfN(rapid.IntRange(0, len(claims)), 0, 2).Draw(t, "cuts")
		slices.Sort(two[i].cuts)
	}
	return two
})

func TestTheOrderOfArrivalChangesNothing(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		at, signer := place(), newSigner(t)
		db := openAt(t, at, signer)
		var tenant tenants
		alike := func(two twoOrders) string {
			var all [2]outcome
			for i, one := range two {
				who := tenant.next()
				foldCut(t, db, who, one.claims, one.cuts)
				all[i] = outcomeOf(t, db, who)
				if diff := diffSizes(one.claims, all[i].Threats); diff != "" {
					return "sizes (-want +got):\n" + diff
				}
			}
			return cmp.Diff(all[0], all[1], alike, cmpopts.EquateEmpty())
		}
		if db.dialect.name() == "postgres" { // the same code over other statements: some examples will do
			for seed := range 12 {
				if diff := alike(drawnOrders.Example(seed)); diff != "" {
					t.Fatalf("example %d:\n%s", seed, diff)
				}
			}
		} else {
			rapid.Check(t, func(r *rapid.T) {
				if diff := alike(drawnOrders.Draw(r, "two orders")); diff != "" {
					r.Fatalf("two orders of the same claims:\n%s", diff)
				}
			})
		}
		closed(t, db)
		sound(t, at, signer)
	})
}

// truth is how large a threat's role is, counted the slow way.
type truth struct {
	total, day, window, hour int64
	peak                     casebook.Day
}

type sizeName struct {
	threat string
	role   casebook.Role
}

// assetsOf lists for each threat and role the hours in which each asset was seen.
func assetsOf(claims []Claim) map[sizeName]map[string][]int64 {
	all := map[sizeName]map[string][]int64{}
	for _, c := range claims {
		name := casebook.FamilyKey(c.Family)
		if name == "" {
			name = " " + casebook.FamilyKey(c.Identifier) // a word, no family
		}
		k := sizeName{c.Type.Class() + " " + name, c.Role}
		if all[k] == nil {
			all[k] = map[string][]int64{}
		}
		asset := c.Asset.String()
		if c.Role != casebook.Bot && c.Role != casebook.Attacker && c.Role != casebook.Victim {
			asset = fmt.Sprint(asset, ":", c.Port)
		}
		all[k][asset] = append(all[k][asset], int64(math.Floor(float64(c.ObservedAt.Unix())/3600)))
	}
	return all
}

func truths(claims []Claim) map[sizeName]truth {
	all := map[sizeName]truth{}
	for k, assets := range assetsOf(claims) {
		within := func(from, to int64) (n int64) { // hours, both ends in it
			for _, hours := range assets {
				if slices.ContainsFunc(hours, func(h int64) bool { return from <= h && h <= to }) {
					n++
				}
			}
			return n
		}
		s, every := truth{total: int64(len(assets)), peak: 1 << 30}, []int64{}
		for _, hours := range assets {
			every = append(every, hours...)
		}
		slices.Sort(every)
		for _, h := range slices.Compact(every) {
			s.hour, s.window = max(s.hour, within(h, h)), max(s.window, within(h, h+23))
			day := casebook.DayOf(time.Unix(h*3600, 0))
			n := within(int64(day)*24, int64(day)*24+23)
			if n > s.day || n == s.day && day < s.peak {
				s.day, s.peak = n, day
			}
		}
		all[k] = s
	}
	return all
}

// diffSizes holds the sizes of threats against what claims give; all are small
// enough to be exact.
func diffSizes(claims []Claim, threats []casebook.Threat) string {
	got, want := map[sizeName]truth{}, truths(claims)
	for _, threat := range threats {
		for _, s := range threat.Sizes {
			for _, i := range []casebook.Interval{s.Unique24h, s.Concurrent1h} {
				if i.Low != i.Point || i.Point != i.High {
					return fmt.Sprintf("%s %s: %+v isn't exact", threat.Key, s.Role, s)
				}
			}
			k := sizeName{threat.Type + " " + threat.Key, s.Role}
			got[k] = truth{s.UniqueTotal, want[k].day, s.Unique24h.Low, s.Concurrent1h.Low, s.PeakDay}
		}
	}
	return cmp.Diff(want, got, cmp.AllowUnexported(truth{}, sizeName{}))
}

// crowd gives claims of a threat that is too large to be counted exactly within
// any 24 hours, and largest across a midnight.
func crowd(hosts int) []Claim {
	source := rand.New(rand.NewPCG(1, 2))
	midnight := noon.Truncate(24 * time.Hour)
	var claims []Claim
	for host := range hosts {
		for range 2 {
			hour := 12 + source.IntN(24)
			if host%4 == 0 {
				hour += 24 * source.IntN(5)
			}
			claims = append(claims, hit(host, midnight.Add(time.Duration(hour)*time.Hour)))
		}
	}
	return claims
}

func TestALargeThreatIsAnIntervalThatHoldsTheTruth(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		db := openAt(t, place(), newSigner(t))
		var tenant tenants
		for _, hosts := range []int{250, 300, 600} {
			claims := crowd(hosts)
			var want truth
			for _, want = range truths(claims) {
			}
			var first *casebook.Size
			source := rand.New(rand.NewPCG(3, uint64(hosts)))
			for _, size := range []int{len(claims), 60, 333} {
				who := tenant.next()
				source.Shuffle(len(claims), func(i, j int) { claims[i], claims[j] = claims[j], claims[i] })
				var cuts []int
				for cut := size; cut < len(claims); cut += size {
					cuts = append(cuts, cut)
				}
				foldCut(t, db, who, claims, cuts)
				got := threats(t, reader(db, who))[0].Sizes[0]
				day, hour := got.Unique24h, got.Concurrent1h
				if got.UniqueTotal != want.total || got.PeakDay != want.peak || day.Low < want.day || day.Low > want.window || day.High < want.window || hour.Low > want.hour || hour.High < want.hour {
					t.Errorf("%d hosts:\n got %+v\nwant %+v", hosts, got, want)
				}
				if exact := (casebook.Interval{Low: want.window, Point: want.window, High: want.window}); want.window <= casebook.SketchExact && day != exact {
					t.Errorf("%d hosts within 24 hours: got %+v, want %+v", want.window, day, exact)
				}
				if first == nil {
					first = &got
				} else if *first != got {
					t.Errorf("%d hosts in another order:\n got %+v\nwant %+v", hosts, got, *first)
				}
			}
		}
	})
}
