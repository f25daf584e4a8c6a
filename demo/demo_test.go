package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/access"
	"tocsin/casebook"
)

// TestMain keeps the platform's log to what goes wrong: hurried days make a clock look
// as if it went back.
func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})))
	access.HashCheaply()
	os.Exit(m.Run())
}

// openCountry opens a country whose story is told at a pace, 0 as fast as the machine
// can.
func openCountry(t *testing.T, pace float64) *Country {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n, err := Open(Config{Dir: t.TempDir(), Version: "test", Seed: 1, Pace: pace, Listener: l})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

func TestThisMachineOnly(t *testing.T) {
	l, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := Open(Config{Dir: t.TempDir(), Listener: l}); !errors.Is(err, casebook.ErrForbidden) {
		t.Errorf("open to everybody: got %v", err)
	}
}

// TestStory plays the whole story as fast as the machine can, and looks at what the
// platform has on record.
func TestStory(t *testing.T) {
	n := openCountry(t, 0)
	if err := n.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantPlanned(t, n)
	wantCase(t, n)
	wantLetters(t, n)
	for _, language := range []string{"en", "zh"} {
		s := n.player.Scene(language)
		if s.State != "ended" || s.Fault != "" {
			t.Errorf("%s: the story is %s: %s", language, s.State, s.Fault)
		}
		for _, line := range s.Past {
			if strings.ContainsAny(line.Text, "{}") || line.Page == "" {
				t.Errorf("%s: %q leads to %q", language, line.Text, line.Page)
			}
		}
	}
}

// wantPlanned wants each act at its moment, give or take what the machine needs.
func wantPlanned(t *testing.T, n *Country) {
	t.Helper()
	acts := story()
	if len(n.player.past) != len(acts) {
		t.Fatalf("%d acts were played, want %d", len(n.player.past), len(acts))
	}
	for i, e := range n.player.past {
		if late := e.at.Sub(acts[i].at); late < 0 || late > 3*time.Minute || e.mine {
			t.Errorf("%s was played at %s, planned was %s", e.act.name, e.at.In(local).Format(time.DateTime), acts[i].at.In(local).Format(time.DateTime))
		}
	}
}

// wantCase wants every act on record by whose role it is, and nothing open.
func wantCase(t *testing.T, n *Country) {
	t.Helper()
	i, err := n.player.cast.theCase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	by := map[string][]string{}
	for _, e := range i.Timeline {
		if !slices.Contains(by[e.What], e.By) {
			by[e.What] = append(by[e.What], e.By)
		}
	}
	for what, want := range map[string]string{
		"grade_proposed": "rule:grade", "confirmed": "person:wang.min", "owner_took": "person:wang.min",
		"report_drafted": "person:wang.min person:li.na", "report_filed": "person:wang.min person:li.na",
		"order_drafted": "person:zhao.lei", "order_approved": "person:sun.yue", "order_withdrawn": "person:zhao.lei", "order_served": "rule:send",
		"order_answered": "person:chen.bo person:tang.yi person:gao.jie person:ma.lin person:luo.qi",
		"row_checked":    "rule:verify", "duty_warned": "rule:watch", "closed": "person:wang.min",
	} {
		if got := strings.Join(by[what], " "); got != want {
			t.Errorf("%s by %q, want %q", what, got, want)
		}
	}
	if by["duty_missed"] != nil || by["triage_lapsed"] != nil {
		t.Errorf("something was missed: %v, %v", by["duty_missed"], by["triage_lapsed"])
	}
	var duties []string
	for _, d := range i.Duties {
		duties = append(duties, d.Stage+" "+d.State)
	}
	slices.Sort(duties)
	if got, want := fmt.Sprint(duties), "[determination met immediate superseded level2_report met level2_report superseded submit_threat met submit_threat superseded]"; i.State != "closed" || got != want {
		t.Errorf("the case is %s with %s, want %s", i.State, got, want)
	}
}

// wantLetters wants the letters that the story tells of, and no alarm beside them.
func wantLetters(t *testing.T, n *Country) {
	t.Helper()
	var got []string
	for _, l := range slices.Backward(n.mail.Letters()) {
		subject, _, _ := strings.Cut(l.Subject, ":")
		got = append(got, l.To+" "+subject)
	}
	want := []string{
		dutyDesk + " Possible incident", dutyDesk + " Clock started", dutyDesk + " Due soon",
		"duty@bureau.example Report of a serious incident or a level-2 warning", dutyDesk + " Due soon", dutyDesk + " Clock started",
		"duty@bureau.example Determine the threat and propose measures, rigorously, fairly and in time",
	}
	if len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
		t.Errorf("the letters are\n%s\nwant first\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	rest := slices.DeleteFunc(got[min(len(want), len(got)):], func(l string) bool { return strings.Contains(l, " Order CN-2026-") })
	// "Not ours" is to be decided on, South Broadband is late, and the row that was
	// reopened is overdue at once: its order's limit had passed by then.
	told := []string{dutyDesk + " An answer to decide on", dutyDesk + " Order overdue", dutyDesk + " Seen again", dutyDesk + " Order overdue"}
	if !slices.Equal(rest, told) {
		t.Errorf("beside the orders there came %q, want %q", rest, told)
	}
}

// What the viewer did the story doesn't do again.
func TestViewerActs(t *testing.T) {
	n := openCountry(t, 1)
	n.staff["wang.min"].client = newClient(n.base, "")
	again := errors.New("the story did it again")
	asked := 0
	acts := []act{{name: "confirm", at: opening.Add(time.Hour), who: "wang.min", page: "/", gap: 300 * time.Millisecond, read: time.Hour,
		do:   func(context.Context, *cast) error { return again },
		done: func(context.Context, *cast) (bool, error) { asked++; return asked > 2, nil }}}
	if err := n.player.play(t.Context(), acts); err != nil {
		t.Fatal(err)
	}
	if s := n.player.Scene("en"); len(s.Past) != 1 || !strings.Contains(s.Past[0].Text, "you did it") {
		t.Errorf("the guide says %+v", s.Past)
	}
}

// Held, a story stands; stepped on, it goes to its next act, whatever there is to read.
func TestSteer(t *testing.T) {
	n := openCountry(t, 1)
	p := n.player
	for _, order := range []string{"pause", "slower", "faster"} {
		if err := p.Steer(order); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Steer("rewind"); !errors.Is(err, casebook.ErrInvalid) {
		t.Errorf("an order that no story knows: %v", err)
	}
	seen := make(chan string, 1)
	acts := []act{{name: "confirm", at: opening.Add(time.Hour), page: "/", gap: time.Hour, read: time.Hour,
		do: func(context.Context, *cast) error { seen <- p.Scene("en").State; return nil }}}
	ended := make(chan error, 1)
	go func() { ended <- p.play(t.Context(), acts) }()
	for p.Scene("en").State != "paused" || p.Scene("en").Speed != 0 {
		runtime.Gosched()
	}
	if err := p.Steer("step"); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil || <-seen != "playing" {
		t.Errorf("the story went on with %v", err)
	}
}
