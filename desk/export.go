package desk

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"tocsin/casebook"
	"tocsin/ledger"
	"tocsin/report"
	"tocsin/store"
)

const (
	maxOriginals    = 100    // deliveries of one archive
	maxCaseFindings = 10_000 // findings of one archive
)

// Export writes the archive of a case: readable without this program, and verifiable by
// a stranger. The ledger is signed first, so that the archive's proofs reach the newest
// entry.
func (d *Desk) Export(ctx context.Context, who casebook.Actor, scope casebook.Scope, id casebook.ID, w io.Writer) error {
	at := d.Now()
	i, err := d.Reader(scope).Incident(ctx, id)
	if err != nil {
		return err
	}
	if err := d.db.Sign(ctx); err != nil {
		return err
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(d.Verifier(), "tocsin/"), "+")
	c := report.Case{At: at, By: who.String(), Platform: name, Zone: "Asia/Shanghai", Incident: i}
	r := d.Reader(scope)
	for _, fill := range []func(context.Context, *store.Reader, *report.Case) error{d.exportWords, d.exportEvidence, d.exportFilings, d.exportOrders, d.exportPacks, d.exportRecord} {
		if err := fill(ctx, r, &c); err != nil {
			return fmt.Errorf("export %s: %w", id.Text(casebook.IncidentPrefix), err)
		}
	}
	faults, err := report.Export(w, c)
	for _, f := range faults {
		slog.ErrorContext(ctx, "a case isn't as it was recorded; its archive says so", "incident", id.Text(casebook.IncidentPrefix), "fault", f)
	}
	return err
}

// exportWords puts in what people and rules said.
func (d *Desk) exportWords(ctx context.Context, r *store.Reader, c *report.Case) (err error) {
	if c.Timeline, err = r.Anchors(ctx, c.Incident.ID); err != nil {
		return err
	}
	if c.Grades, err = r.Grades(ctx, c.Incident.ID); err != nil {
		return err
	}
	facts, err := r.Facts(ctx, c.Incident.ID)
	if err != nil {
		return err
	}
	for _, f := range facts {
		c.Facts = append(c.Facts, report.Fact{Name: f.Name, Value: f.Value, At: f.At, By: f.By, RecordedAt: f.RecordedAt})
	}
	if c.Duties, err = r.DutiesByDue(ctx, store.DutyFilter{Incident: c.Incident.ID}, casebook.ID{}, 1000); err != nil {
		return err
	}
	c.Parties, err = r.Parties(ctx)
	return err
}

// exportEvidence puts in the threat, its findings, and the deliveries as they came.
func (d *Desk) exportEvidence(ctx context.Context, r *store.Reader, c *report.Case) (err error) {
	if c.Incident.Threat.IsZero() {
		return nil
	}
	if c.Threat, err = r.Threat(ctx, c.Incident.Threat); err != nil {
		return err
	}
	if c.Findings, err = r.FindingPage(ctx, store.FindingFilter{Threat: c.Incident.Threat}, casebook.ID{}, maxCaseFindings); err != nil {
		return err
	}
	deliveries, err := r.CaseDeliveries(ctx, c.Incident.Threat, maxOriginals)
	if err != nil {
		return err
	}
	for _, one := range deliveries {
		c.Originals = append(c.Originals, report.Original{Delivery: one, Open: func() (io.ReadCloser, error) { return d.vault.Open(one.Digest) }})
	}
	return nil
}

// exportFilings puts in every report with its versions and what became of each.
func (d *Desk) exportFilings(ctx context.Context, r *store.Reader, c *report.Case) error {
	reports, err := r.Reports(ctx, c.Incident.ID, casebook.ID{}, 1000)
	if err != nil {
		return err
	}
	for _, one := range reports {
		f := report.Filing{Report: one}
		if f.Versions, err = r.ReportVersions(ctx, one.ID); err != nil {
			return err
		}
		if f.Recipients, err = r.ReportRecipients(ctx, one.ID); err != nil {
			return err
		}
		forms, err := r.FiledForms(ctx, one.ID)
		if err != nil {
			return err
		}
		for _, text := range forms {
			form, err := report.ReadJSON(strings.NewReader(text))
			if err != nil {
				return err
			}
			f.Forms = append(f.Forms, form)
		}
		c.Reports = append(c.Reports, f)
		files, err := r.ProofFiles(ctx, one.ID)
		if err != nil {
			return err
		}
		for _, p := range files {
			c.Proofs = append(c.Proofs, report.Attachment{Name: p.Name, Of: one.ID.Text(casebook.ReportPrefix), Says: fmt.Sprintf("kept with version %d", p.Version), Digest: p.Digest,
				Open: func() (io.ReadCloser, error) {
					whole, err := r.ProofFile(ctx, one.ID, p.Number)
					return io.NopCloser(bytes.NewReader(whole.Content)), err
				}})
		}
	}
	return nil
}

// exportOrders puts in every order with its rows.
func (d *Desk) exportOrders(ctx context.Context, r *store.Reader, c *report.Case) error {
	orders, err := r.Orders(ctx, c.Incident.ID, casebook.ID{}, 1000)
	if err != nil {
		return err
	}
	for _, o := range orders {
		rows, err := r.OrderRows(ctx, o.ID)
		if err != nil {
			return err
		}
		issuer := ""
		for _, p := range c.Parties {
			if p.ID == o.By {
				issuer = p.Name
			}
		}
		c.Orders = append(c.Orders, d.instructionOf(o, issuer, c.Incident.ThreatName, rows))
	}
	return nil
}

// exportPacks puts in every version of a law that was applied.
func (d *Desk) exportPacks(_ context.Context, _ *store.Reader, c *report.Case) error {
	applied := map[string]bool{}
	add := func(digest string) {
		if pack, err := d.laws.ByDigest(digest); err == nil && !applied[digest] {
			applied[digest] = true
			c.Packs = append(c.Packs, report.PackFile{Regime: pack.ID, Digest: digest, Text: pack.Canonical})
		}
	}
	for _, one := range c.Duties {
		add(one.Pack)
	}
	for _, one := range c.Grades {
		add(one.Pack)
	}
	for _, one := range c.Orders {
		add(one.Order.Pack)
	}
	return nil
}

// exportRecord puts in what shows that the case was recorded as it is told.
func (d *Desk) exportRecord(ctx context.Context, r *store.Reader, c *report.Case) error {
	note, err := r.Checkpoint(ctx)
	if err != nil {
		return err
	}
	checkpoint, err := ledger.OpenCheckpoint([]byte(note), d.Verifier())
	if err != nil {
		return err
	}
	c.Record.Checkpoint, c.Record.Verifier = []byte(note), d.Verifier()
	changes, err := r.CaseRecord(ctx, c.Incident.ID)
	if err != nil {
		return err
	}
	for _, one := range changes {
		if one.Index < 0 || one.Index >= checkpoint.Size {
			continue // written since; the next export has it
		}
		proof, err := r.Inclusion(ctx, one.Index, checkpoint.Size)
		if err != nil {
			return err
		}
		change := report.Change{Leaf: one.Index, Entry: one.Entry, Pack: one.Packed, Proof: proof, Says: one.Kind + " by " + one.Actor}
		for _, row := range one.Rows {
			change.Rows = append(change.Rows, report.RowOctets{Table: row.Table, Key: row.Key, Octets: row.Octets})
		}
		c.Record.Changes = append(c.Record.Changes, change)
	}
	return nil
}
