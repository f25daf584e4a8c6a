package desk

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"tocsin/casebook"
	"tocsin/store"
)

// The bounds of an audit that is run from inside the platform.
const (
	auditWithin = time.Hour
	auditFaults = 100 // that are told one by one; all are counted
)

// An AuditRun is an audit that a person asked for while the platform runs. It reads one
// moment of the database and changes nothing.
type AuditRun struct {
	By           string
	Begun, Ended time.Time // Ended is zero while it runs
	Result       AuditResult
	Faults       []store.Fault // the first of them
	Fault        string        // why it couldn't be carried out, "" it was
}

// Sound reports whether a run came to its end and found nothing.
func (a AuditRun) Sound() bool {
	return !a.Ended.IsZero() && a.Fault == "" && a.Result.Faults == 0
}

// auditing is the audit that runs in the background, or the last one that did. It is
// kept in memory: one that was run before the program started says nothing of now.
type auditing struct {
	sync.Mutex
	run  *AuditRun // guarded, as the others
	stop context.CancelFunc
	over chan struct{} // closed when the run ended
}

// StartAudit begins an audit in the background. It gives ErrConflict while one runs.
// It ends by itself, at the latest after an hour, or with the desk.
func (d *Desk) StartAudit(ctx context.Context, who casebook.Actor) (AuditRun, error) {
	a := &d.audits
	a.Lock()
	defer a.Unlock()
	if a.run != nil && a.run.Ended.IsZero() {
		return *a.run, fmt.Errorf("an audit runs since %s already, begun by %s: %w", a.run.Begun.UTC().Format("15:04:05 MST"), a.run.By, casebook.ErrConflict)
	}
	run, over := &AuditRun{By: who.String(), Begun: d.Now()}, make(chan struct{})
	within, stop := context.WithTimeout(context.WithoutCancel(ctx), auditWithin)
	a.run, a.stop, a.over = run, stop, over
	begun := *run
	go func() { // Close waits for it
		defer close(over)
		defer stop()
		d.audit(within, run)
	}()
	return begun, nil
}

func (d *Desk) audit(ctx context.Context, run *AuditRun) {
	var faults []store.Fault
	result, err := Audit(ctx, AuditTarget{Dir: string(d.dir), Database: d.place, Verifier: d.Verifier()}, func(f store.Fault) error {
		if len(faults) < auditFaults {
			faults = append(faults, f)
		}
		return ctx.Err()
	})
	d.audits.Lock()
	defer d.audits.Unlock()
	run.Ended, run.Result, run.Faults = d.Now(), result, faults
	if err != nil {
		run.Fault = err.Error()
	}
	slog.InfoContext(ctx, "audit ended", "by", run.By, "rows", result.Rows, "faults", result.Faults, "err", err)
}

// LastAudit gives the audit that runs, or the last one since the program started; ok is
// false where there was none.
func (d *Desk) LastAudit() (run AuditRun, ok bool) {
	d.audits.Lock()
	defer d.audits.Unlock()
	if d.audits.run == nil {
		return run, false
	}
	run = *d.audits.run
	run.Faults = slices.Clone(run.Faults)
	return run, true
}

// AwaitAudit waits for the end of the audit that runs, or for ctx, and gives what
// LastAudit does.
func (d *Desk) AwaitAudit(ctx context.Context) (run AuditRun, ok bool) {
	d.audits.Lock()
	over := d.audits.over
	d.audits.Unlock()
	if over != nil {
		select {
		case <-over:
		case <-ctx.Done():
		}
	}
	return d.LastAudit()
}

// endAudit stops an audit that runs and waits for it.
func (d *Desk) endAudit() {
	d.audits.Lock()
	stop, over := d.audits.stop, d.audits.over
	d.audits.Unlock()
	if over != nil {
		stop()
		<-over
	}
}
