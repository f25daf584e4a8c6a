package main

import (
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	_ "modernc.org/sqlite"
)

var update = flag.Bool("update", false, "write what the program says now into the scripts and pages")

// TestScripts runs testdata/script: one file a command, which read as a manual.
// Beside testscript's own commands they have
//
//	exits N tocsin …    the program ends with exit code N
//	grab NAME REGEXP    $NAME becomes what the first group found in stdout
//	freeaddress NAME    $NAME becomes a loopback address with a free port, $NAME_PORT
//	                    the port
//	mailserver NAME     a mail server is at $NAME; it writes what it takes into the file
//	                    NAME, and has no boxes whose names begin with "gone"
//	until REGEXP tocsin …  asks again until stdout matches, as long as patience lasts
//	ready ADDRESS       waits until a platform answers there
//	sql FILE STATEMENT  changes a database behind the program's back
//	flip FILE OFFSET    changes one octet; a negative offset counts from the end
//	unreadable FILE     takes the permission to read away; root can read all the
//	                    same, so there a folder takes the file's place
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                "testdata/script",
		RequireUniqueNames: true,
		UpdateScripts:      *update,
		Setup: func(e *testscript.Env) error {
			e.Setenv("TZ", "UTC")
			e.Setenv("PATH", filepath.Dir(chosen)+string(filepath.ListSeparator)+e.Getenv("PATH"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":       exits,
			"grab":        grab,
			"freeaddress": freeAddress,
			"ready":       ready,
			"mailserver":  mailServer,
			"until":       untilSaid,
			"sql":         statement,
			"flip":        flip,
			"unreadable":  unreadable,
		},
	})
}

// writeChosen writes the tocsin of the scripts, which is one of two: the test's own, with
// the race detector where the tests have it, for the commands in which much goes on at
// once; and for the hundreds that ask one thing the program as its users have it, which
// starts in a quarter of the time.
func writeChosen(file string) error {
	raced, err := exec.LookPath("tocsin")
	if err != nil {
		return err
	}
	text := fmt.Sprintf("#!/bin/sh\ncase $1 in serve | demo | sensor | load) exec '%s' \"$@\" ;; esac\nexec '%s' \"$@\"\n", raced, program)
	if err := os.Mkdir(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	return os.WriteFile(file, []byte(text), 0o700)
}

// want ends a script whose call of a command is wrong.
func want(ts *testscript.TestScript, neg bool, args []string, n int, usage string) {
	if neg || len(args) < n {
		ts.Fatalf("usage: %s", usage)
	}
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 2, "exits N command args…")
	wanted, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	code := 0
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		code = failed.ExitCode()
	} else {
		ts.Check(err)
	}
	if code != wanted {
		ts.Fatalf("exit %d, want %d", code, wanted)
	}
}

func grab(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 2, "grab NAME REGEXP")
	found := regexp.MustCompile(args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if len(found) < 2 {
		ts.Fatalf("no match for %s in stdout", args[1])
	}
	ts.Setenv(args[0], found[1])
}

func freeAddress(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 1, "freeaddress NAME")
	address, err := freeLoopback()
	ts.Check(err)
	ts.Setenv(args[0], address)
	_, port, _ := strings.Cut(address, ":")
	ts.Setenv(args[0]+"_PORT", port)
}

// freeLoopback gives an address on which nobody listens.
func freeLoopback() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

func untilSaid(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 2, "until REGEXP command args…")
	wanted := regexp.MustCompile(args[0])
	for deadline := time.Now().Add(patience); ; <-time.After(50 * time.Millisecond) {
		ts.Check(ts.Exec(args[1], args[2:]...))
		if wanted.MatchString(ts.ReadFile("stdout")) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("waited in vain for %s", wanted)
		}
	}
}

func ready(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 1, "ready ADDRESS")
	ts.Check(awaitReady(args[0]))
}

// awaitReady waits until the platform at an address is ready.
func awaitReady(address string) error {
	for deadline := time.Now().Add(patience); ; <-time.After(10 * time.Millisecond) {
		answer, err := http.Get("http://" + address + "/readyz")
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return nil
			}
			err = errors.New(answer.Status)
		}
		if time.Now().After(deadline) {
			return err
		}
	}
}

func statement(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 2, "sql FILE STATEMENT")
	db, err := sql.Open("sqlite", ts.MkAbs(args[0]))
	ts.Check(err)
	r, err := db.Exec(args[1])
	ts.Check(err)
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		ts.Fatalf("%s changed nothing (%v)", args[1], err)
	}
	ts.Check(db.Close())
}

func flip(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 2, "flip FILE OFFSET")
	name := ts.MkAbs(args[0])
	text, err := os.ReadFile(name)
	ts.Check(err)
	at, err := strconv.Atoi(args[1])
	ts.Check(err)
	if at < 0 {
		at += len(text)
	}
	text[at] ^= 0x20
	ts.Check(os.WriteFile(name, text, 0o600))
}

func unreadable(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 1, "unreadable FILE")
	name := ts.MkAbs(args[0])
	if os.Geteuid() != 0 {
		ts.Check(os.Chmod(name, 0))
		return
	}
	ts.Check(os.Remove(name))
	ts.Check(os.Mkdir(name, 0o700))
}
