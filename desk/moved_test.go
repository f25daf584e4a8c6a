package desk_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"tocsin/access"
	"tocsin/casebook"
	"tocsin/desk"
	"tocsin/report"
	"tocsin/store"
)

// seenBy gives what a party sees of findings, a line each, and wants its counts to
// agree.
func (o *opened) seenBy(p casebook.Party) (lines []string) {
	o.t.Helper()
	scope := access.Scope(access.OfUser(casebook.User{Tenant: 1, Name: "abuse", Roles: []string{access.AbuseDesk}, Party: p.ID}))
	r := o.Reader(scope)
	page, err := r.FindingPage(o.t.Context(), store.FindingFilter{}, casebook.ID{}, 100)
	if err != nil {
		o.t.Fatal(err)
	}
	n, observations := 0, int64(0)
	for f, err := range r.Findings(o.t.Context(), store.FindingFilter{}) {
		if err != nil {
			o.t.Fatal(err)
		}
		n, observations = n+1, observations+f.Count
		lines = append(lines, fmt.Sprintf("%s %s–%s, %d on %d days, %s %s, %s", f.Asset, f.FirstSeen.Format("01-02"), f.LastSeen.Format("01-02"), f.Count, f.Days.Len(), f.Holder, f.Party, f.State))
	}
	c, err := r.Counts(o.t.Context())
	if err != nil || len(page) != n || c.Findings != int64(n) || c.Observations != observations || c.Threats != 0 || c.Deliveries != 0 {
		o.t.Errorf("%s: %d findings in the stream, %d on the page, counts %+v, %v", p.Name, n, len(page), c, err)
	}
	if threats, err := r.Threats(o.t.Context(), casebook.ID{}, 10); err != nil || len(threats) != 0 {
		o.t.Errorf("%s sees threats that weren't shared: %v %v", p.Name, threats, err)
	}
	return lines
}

// TestARangeThatMovesOpensNothingOfThePast: North held the range until April, West
// holds it since. Each sees what was attributed to it and no figure of the other, also
// where both have a part in one finding, and in whatever order the rows come.
func TestARangeThatMovesOpensNothingOfThePast(t *testing.T) {
	o := open(t, t.TempDir())
	keep := func(name string) casebook.Party {
		p, err := o.KeepParty(t.Context(), casebook.Actor{Kind: casebook.Person, Name: "alice"}, casebook.Party{Name: name, Roles: []string{"access_provider"}})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	north, west := keep("north"), keep("west")
	row := func(at, ip string) string { return at + "T10:00:00Z,Sample," + ip + ",c0ffee\n" }
	o.load("registry", tableHeader+"192.0.2.0/24,64500,North,XA,north\n", time.Time{})
	o.take(c2Header + row("2026-03-01", "192.0.2.1") + row("2026-03-02", "192.0.2.1") + row("2026-03-02", "192.0.2.2"))
	want := func(p casebook.Party, lines ...string) {
		t.Helper()
		if got := o.seenBy(p); fmt.Sprint(got) != fmt.Sprint(lines) {
			t.Errorf("%s sees\n%q\nwant\n%q", p.Name, got, lines)
		}
	}
	want(north, "192.0.2.1 03-01–03-02, 2 on 2 days, North north, open", "192.0.2.2 03-02–03-02, 1 on 1 days, North north, open")
	want(west)

	o.load("registry", tableHeader+"192.0.2.0/24,64510,West,XB,west\n", time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC))
	want(west) // what it holds now opens nothing
	// One of the addresses again, a new one, and one that the old holder's time brings late.
	o.take(c2Header + row("2026-04-05", "192.0.2.1") + row("2026-04-06", "192.0.2.3") + row("2026-03-20", "192.0.2.1"))
	want(north, "192.0.2.1 03-01–03-20, 3 on 3 days, North north, open", "192.0.2.2 03-02–03-02, 1 on 1 days, North north, open")
	want(west, "192.0.2.1 04-05–04-05, 1 on 1 days, West west, open", "192.0.2.3 04-06–04-06, 1 on 1 days, West west, open")

	// The platform's own people see the finding as one, under a name that tells the new
	// holder nothing of when it began.
	one := o.findings()["192.0.2.1 sample"]
	if one.Count != 4 || one.Party != "west" {
		t.Errorf("the platform sees %+v", one)
	}
	scope := casebook.Scope{Tenant: 1, Party: west.ID, MaxTLP: casebook.Amber}
	for f, err := range o.Reader(scope).Findings(t.Context(), store.FindingFilter{}) {
		if err != nil || f.Asset == one.Asset && f.ID == one.ID {
			t.Errorf("the new holder knows the finding by the name it had before: %v", err)
		}
	}
	scope.Party = north.ID
	for f, err := range o.Reader(scope).Findings(t.Context(), store.FindingFilter{}) {
		if err != nil || f.Asset == one.Asset && f.ID != one.ID {
			t.Errorf("the first holder knows the finding by another name: %v", err)
		}
	}

	// And back again: North goes on with its own part.
	o.load("registry", tableHeader+"192.0.2.0/24,64500,North,XA,north\n", time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC))
	o.take(c2Header + row("2026-05-02", "192.0.2.1"))
	want(north, "192.0.2.1 03-01–05-02, 4 on 4 days, North north, open", "192.0.2.2 03-02–03-02, 1 on 1 days, North north, open")
	want(west, "192.0.2.1 04-05–04-05, 1 on 1 days, West west, open", "192.0.2.3 04-06–04-06, 1 on 1 days, West west, open")
	o.wantSound()
}

// TestAPartyThatEndedIsFollowedByAnotherOfItsName: the successor sees nothing of the
// time before it.
func TestAPartyThatEndedIsFollowedByAnotherOfItsName(t *testing.T) {
	o := open(t, t.TempDir())
	alice := casebook.Actor{Kind: casebook.Person, Name: "alice"}
	july := time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	keep := func(from time.Time) casebook.Party {
		p, err := o.KeepParty(t.Context(), alice, casebook.Party{Name: "north", Roles: []string{"access_provider"}, Region: "CN-11", NetworkRegion: "CN-12", EffectRegion: "CN-13", From: from})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	old := keep(time.Time{})
	if _, err := o.EndParty(t.Context(), alice, old.ID, july, casebook.ID{}); err != nil {
		t.Fatal(err)
	}
	if _, err := o.KeepParty(t.Context(), alice, casebook.Party{Name: "north", Roles: []string{"registry"}}); err == nil {
		t.Error("another party of the name may begin before the first ended")
	}
	young := keep(july)
	if young.ID == old.ID || young.NetworkRegion != "CN-12" || young.EffectRegion != "CN-13" {
		t.Errorf("got %+v after %+v", young, old)
	}
	o.load("registry", tableHeader+"192.0.2.0/24,64500,North,XA,north\n", time.Time{})
	o.take(c2Header + "2026-06-30T23:59:59Z,Sample,192.0.2.1,c0ffee\n2026-07-01T00:00:00Z,Sample,192.0.2.2,c0ffee\n")
	for _, c := range []struct {
		party casebook.Party
		want  string
	}{{old, "192.0.2.1 06-30–06-30, 1 on 1 days, North north, open"}, {young, "192.0.2.2 07-01–07-01, 1 on 1 days, North north, open"}} {
		if got := o.seenBy(c.party); len(got) != 1 || got[0] != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
	o.wantSound()
}

// TestAnOrderTellsAPartyOfItsOwnTimeOnly: a row quotes the figures and the name by which
// its party knows the finding, the party sees the order once it is served, and what an
// earlier holder answers moves nothing of the present one's.
func TestAnOrderTellsAPartyOfItsOwnTimeOnly(t *testing.T) {
	o := open(t, t.TempDir())
	keep := func(p casebook.Party) casebook.Party {
		p, err := o.KeepParty(t.Context(), alice, p)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	keep(casebook.Party{Name: "Example Bureau", Roles: []string{"authority"}, Region: "CN", Own: true})
	north := keep(casebook.Party{Name: "north", Roles: []string{"telecom_operator"}})
	west := keep(casebook.Party{Name: "west", Roles: []string{"telecom_operator"}})
	then, now := o.now.Add(-72*time.Hour), o.now.Add(-time.Hour)
	o.load("registry", "cidr,asn,party\n198.51.100.0/24,64500,north\n", o.now.AddDate(0, -1, 0))
	o.takeBotAt(3, then)
	o.load("registry", "cidr,asn,party\n198.51.100.0/24,64510,west\n", o.now.AddDate(0, 0, -1))
	o.takeBotAt(3, now)
	o.settle()
	i := o.only(casebook.ProposedIncident)
	if _, err := o.Confirm(t.Context(), wang, i.ID, desk.Confirmation{}); err != nil {
		t.Fatal(err)
	}
	all, err := o.Reader(casebook.Operator()).FindingPage(t.Context(), store.FindingFilter{}, casebook.ID{}, 10)
	if err != nil || len(all) != 1 || !all[0].FirstSeen.Equal(then) {
		t.Fatalf("got %+v (%v)", all, err)
	}
	whole := all[0]

	draft := desk.Command{Incident: i.ID, Party: north.ID, Measure: "clean", Limit: 24 * time.Hour}
	if _, err := o.DraftOrder(t.Context(), wang, draft); !errors.Is(err, casebook.ErrInvalid) {
		t.Errorf("north is ordered to clean what west holds: %v", err)
	}
	for _, c := range []struct {
		party casebook.Party
		at    time.Time
		state casebook.State // of the whole, once this party says that it is clean
	}{{north, then, casebook.Open}, {west, now, casebook.ClaimedClean}} {
		draft.Party, draft.Findings = c.party.ID, nil
		if c.party.ID == north.ID {
			draft.Findings = []casebook.ID{whole.ID}
		}
		order, err := o.DraftOrder(t.Context(), wang, draft)
		if err == nil {
			_, err = o.ApproveOrder(t.Context(), li, order.ID)
		}
		if err != nil {
			t.Fatal(err)
		}
		r := o.Reader(access.Scope(access.OfUser(casebook.User{Tenant: 1, Name: "abuse", Roles: []string{access.AbuseDesk}, Party: c.party.ID})))
		if _, err := r.Order(t.Context(), order.ID); !errors.Is(err, casebook.ErrNotFound) {
			t.Errorf("%s sees an order that isn't served: %v", c.party.Name, err)
		}
		if _, err := o.ServeOrder(t.Context(), wang, order.ID, &desk.Receipt{Proof: "handed over"}); err != nil {
			t.Fatal(err)
		}
		rows, err := r.OrderRows(t.Context(), order.ID)
		if err != nil || len(rows) != 1 || !rows[0].FirstSeen.Equal(c.at) || !rows[0].LastSeen.Equal(c.at) {
			t.Fatalf("%s is told %+v (%v), want one row of %v", c.party.Name, rows, err, c.at)
		}
		own, err := r.FindingPage(t.Context(), store.FindingFilter{}, casebook.ID{}, 10)
		if err != nil || len(own) != 1 || own[0].ID != rows[0].Finding || own[0].State != casebook.Told {
			t.Errorf("%s knows %+v (%v), the order speaks of %v", c.party.Name, own, err, rows[0].Finding)
		}
		if others, err := r.Orders(t.Context(), casebook.ID{}, casebook.ID{}, 10); err != nil || len(others) != 1 {
			t.Errorf("%s sees %d orders (%v), want its own", c.party.Name, len(others), err)
		}
		if _, _, err := o.Answer(t.Context(), casebook.Actor{Kind: casebook.Person, Name: "abuse"}, order.ID, []report.Answer{{Number: 1, Kind: casebook.AnswerDone}}); err != nil {
			t.Fatal(err)
		}
		if got := o.findings()[whole.Asset.String()+" "+whole.Name].State; got != c.state {
			t.Errorf("after %s answered the finding is %s, want %s", c.party.Name, got, c.state)
		}
	}
	o.wantSound()
}
