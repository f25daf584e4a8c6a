package web

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tocsin/casebook"
	"tocsin/desk"
	"tocsin/ledger"
)

func TestPostDelivery(t *testing.T) {
	d := openDesk(t, desk.Config{})
	d.Now = inAMinute
	h := trusted(d)
	const target = "/api/v1/deliveries?feed=shadowserver&name=" + sinkholeName
	first := read[accepted](t, ask(h, "POST", target, strings.NewReader(sinkhole), "Content-Encoding", "gzip", "Content-Type", "text/csv", "Idempotency-Key", "x"), 201)
	if first.Known || first.Kind != "delivery" || first.State != "accepted" || first.Type != "event4_sinkhole" ||
		first.Bytes != int64(len(sinkhole)) || first.Door != "http" || first.Receipt.Leaf == nil || first.Receipt.Index == nil {
		t.Fatalf("got %+v", first)
	}
	wantInclusion(t, d, h, first.Receipt)

	again := read[accepted](t, ask(h, "POST", target, strings.NewReader(sinkhole)), 200)
	if !again.Known || again.ID != first.ID || again.Receipt.Leaf != nil || again.Receipt.Index != nil {
		t.Errorf("the same bytes again: got %+v", again)
	}
	drill := read[accepted](t, ask(h, "POST", target+"&exercise=true", strings.NewReader(sinkhole)), 201)
	if !drill.Exercise || drill.ID == first.ID {
		t.Errorf("the same bytes as a drill: got %+v", drill)
	}

	id, err := casebook.ParseID("dlv", first.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Gather(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	folded := get[delivery](t, h, "/api/v1/deliveries/"+first.ID+"?wait=60", 200)
	if !folded.ReceivedAt.Equal(first.ReceivedAt) {
		t.Errorf("received at %v by the answer, at %v later", first.ReceivedAt, folded.ReceivedAt)
	}
	if folded.State != "folded" || folded.Rows != 5 || folded.Taken != 3 || folded.Duplicate != 1 || folded.Refused != 1 {
		t.Errorf("got %+v", folded)
	}
	bad := get[page[refusal]](t, h, "/api/v1/deliveries/"+first.ID+"/refusals", 200)
	if len(bad.Items) != 1 || bad.Items[0].Row != 5 || bad.Items[0].Line != 6 || !strings.Contains(bad.Items[0].Reason, "192.0.2.999") {
		t.Errorf("got %+v", bad)
	}
	if bad := get[page[refusal]](t, h, "/api/v1/deliveries/"+first.ID+"/refusals?after_row=5", 200); len(bad.Items) != 0 {
		t.Errorf("after the last: got %+v", bad)
	}
}

// inAMinute lets the next write sign a checkpoint, of which there is one a second.
func inAMinute() time.Time { return time.Now().Add(time.Minute) }

// wantInclusion checks a receipt the way a stranger does: by the key, the
// checkpoint and the proof alone.
func wantInclusion(t *testing.T, d *desk.Desk, h http.Handler, r receipt) {
	t.Helper()
	vkey := ask(h, "GET", "/api/v1/ledger/key", nil).Body.String()
	note := ask(h, "GET", "/api/v1/ledger/checkpoint", nil).Body.Bytes()
	cp, err := ledger.OpenCheckpoint(note, vkey)
	if err != nil {
		t.Fatal(err)
	}
	if cp.Size <= *r.Index {
		t.Fatalf("the checkpoint covers %d leaves, not leaf %d", cp.Size, *r.Index)
	}
	proof := get[inclusionProof](t, h, fmt.Sprintf("/api/v1/ledger/inclusion?index=%d&size=%d", *r.Index, cp.Size), 200)
	leaf, err := hex.DecodeString(*r.Leaf)
	if err != nil {
		t.Fatal(err)
	}
	if err := ledger.VerifyInclusion(hashes(t, proof.Hashes), cp.Size, cp.Root, *r.Index, ledger.Hash(leaf)); err != nil {
		t.Error(err)
	}
}

func hashes(t *testing.T, texts []string) (all []ledger.Hash) {
	t.Helper()
	for _, text := range texts {
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, ledger.Hash(b))
	}
	return all
}

func TestConsistency(t *testing.T) {
	d := openDesk(t, desk.Config{})
	h := trusted(d)
	status := func() (counts, ledger.Checkpoint) {
		c := get[counts](t, h, "/api/v1/status", 200)
		cp, err := ledger.OpenCheckpoint([]byte(c.Ledger.Checkpoint), d.Verifier())
		if err != nil {
			t.Fatal(err)
		}
		if c.Ledger.Head != hex.EncodeToString(cp.Root[:]) {
			t.Errorf("the head %s isn't the checkpoint's root", c.Ledger.Head)
		}
		return c, cp
	}
	load(t, d, "feodo", "a.csv", feodo)
	_, old := status()
	d.Now = inAMinute
	load(t, d, "shadowserver", sinkholeName, sinkhole)
	_, newer := status()
	if newer.Size <= old.Size {
		t.Fatalf("the ledger stands at %d after %d", newer.Size, old.Size)
	}
	proof := get[consistencyProof](t, h, fmt.Sprintf("/api/v1/ledger/consistency?from=%d&to=%d", old.Size, newer.Size), 200)
	if err := ledger.VerifyConsistency(hashes(t, proof.Hashes), newer.Size, newer.Root, old.Size, old.Root); err != nil {
		t.Error(err)
	}
}

// TestAwait: who waits is answered when the delivery is done, or when the wait
// is over.
func TestAwait(t *testing.T) {
	d := openDesk(t, desk.Config{})
	h := trusted(d)
	a := read[accepted](t, ask(h, "POST", "/api/v1/deliveries?feed=feodo", strings.NewReader(feodo)), 201)
	id, err := casebook.ParseID("dlv", a.ID)
	if err != nil {
		t.Fatal(err)
	}
	if got := get[delivery](t, h, "/api/v1/deliveries/"+a.ID+"?wait=1", 200); got.State != "accepted" {
		t.Errorf("nobody folds it: got %+v", got)
	}
	answered := make(chan delivery)
	go func() {
		answered <- get[delivery](t, h, "/api/v1/deliveries/"+a.ID+"?wait=60", 200)
	}()
	if _, err := d.Gather(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if got := <-answered; got.State != "folded" || got.Taken != 2 {
		t.Errorf("got %+v", got)
	}
}

func TestPages(t *testing.T) {
	d := openDesk(t, desk.Config{})
	var want []string
	for i := range 5 {
		want = append([]string{load(t, d, "feodo", fmt.Sprint(i), feodo+strings.Repeat("#\n", i)).ID.Text("dlv")}, want...)
	}
	h := trusted(d)
	var got []string
	target := "/api/v1/deliveries?limit=2"
	for turn := 1; ; turn++ {
		p := get[page[delivery]](t, h, target, 200)
		for _, one := range p.Items {
			got = append(got, one.ID)
		}
		if p.Next == "" {
			if turn != 3 {
				t.Errorf("got %d pages, want 3", turn)
			}
			break
		}
		target = "/api/v1/deliveries?limit=2&cursor=" + p.Next
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

func TestHoldings(t *testing.T) {
	d := openDesk(t, desk.Config{})
	h := trusted(d)
	const table = "cidr,asn,holder,region,party\n192.0.2.0/24,64500,Example Access,XA-1,access\nnonsense,1,x,y,z\n"
	got := read[holdingImport](t, ask(h, "POST", "/api/v1/holdings/imports?name=north.csv&as_of=2026-01-01T00:00:00Z", strings.NewReader(table)), 201)
	if got.Source != "north" || got.Rows != 2 || got.Added != 1 || got.Refused != 1 || len(got.Bad) != 1 || got.Bad[0].Line != 3 ||
		!got.AsOf.Equal(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("got %+v", got)
	}
	load(t, d, "shadowserver", sinkholeName, sinkhole)
	for _, f := range get[page[finding]](t, h, "/api/v1/findings", 200).Items {
		if f.ASN != 64500 || f.Holder != "Example Access" || f.Party != "access" || f.Region != "XA-1" {
			t.Errorf("got %+v", f)
		}
	}
}

func TestFeeds(t *testing.T) {
	feeds := get[page[format]](t, trusted(openDesk(t, desk.Config{})), "/api/v1/feeds", 200)
	var names []string
	for _, f := range feeds.Items {
		names = append(names, f.Name)
		if f.Kind != "feed" || f.About == "" {
			t.Errorf("got %+v", f)
		}
	}
	for _, want := range []string{"c2-tracker", "feodo", "shadowserver"} {
		if !slices.Contains(names, want) {
			t.Errorf("got %v, without %s", names, want)
		}
	}
}

func TestCounts(t *testing.T) {
	c := get[counts](t, trusted(loaded(t)), "/api/v1/status", 200)
	c.Ledger = head{}
	want := counts{Kind: "status", Deliveries: 2, Observations: 5, Duplicates: 1, Refused: 1, Findings: 4, Threats: 3, Ungraded: 3} // no station runs here
	if c != want {
		t.Errorf("got %+v\nwant %+v", c, want)
	}
}

// TestBodyStandsStill: a sender that stops in the middle is given up after a
// minute.
func TestBodyStandsStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stopped := &sleeper{wait: func(until time.Time) { time.Sleep(time.Until(until)) }}
		x := newExchange(stopped, &http.Request{Body: stopped})
		_, err := x.body(0).Read(make([]byte, 10))
		if status(err) != 400 {
			t.Errorf("got %v", err)
		}
		if waited := time.Since(x.begun); waited != maxPause {
			t.Errorf("waited %v", waited)
		}
	})
}

// sleeper is a connection on which nothing comes until its deadline.
type sleeper struct {
	http.ResponseWriter
	wait     func(until time.Time)
	deadline time.Time
}

func (s *sleeper) SetReadDeadline(t time.Time) error { s.deadline = t; return nil }
func (s *sleeper) Close() error                      { return nil }
func (s *sleeper) Read([]byte) (int, error) {
	s.wait(s.deadline)
	return 0, context.DeadlineExceeded
}
