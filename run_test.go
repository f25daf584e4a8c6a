package tocsin_test

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestRunDemo runs ./run demo as a newcomer does: it builds, says where to look, shows
// the story's first page, and leaves nothing behind when it is told to stop.
func TestRunDemo(t *testing.T) {
	temporary := t.TempDir()
	c := exec.CommandContext(t.Context(), "./run", "demo", "--listen", "127.0.0.1:0")
	c.Env = append(os.Environ(), "TMPDIR="+temporary, "GOTMPDIR="+t.TempDir())
	var complaints strings.Builder
	c.Stderr = &complaints
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	stopped := false
	defer func() {
		if !stopped {
			c.Process.Kill()
			c.Wait()
		}
	}()
	lines := bufio.NewReader(out)
	line, _ := lines.ReadString('\n')
	address := regexp.MustCompile(`http://127\.0\.0\.1:\d+/demo`).FindString(line)
	if address == "" {
		t.Fatalf("it said %q\n%s", line, complaints.String())
	}
	begun := time.Now()
	answer, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	if err != nil || answer.StatusCode != 200 || !strings.Contains(string(page), `id="guide-scene"`) {
		t.Errorf("the first page: %d, %v", answer.StatusCode, err)
	}
	if passed := time.Since(begun); passed > time.Minute {
		t.Errorf("the first page took %v", passed)
	}
	if err := c.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	rest, _ := io.ReadAll(lines)
	stopped = true
	if err := c.Wait(); err != nil {
		t.Errorf("it ended with %v after %q\n%s", err, rest, complaints.String())
	}
	if left, _ := filepath.Glob(filepath.Join(temporary, "*")); len(left) > 0 {
		t.Errorf("it left %q behind", left)
	}
}
