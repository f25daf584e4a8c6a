package tocsin_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write what the program says now into README.md where it differs")

// A command is a line of a console block that begins with "$ ", and the lines
// below it that it should print. A line "…" stands for any number of lines, though
// not for all of them. A command that ends in " &" is a server: it runs until the
// end of the tour.
type command struct {
	line int // of the page, from 0
	text string
	want []string
}

// commands finds the console blocks of a page.
func commands(page []string) []command {
	var all []command
	inside := false
	for i, line := range page {
		switch {
		case !inside:
			inside = line == "```console"
		case line == "```":
			inside = false
		case strings.HasPrefix(line, "$ "):
			all = append(all, command{line: i, text: line[2:]})
		case len(all) > 0:
			c := &all[len(all)-1]
			c.want = append(c.want, line)
		}
	}
	return all
}

// volatile is what differs from run to run: names, digests, durations, sizes and
// the moments of the run itself. The moments in docs/tour are of March 2026 and
// are compared.
var volatile = []struct {
	found *regexp.Regexp
	put   string
}{
	{regexp.MustCompile(`\b(dlv|fnd|thr|log|pty|inc|dty|anc)_[0-9a-z]{26}\b`), "${1}_ID"},
	{regexp.MustCompile(`\b[0-9a-f]{64}\b`), "DIGEST"},
	// base64, also behind a line's end as JSON writes it
	{regexp.MustCompile(`(\\n|^|[^0-9A-Za-z+/])[0-9A-Za-z+/]{43,}={0,2}`), "${1}DIGEST"},
	{regexp.MustCompile(`\b2026-03-\d\d`), "\x00$0"},
	{regexp.MustCompile(`(^|[^\x00\d])20\d\d-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?Z?`), "${1}MOMENT"},
	{regexp.MustCompile(`\x00`), ""},
	{regexp.MustCompile(`\b\d+(\.\d+)? ?(ns|µs|ms|s)\b`), "DURATION"},
	{regexp.MustCompile(`\b\d[\d,.]* ?([kMG]i?B|B|bytes)\b`), "SIZE"},
	{regexp.MustCompile(`\b\d[\d,.]* rows/s`), "RATE"},
	// What a kernel knows of its clock differs from machine to machine.
	{regexp.MustCompile(`^clock .*|"clock":\{[^}]*\}`), "CLOCK"},
	{regexp.MustCompile(`[ \t]+`), " "}, // columns move with the width of the rest
}

func steady(line string) string {
	for _, v := range volatile {
		line = v.found.ReplaceAllString(line, v.put)
	}
	return strings.TrimRight(line, " ")
}

// alike reports whether the output is what the page shows.
func alike(want, got []string) bool {
	if len(want) == 0 {
		return len(got) == 0
	}
	if want[0] == "…" {
		for skip := range len(got) + 1 {
			if alike(want[1:], got[skip:]) {
				return true
			}
		}
		return false
	}
	return len(got) > 0 && steady(want[0]) == steady(got[0]) && alike(want[1:], got[1:])
}

// listen is the address of the tour's server in the page; the test puts a free one
// in its place.
const listen = "127.0.0.1:8080"

// tour runs the commands of a page, one after the other, in a folder of its own
// that holds bin/tocsin and docs/tour as a checkout does.
type tour struct {
	dir, addr string
	servers   []*exec.Cmd
	spoken    bytes.Buffer // what servers printed
}

func startTour(t *testing.T) *tour {
	t.Helper()
	u := &tour{dir: t.TempDir()}
	build := exec.Command("go", "build", "-buildvcs=false", "-o", filepath.Join(u.dir, "bin", "tocsin"), "./cmd/tocsin")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", build, err, out)
	}
	if err := os.CopyFS(filepath.Join(u.dir, "docs", "tour"), os.DirFS("docs/tour")); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	u.addr = l.Addr().String()
	l.Close()
	t.Cleanup(func() { u.end(t) })
	return u
}

func (u *tour) command(ctx context.Context, text string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "bash", "-c", strings.ReplaceAll(text, listen, u.addr))
	cmd.Dir = u.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + u.dir, "TZ=UTC", "LC_ALL=C.UTF-8"}
	return cmd
}

// run gives the lines that a command printed, to both streams.
func (u *tour) run(text string) ([]string, error) {
	if server, ok := strings.CutSuffix(text, " &"); ok {
		return nil, u.serve(server)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	out, err := u.command(ctx, text).CombinedOutput()
	said := strings.ReplaceAll(strings.TrimSuffix(string(out), "\n"), u.addr, listen)
	if said == "" {
		return nil, err
	}
	return strings.Split(said, "\n"), err
}

// serve starts a server and waits until it takes connections.
func (u *tour) serve(text string) error {
	cmd := u.command(context.Background(), "exec "+text)
	cmd.Stdout, cmd.Stderr = &u.spoken, &u.spoken
	if err := cmd.Start(); err != nil {
		return err
	}
	u.servers = append(u.servers, cmd)
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); <-time.After(20 * time.Millisecond) {
		if conn, err := net.Dial("tcp", u.addr); err == nil {
			return conn.Close()
		}
	}
	return errors.New("no answer on " + u.addr + " within 30 s")
}

// end stops the servers as Ctrl-C does, which they must obey cleanly.
func (u *tour) end(t *testing.T) {
	for _, cmd := range u.servers {
		cmd.Process.Signal(syscall.SIGINT)
		timer := time.AfterFunc(20*time.Second, func() { cmd.Process.Kill() })
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: stopped by an interrupt: %v", cmd, err)
		}
		timer.Stop()
	}
	if t.Failed() && u.spoken.Len() > 0 {
		t.Logf("the server said:\n%s", u.spoken.String())
	}
}

// TestReadme runs every command that README.md shows and compares what it prints.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	page := strings.Split(string(text), "\n")
	u := startTour(t)
	type change struct {
		command
		got []string
	}
	var changes []change
	for _, c := range commands(page) {
		got, err := u.run(c.text)
		if err != nil {
			t.Fatalf("README.md:%d: %s: %v\n%s", c.line+1, c.text, err, strings.Join(got, "\n"))
		}
		for i := range got {
			got[i] = strings.TrimRight(got[i], " ")
		}
		if alike(c.want, got) && !slices.Equal(c.want, []string{"…"}) {
			continue
		}
		changes = append(changes, change{c, got})
		if !*update {
			t.Errorf("README.md:%d: %s\n--- got\n%s\n--- want\n%s", c.line+1, c.text, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
	}
	if !*update {
		return
	}
	for _, c := range slices.Backward(changes) {
		page = slices.Replace(page, c.line+1, c.line+1+len(c.want), c.got...)
	}
	if err := os.WriteFile("README.md", []byte(strings.Join(page, "\n")), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestTour holds the harness itself against a page whose answers are known.
func TestTour(t *testing.T) {
	page := strings.Split("text\n```console\n$ one\na dlv_"+strings.Repeat("0", 26)+"\n…\nlast\n$ two &\n```\n$ no\n```sh\n$ neither\n```", "\n")
	all := commands(page)
	if got := fmt.Sprint(all); got != "[{2 one [a dlv_"+strings.Repeat("0", 26)+" … last]} {6 two & []}]" {
		t.Fatal(got)
	}
	for _, c := range []struct {
		want, got string
		same      bool
	}{
		{"", "", true},
		{"a", "", false},
		{"", "a", false},
		{"…", "", true},
		{"a\n…\nd", "a\nb\nc\nd", true},
		{"a\n…\nd", "a\nd", true},
		{"a\n…\nd", "a\nb", false},
		{"10 rows, 8 taken", "10 rows, 9 taken", false},
		{"seen 2026-03-14T00:00:07Z", "seen 2026-03-14T00:00:08Z", false},
		{"seen 2026-03-14 00:00:07", "seen 2026-03-14 00:00:08", false},
		{"received 2026-11-23T10:00:00.5Z", "received 2027-01-02T03:04:05Z", true},
		{"received 2026-11-23 10:00:00", "received 2027-01-02 03:04:05", true},
		{"fnd_" + strings.Repeat("a", 26), "fnd_" + strings.Repeat("b", 26), true},
		{"fnd_" + strings.Repeat("a", 26), "thr_" + strings.Repeat("b", 26), false},
		{"head " + strings.Repeat("0a", 32), "head " + strings.Repeat("f9", 32), true},
		{"root " + strings.Repeat("A", 43) + "=", "root " + strings.Repeat("/", 43) + "=", true},
		{"done in 1.2 s, 40 kB", "done in 3 ms, 1,203 bytes", true},
		{"10 rows", "11 rows", false},
	} {
		split := func(s string) []string {
			return slices.DeleteFunc(strings.Split(s, "\n"), func(l string) bool { return l == "" })
		}
		if alike(split(c.want), split(c.got)) != c.same {
			t.Errorf("page %q, printed %q: alike should be %v", c.want, c.got, c.same)
		}
	}
}
