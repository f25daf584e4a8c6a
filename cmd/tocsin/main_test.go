package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// program is the program as its users have it, built once: without the race
// detector, which would make it slow and large. chosen is what scripts start; both are
// there before any test runs, for a file that is written while others start programs
// may be busy when it is to be run.
var program, chosen string

func TestMain(m *testing.M) {
	testscript.Main(built{m}, map[string]func(){"tocsin": main, "measured": measured})
}

// measured runs a program in this one's place and writes what it used to a file.
// A process starts with its parent's peak of memory, so it takes a small parent
// to measure a child.
func measured() {
	cmd := exec.Command(os.Args[2], os.Args[3:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	var failed *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &failed) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(125)
	}
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	used := fmt.Sprintln(usage.Maxrss<<10, int64(cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime()))
	if err := os.WriteFile(os.Args[1], []byte(used), 0o600); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(125)
	}
	os.Exit(cmd.ProcessState.ExitCode())
}

// built builds the program before the tests run, once.
type built struct{ *testing.M }

func (b built) Run() int {
	dir, err := os.MkdirTemp("", "tocsin-built-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "tocsin")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n%s", build, err, out)
		return 1
	}
	chosen = filepath.Join(dir, "scripts", "tocsin")
	if err := writeChosen(chosen); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return b.M.Run()
}

// ended is a run of the program.
type ended struct {
	out, err string
	code     int           // -1 when a signal ended it
	memory   int64         // most resident memory, octets; if it was measured
	cpu      time.Duration // the same
	took     time.Duration // the same
}

// patience is how long tests wait for what must come, on a machine with a dozen other
// things to do; what is measured has limits of its own. hang is how long a program may
// run before it counts as one that hangs.
const (
	patience = 2 * time.Minute
	hang     = 20 * time.Minute
)

// command prepares a run of the program in a folder.
func command(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), hang)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + t.TempDir()}
	return cmd
}

// tocsin runs the program in a folder to its end.
func tocsin(t *testing.T, dir string, args ...string) ended {
	t.Helper()
	return finish(t, command(t, dir, args...))
}

func finish(t *testing.T, cmd *exec.Cmd) ended {
	t.Helper()
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	err := cmd.Run()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		t.Fatalf("%s: %v", cmd, err)
	}
	return ended{out: out.String(), err: said.String(), code: cmd.ProcessState.ExitCode()}
}

// measure runs the program in a folder to its end, and says what it used.
func measure(t *testing.T, dir string, args ...string) ended {
	t.Helper()
	cmd := command(t, dir, args...)
	by, err := exec.LookPath("measured")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "used")
	cmd.Path, cmd.Args = by, append([]string{"measured", file, program}, args...)
	began := time.Now()
	e := finish(t, cmd)
	e.took = time.Since(began)
	text, err := os.ReadFile(file)
	if err == nil {
		_, err = fmt.Sscan(string(text), &e.memory, &e.cpu)
	}
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, e.err)
	}
	return e
}

// must runs the program and wants it to succeed.
func must(t *testing.T, dir string, args ...string) ended {
	t.Helper()
	e := tocsin(t, dir, args...)
	if e.code != 0 {
		t.Fatalf("tocsin %q: exit %d\n%s%s", args, e.code, e.out, e.err)
	}
	return e
}

// write makes a file for a test.
func write(t *testing.T, name, text string) string {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// shared finds a file of the shared data, or skips the test.
func shared(t *testing.T, name string) string {
	t.Helper()
	root := os.Getenv("TOCSIN_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "data")
	}
	file, err := filepath.Abs(filepath.Join(root, name))
	if err == nil {
		_, err = os.Stat(file)
	}
	if err != nil {
		t.Skipf("shared data not found: %v", err)
	}
	return file
}
