package desk_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tocsin/casebook"
	"tocsin/desk"
)

// audited starts an audit from inside and waits for its end.
func (o *opened) audited() desk.AuditRun {
	o.t.Helper()
	if _, err := o.StartAudit(o.t.Context(), alice); err != nil {
		o.t.Fatal(err)
	}
	run, ok := o.AwaitAudit(o.t.Context())
	if !ok || run.Ended.IsZero() {
		o.t.Fatal("the audit doesn't end")
	}
	return run
}

// TestAuditFromInside: an audit runs beside the work, tells what it covered, and finds
// bytes that were changed.
func TestAuditFromInside(t *testing.T) {
	o := open(t, t.TempDir())
	if _, ok := o.LastAudit(); ok {
		t.Error("there was an audit before anybody asked for one")
	}
	a, err := o.Accept(t.Context(), alice, desk.Arrival{Feed: "c2-tracker", Name: "c.csv", Door: "http", Body: strings.NewReader("observed_at,family,ip,commit\n2026-03-14T10:00:00Z,Family,192.0.2.7,c0ffee\n")})
	if err == nil {
		_, err = o.Gather(t.Context(), a.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	run := o.audited()
	if !run.Sound() || run.Result.Entries == 0 || run.Result.Rows == 0 || run.Result.Deliveries != 1 || run.By != alice.String() {
		t.Errorf("got %+v", run)
	}
	spoilt := 0
	err = filepath.WalkDir(o.Directory().Deliveries(), func(name string, f fs.DirEntry, err error) error {
		if err != nil || f.IsDir() {
			return err
		}
		spoilt++
		return errors.Join(os.Chmod(name, 0o600), os.WriteFile(name, []byte("other bytes"), 0o600))
	})
	if err != nil {
		t.Fatal(err)
	}
	run = o.audited()
	if run.Sound() || int64(spoilt) != run.Result.Faults || len(run.Faults) != spoilt || run.Faults[0].Table != "delivery_bytes" {
		t.Errorf("of %d spoilt files: %+v", spoilt, run)
	}
}

// TestOneAuditAtATime: a second one is refused while the first runs.
func TestOneAuditAtATime(t *testing.T) {
	o := open(t, t.TempDir())
	refused := 0
	for range 20 {
		if _, err := o.StartAudit(t.Context(), alice); errors.Is(err, casebook.ErrConflict) {
			refused++
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if refused == 0 {
		t.Error("twenty audits ran at once")
	}
}
