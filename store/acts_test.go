package store

import (
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	"tocsin/casebook"
)

// actsOn writes a report that was filed, and an order that was served, on a case.
func (f filled) actsOn(t testing.TB, n int, incident casebook.Incident, party casebook.Party, duty casebook.Duty) {
	t.Helper()
	write(t, f.db, noon.Add(time.Duration(n)*time.Second), func(tx *Tx) error {
		if err := tx.AddContact(party.ID, "orders", "mailto:abuse@example.org"); err != nil {
			return err
		}
		d, err := tx.AddDispute(casebook.Dispute{Tenant: 1, Line: casebook.ScoreLine{Party: party.ID, Region: "CN-11", Regime: duty.Regime, Stage: duty.Stage, Month: "2026-03"}, Text: "the portal was down"})
		if err == nil && n == 0 {
			_, err = tx.DecideDispute(d.ID, casebook.UpheldDispute, "the portal was down")
		}
		if err != nil {
			return err
		}
		r, err := tx.OpenReport(casebook.Report{Mark: incident.Mark, Incident: incident.ID, Duty: duty.ID, Party: party.ID, Regime: duty.Regime, Stage: duty.Stage, OpenedAt: noon},
			[]casebook.FormField{{ID: "name", Value: "a call at night"}})
		if err != nil {
			return err
		}
		to, err := tx.FileReport(casebook.ReportVersion{Report: r.ID, Number: 1, Fields: []casebook.FormField{{ID: "name", Value: "a call at night"}}, FiledAt: noon, Channel: "program", By: "person:alice"}, []byte("{}"),
			[]casebook.Recipient{{Role: "authority", Name: "Bureau"}}, []string{r.ID.Text("msg")})
		if err != nil {
			return err
		}
		to[0].DispatchedAt = noon.Add(time.Second)
		if err := tx.SaveRecipient(to[0]); err != nil {
			return err
		}
		findings, err := collectFindings(tx)
		if err != nil {
			return err
		}
		o, err := tx.DraftOrder(casebook.Order{Mark: incident.Mark, Incident: incident.ID, Party: party.ID, By: party.ID, Measure: "clean", Power: "cn-miit-2017-202/order_measures", Limit: time.Hour}, findings)
		if err != nil {
			return err
		}
		o.State, o.Task, o.ServedAt, o.Due = casebook.ServedOrder, r.ID.Text("task"), noon, noon.Add(time.Hour)
		if err := tx.SaveOrder(o, r.ID.Text("ord")); err != nil {
			return err
		}
		rows, err := tx.OrderRows(o.ID)
		if err != nil {
			return err
		}
		if err := tx.ToldLimit(o.ID); err != nil {
			return err
		}
		rows[0].State, rows[0].Answer, rows[0].AnsweredAt = casebook.AnsweredRow, casebook.AnswerDone, noon
		if err := tx.SaveOrderRow(rows[0]); err != nil {
			return err
		}
		if err := tx.AddLink(o.ID, sha256.Sum256(o.ID[:])); err != nil {
			return err
		}
		return tx.AddProofFile(r.ID, casebook.ProofFile{Version: 1, Name: "receipt.pdf", Content: []byte("%PDF-")})
	})
}

// collectFindings gives two findings, whichever.
func collectFindings(tx *Tx) ([]casebook.ID, error) {
	all, err := tx.numbers(`SELECT id FROM finding ORDER BY id LIMIT 2`)
	if err != nil {
		return nil, err
	}
	var ids []casebook.ID
	for _, n := range all {
		var public []byte
		if err := tx.row(`SELECT public FROM finding WHERE id = $1`, n).Scan(&public); err != nil {
			return nil, err
		}
		ids = append(ids, casebook.ID(public))
	}
	return ids, nil
}

func TestReportsAndOrdersAreReadAsTheyWereWritten(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		f := newFilled(t, place())
		r := reader(f.db, 1)
		reports, err := r.Reports(t.Context(), casebook.ID{}, casebook.ID{}, 10)
		if err != nil || len(reports) != 3 || reports[0].State != casebook.FiledReport || reports[0].Version != 1 {
			t.Fatalf("got %+v (%v)", reports, err)
		}
		versions, err := r.ReportVersions(t.Context(), reports[0].ID)
		if err != nil || len(versions) != 1 || versions[0].Fields[0].Value != "a call at night" {
			t.Errorf("got %+v (%v)", versions, err)
		}
		to, err := r.ReportRecipients(t.Context(), reports[0].ID)
		if err != nil || len(to) != 1 || !to[0].DispatchedAt.Equal(noon.Add(time.Second)) {
			t.Errorf("got %+v (%v)", to, err)
		}
		orders, err := r.Orders(t.Context(), casebook.ID{}, casebook.ID{}, 10)
		if err != nil || len(orders) != 3 || orders[0].State != casebook.ServedOrder || orders[0].Limit != time.Hour {
			t.Fatalf("got %+v (%v)", orders, err)
		}
		rows, err := r.OrderRows(t.Context(), orders[0].ID)
		if err != nil || len(rows) != 2 || rows[0].Answer != casebook.AnswerDone || rows[1].State != casebook.SentRow {
			t.Errorf("got %+v (%v)", rows, err)
		}
		waits, err := r.Undone(t.Context(), []casebook.ID{orders[0].ID, casebook.NewID(noon)})
		if err != nil || len(waits) != 1 || !waits[orders[0].ID] {
			t.Errorf("orders with rows undone: got %v (%v), want the first", waits, err)
		}
		waiting, err := r.OrdersWaiting(t.Context(), casebook.ServedOrder, "", 1000)
		if err != nil || len(waiting) < 2 || waiting[len(waiting)-1].ID != orders[0].ID || waiting[0].Due.After(waiting[1].Due) {
			t.Errorf("the orders that wait: got %v (%v), want the soonest first and the newest last", waiting, err)
		}
		if none, err := r.OrdersWaiting(t.Context(), casebook.DraftOrder, "person:alice", 1000); err != nil || len(none) > 0 {
			t.Errorf("drafts by others: got %v (%v)", none, err)
		}
		checkable, _, err := r.Checkables(t.Context(), 0, 10)
		if err != nil || len(checkable) != 3 {
			t.Errorf("got %d rows to check (%v), want 3", len(checkable), err)
		}
		nobody := f.db.Reader(casebook.Scope{Tenant: 2, All: true, MaxTLP: casebook.Red})
		for name, n := range map[string]int{"reports": lenOf(nobody.Reports(t.Context(), casebook.ID{}, casebook.ID{}, 10)), "orders": lenOf(nobody.Orders(t.Context(), casebook.ID{}, casebook.ID{}, 10))} {
			if n != 0 {
				t.Errorf("a stranger sees %d %s", n, name)
			}
		}
	})
}

func lenOf[T any](all []T, err error) int {
	if err != nil {
		return -1
	}
	return len(all)
}

// TestLinks: a link is found by its digest, ends for good, and is shown to who sees all.
func TestLinks(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		f := newFilled(t, place())
		r := f.db.Reader(casebook.Operator())
		orders, err := r.Orders(t.Context(), casebook.ID{}, casebook.ID{}, 1, casebook.ServedOrder)
		if err != nil || len(orders) != 1 {
			t.Fatal(err, orders)
		}
		id := orders[0].ID
		l, err := r.Link(t.Context(), sha256.Sum256(id[:]))
		if err != nil || l.Order != id || !l.RevokedAt.IsZero() {
			t.Errorf("got %+v %v", l, err)
		}
		if _, err := r.Link(t.Context(), sha256.Sum256([]byte("guess"))); !errors.Is(err, casebook.ErrNotFound) {
			t.Errorf("a guess: %v", err)
		}
		for _, want := range []int{1, 0} {
			write(t, f.db, noon.Add(time.Hour), func(tx *Tx) error {
				n, err := tx.RevokeLinks(id)
				if n != want {
					t.Errorf("%d links ended, want %d", n, want)
				}
				return err
			})
		}
		if l, err = r.Link(t.Context(), sha256.Sum256(id[:])); err != nil || l.RevokedAt.IsZero() {
			t.Errorf("revoked: got %+v %v", l, err)
		}
		all, err := r.Links(t.Context(), id)
		if err != nil || len(all) != 1 {
			t.Errorf("got %+v %v", all, err)
		}
		party := f.db.Reader(casebook.Scope{Tenant: 1, Party: orders[0].Party, MaxTLP: casebook.Red})
		if all, err := party.Links(t.Context(), id); err != nil || len(all) != 0 {
			t.Errorf("a party is told of links: %+v %v", all, err)
		}
		counts, err := r.OrderCounts(t.Context())
		if err != nil || counts[casebook.ServedOrder] < 1 || counts[casebook.DraftOrder] != 0 {
			t.Errorf("got %v %v", counts, err)
		}
		filings, err := r.ReportCounts(t.Context())
		if err != nil || filings[casebook.FiledReport] < 1 {
			t.Errorf("got %v %v", filings, err)
		}
	})
}

// TestProofFiles: files come back as they were kept, with their digests, and too large
// ones are refused.
func TestProofFiles(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		f := newFilled(t, place())
		r := f.db.Reader(casebook.Operator())
		filings, err := r.Reports(t.Context(), casebook.ID{}, casebook.ID{}, 1, casebook.FiledReport)
		if err != nil || len(filings) != 1 {
			t.Fatal(err, filings)
		}
		all, err := r.ProofFiles(t.Context(), filings[0].ID)
		if err != nil || len(all) != 1 || all[0].Name != "receipt.pdf" || all[0].Bytes != 5 || all[0].Digest != sha256.Sum256([]byte("%PDF-")) {
			t.Fatalf("got %+v %v", all, err)
		}
		one, err := r.ProofFile(t.Context(), filings[0].ID, 1)
		if err != nil || string(one.Content) != "%PDF-" {
			t.Errorf("got %+v %v", one, err)
		}
		if _, err := r.ProofFile(t.Context(), filings[0].ID, 2); !errors.Is(err, casebook.ErrNotFound) {
			t.Errorf("one that isn't there: %v", err)
		}
		_, err = f.db.Write(t.Context(), Work{Kind: "proof", Actor: "person:alice", At: noon.Add(time.Hour)}, func(tx *Tx) error {
			return tx.AddProofFile(filings[0].ID, casebook.ProofFile{Version: 1, Content: make([]byte, casebook.MaxProof+1)})
		})
		if !errors.Is(err, casebook.ErrTooLarge) {
			t.Errorf("a large one: %v", err)
		}
	})
}
