package store

import (
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
		return tx.SaveOrderRow(rows[0])
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
