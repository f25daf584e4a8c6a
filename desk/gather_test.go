package desk_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tocsin/casebook"
	"tocsin/desk"
)

func TestAccept(t *testing.T) {
	o := open(t, t.TempDir())
	text := c2Header + "2026-11-20T00:00:00Z,Sample,192.0.2.1,c0ffee\n2026-11-20T00:00:00Z,Sample,192.0.2.1,c0ffee\nsome day,Sample,192.0.2.1,c0ffee\n"
	a := o.accept(text)
	if a.Known || a.State != casebook.Accepted || a.Rows != 0 || !a.ReceivedAt.Equal(morning) || a.Receipt.Index < 0 || a.Bytes != int64(len(text)) {
		t.Errorf("got %+v", a)
	}
	o.now = morning.Add(time.Hour)
	d, err := o.Gather(t.Context(), a.ID)
	if err != nil || d.State != casebook.Folded || d.Rows != 3 || d.Taken != 1 || d.Duplicate != 1 || d.Refused != 1 {
		t.Errorf("got %+v (%v), want 1 taken, 1 duplicate, 1 refused", d, err)
	}
	for asset, f := range o.findings() {
		if !f.RecordedAt.Equal(o.now) {
			t.Errorf("%s was recorded at %v, want %v", asset, f.RecordedAt, o.now)
		}
	}
	again := o.accept(text)
	if !again.Known || again.ID != a.ID || again.State != casebook.Folded || again.Receipt.Index >= 0 {
		t.Errorf("the same bytes: got %+v, want the delivery known", again)
	}
	// A stamp never goes back, whatever the clock does.
	o.now = morning.Add(-24 * time.Hour)
	if back := o.accept(day("2026-11-20T00:00:00Z", "Sample", "192.0.2.2")); back.Receipt.At.Before(morning.Add(time.Hour)) {
		t.Errorf("the clock went back, and so did the stamp: %v", back.Receipt.At)
	}
	o.wantSound()
}

func TestAcceptNamesSafely(t *testing.T) {
	o := open(t, t.TempDir())
	for n, c := range []struct{ name, want string }{
		{"", ""},
		{"day.csv", "day.csv"},
		{"../../etc/passwd", "passwd"},
		{`C:\feeds\day.csv`, "day.csv"},
		{"day\x1b[2J.csv", "day?[2J.csv"},
		{strings.Repeat("x", 300), strings.Repeat("x", 255)},
		{strings.Repeat("x", 254) + "é", strings.Repeat("x", 254) + "?"},
	} {
		a, err := o.Accept(t.Context(), alice, desk.Arrival{Feed: "c2-tracker", Name: c.name, Body: strings.NewReader(fmt.Sprint(n))})
		if err != nil || a.Name != c.want {
			t.Errorf("%q: got %q (%v), want %q", c.name, a.Name, err, c.want)
		}
	}
}

func TestAcceptRefuses(t *testing.T) {
	o := open(t, t.TempDir(), func(c *desk.Config) { c.MaxBytes = 1000 })
	broken := errors.New("the line is cut")
	for _, c := range []struct {
		name string
		desk.Arrival
		want error
	}{
		{"an unknown feed", desk.Arrival{Feed: "unheard", Body: strings.NewReader("x")}, casebook.ErrNotFound},
		{"a report type that can't be told", desk.Arrival{Feed: "shadowserver", Name: "day.csv", Body: strings.NewReader("x")}, casebook.ErrInvalid},
		{"too many bytes", desk.Arrival{Feed: "c2-tracker", Body: strings.NewReader(strings.Repeat("x", 1001))}, casebook.ErrTooLarge},
		{"endless bytes", desk.Arrival{Feed: "c2-tracker", Body: endless('x')}, casebook.ErrTooLarge},
		{"a body that breaks off", desk.Arrival{Feed: "c2-tracker", Body: failing{broken}}, broken},
	} {
		if _, err := o.Accept(t.Context(), alice, c.Arrival); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
	if all, err := o.Reader(casebook.Operator()).Deliveries(t.Context(), casebook.ID{}, 10); err != nil || len(all) > 0 {
		t.Errorf("got %v (%v), want no delivery", all, err)
	}
}

type failing struct{ error }

func (f failing) Read([]byte) (int, error) { return 0, f.error }

// TestRunFoldsWhatComes: nobody asks for it, and whoever waits is told at once.
func TestRunFoldsWhatComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := open(t, t.TempDir())
		early := o.accept(day("2026-11-20T00:00:00Z", "Sample", "192.0.2.1"))

		// Nobody folds yet: Await gives up with its caller, exactly then.
		begun := time.Now()
		wait, stop := context.WithTimeout(t.Context(), 20*time.Second)
		d, err := o.Await(wait, casebook.Operator(), early.ID, 1<<62)
		stop()
		if took := time.Since(begun); err != nil || d.State != casebook.Accepted || took != 20*time.Second {
			t.Errorf("got %s (%v) after %v, want it accepted after 20 s", d.State, err, took)
		}

		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- o.Run(ctx) }()
		for _, a := range []desk.Accepted{early, o.accept(day("2026-11-21T00:00:00Z", "Sample", "192.0.2.1"))} {
			d, err := o.Await(t.Context(), casebook.Operator(), a.ID, 1<<62)
			if err != nil || d.State != casebook.Folded || d.Taken != 1 {
				t.Errorf("got %+v (%v), want it folded", d, err)
			}
		}
		time.Sleep(5 * time.Minute) // it looks, finds nothing, and sleeps on
		late := o.accept(day("2026-11-22T00:00:00Z", "Sample", "192.0.2.1"))
		begun = time.Now()
		if d, err := o.Await(t.Context(), casebook.Operator(), late.ID, 1<<62); err != nil || d.State != casebook.Folded || time.Since(begun) > time.Second {
			t.Errorf("got %s (%v) after %v, want it folded at once", d.State, err, time.Since(begun))
		}
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run ended with %v", err)
		}
		o.wantSound()
	})
}

// TestAwaitTellsHowFar: with a row to pass, the answer comes before the end.
func TestAwaitTellsHowFar(t *testing.T) {
	o := open(t, t.TempDir())
	a := o.accept(many(3 * desk.BatchRows))
	var done sync.WaitGroup
	done.Go(func() {
		if _, err := o.Gather(t.Context(), a.ID); err != nil {
			t.Error(err)
		}
	})
	for past := int64(0); past < 3*desk.BatchRows; {
		d, err := o.Await(t.Context(), casebook.Operator(), a.ID, past)
		if err != nil || d.Rows <= past || d.Rows%desk.BatchRows != 0 {
			t.Fatalf("got row %d (%v), want a whole batch past %d", d.Rows, err, past)
		}
		past = d.Rows
	}
	done.Wait()
	if _, err := o.Await(t.Context(), casebook.Operator(), casebook.ID{}, 0); !errors.Is(err, casebook.ErrNotFound) {
		t.Errorf("no delivery: got %v, want ErrNotFound", err)
	}
}

// many is a delivery of n different rows of one day.
func many(n int) string {
	var b strings.Builder
	b.WriteString(c2Header)
	for i := range n {
		fmt.Fprintf(&b, "2026-11-20T%02d:%02d:%02dZ,Sample,192.0.%d.%d,%d\n", i*24/n, i/60%60, i%60, i>>8&3, i&255, i)
	}
	return b.String()
}

// TestAFormatThatIsGoneStarvesNobody: deliveries of a format that the site took
// away wait, however many they are; all others go on, and they too when the format
// is back.
func TestAFormatThatIsGoneStarvesNobody(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(desk.Directory(dir).Feeds(), "gone.yaml")
	const format = "about: a format that comes and goes\ninput:\n  format: csv\nconstants:\n  type: c2-server\nfields:\n  observed_at: {from: observed_at}\n  asset:\n    - {from: ip, as: ip}\n"
	if err := os.Mkdir(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(format), 0o600); err != nil {
		t.Fatal(err)
	}
	o := open(t, dir)
	const stuck = 101 // more than one look sees
	for n := range stuck {
		_, err := o.Accept(t.Context(), alice, desk.Arrival{Feed: "gone", Name: "day.csv", Body: strings.NewReader(fmt.Sprintf("observed_at,ip\n2026-11-20T00:00:00Z,192.0.2.%d\n", n))})
		if err != nil {
			t.Fatal(err)
		}
	}
	o.close()
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		o := open(t, dir)
		run(t, o, func() {
			a := o.accept(day("2026-11-20T00:00:00Z", "Sample", "192.0.2.1"))
			wait, stop := context.WithTimeout(t.Context(), time.Minute)
			defer stop()
			if d, err := o.Await(wait, casebook.Operator(), a.ID, 1<<62); err != nil || d.State != casebook.Folded {
				t.Errorf("got %s (%v), want it folded", d.State, err)
			}
		})
		if c, err := o.Reader(casebook.Operator()).Counts(t.Context()); err != nil || c.Waiting != stuck {
			t.Errorf("%d wait (%v), want %d", c.Waiting, err, stuck)
		}
		o.close()
		if err := os.WriteFile(file, []byte(format), 0o600); err != nil {
			t.Fatal(err)
		}
		o = open(t, dir)
		run(t, o, func() {
			for wait := 0; ; wait++ {
				c, err := o.Reader(casebook.Operator()).Counts(t.Context())
				if err != nil || wait > 600 {
					t.Fatalf("%d wait (%v), want none", c.Waiting, err)
				}
				if c.Waiting == 0 {
					return
				}
				time.Sleep(time.Second)
			}
		})
		if n := len(o.findings()); n != stuck+1 {
			t.Errorf("got %d findings, want %d", n, stuck+1)
		}
		o.wantSound()
	})
}

// run lets the desk fold while f works.
func run(t *testing.T, o *opened, f func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() {
		if err := o.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	defer done.Wait()
	defer cancel()
	f()
}

// TestGatherTwice: whoever comes second finds the work done.
func TestGatherTwice(t *testing.T) {
	o := open(t, t.TempDir())
	a := o.accept(many(5000))
	var done sync.WaitGroup
	for range 4 {
		done.Go(func() {
			if d, err := o.Gather(t.Context(), a.ID); err != nil || d.Taken != 5000 || d.State != casebook.Folded {
				t.Errorf("got %+v (%v)", d, err)
			}
		})
	}
	done.Wait()
	o.wantSound()
}

// TestGatherStopsAndGoesOn: a fold that is stopped keeps its whole batches and
// begins after them.
func TestGatherStopsAndGoesOn(t *testing.T) {
	o := open(t, t.TempDir())
	a := o.accept(many(5 * desk.BatchRows))
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		o.Await(ctx, casebook.Operator(), a.ID, desk.BatchRows)
		cancel()
	}()
	if d, err := o.Gather(ctx, a.ID); !errors.Is(err, context.Canceled) && d.State != casebook.Folded {
		t.Errorf("got %s, %v", d.State, err)
	}
	d, err := o.Gather(t.Context(), a.ID)
	if err != nil || d.State != casebook.Folded || d.Taken != 5*desk.BatchRows || d.Duplicate != 0 {
		t.Errorf("got %+v (%v), want every row taken once", d, err)
	}
	o.close()
	if got := rows(t, o.dir, `SELECT COUNT(*) FROM change_set WHERE kind = 'fold'`); got[0] != "6" {
		t.Errorf("%s entries of kind fold, want one a batch and one for the end", got[0])
	}
	o.wantSound()
}

// TestGatherWithoutBytes: a delivery whose bytes are gone is an error, and stays.
func TestGatherWithoutBytes(t *testing.T) {
	o := open(t, t.TempDir())
	a := o.accept(many(10))
	if err := os.RemoveAll(desk.Directory(o.dir).Deliveries()); err != nil {
		t.Fatal(err)
	}
	if d, err := o.Gather(t.Context(), a.ID); !errors.Is(err, casebook.ErrNotFound) || d.State != casebook.Accepted {
		t.Errorf("got %s, %v; want it accepted still, and ErrNotFound", d.State, err)
	}
}
