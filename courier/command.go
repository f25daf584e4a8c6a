package courier

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// exitTemporary is the exit code by which a command asks for another attempt:
// EX_TEMPFAIL of sysexits.h.
const exitTemporary = 75

// executable says why a file can't be run.
func executable(name string) error {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return errors.Unwrap(err)
	case info.IsDir():
		return errors.New("it is a folder")
	case info.Mode()&0o111 == 0:
		return errors.New("it isn't executable (chmod +x)")
	}
	return nil
}

// execute runs the command of a target with the envelope on its standard input.
// Exit code 0 is a message taken; 75, an end by a signal or by our limit, and a
// command that can't be started are failures that may pass; any other code is a
// refusal. At the limit the command and what it started are ended.
func execute(ctx context.Context, t Target, m Message, envelope []byte) (int, string, error) {
	cmd := exec.CommandContext(ctx, t.command[0], t.command[1:]...)
	cmd.Dir = "/"
	cmd.Env = append(environment(),
		"TOCSIN_ID="+m.ID, "TOCSIN_KIND="+m.Kind, "TOCSIN_URGENCY="+m.Urgency.String(),
		"TOCSIN_LANGUAGE="+m.Language, "TOCSIN_SUBJECT="+m.Subject, "TOCSIN_CREATED_AT="+m.At.UTC().Format(time.RFC3339))
	cmd.Stdin = bytes.NewReader(append(envelope, '\n'))
	said := &head{max: maxSaid}
	cmd.Stdout, cmd.Stderr = said, said
	// Its own group, so that what it started ends with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	if ctx.Err() != nil {
		return -1, said.String(), temporary{error: fmt.Errorf("it didn't end within its time and was stopped; it printed %.200q", answer(said.String()))}
	}
	failed, ok := errors.AsType[*exec.ExitError](err)
	switch {
	case err == nil, errors.Is(err, exec.ErrWaitDelay), errors.Is(err, syscall.EPIPE) && cmd.ProcessState.Success():
		return 0, said.String(), nil
	case !ok:
		return -1, "", temporary{error: err}
	}
	code := failed.ExitCode()
	err = fmt.Errorf("it ended with %s; it printed %.200q", failed, answer(said.String()))
	if code == exitTemporary || code < 0 {
		return code, said.String(), temporary{error: err}
	}
	return code, said.String(), err
}

// environment is what a command is told of ours: where programs and its home are,
// and how to write. Our own settings may hold secrets.
func environment() []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// head keeps the first octets of what is written to it.
type head struct {
	bytes.Buffer
	max int
}

func (h *head) Write(p []byte) (int, error) {
	if room := h.max - h.Len(); room > 0 {
		h.Buffer.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}
