package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"
)

// printJSON writes one object and a line's end.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// count writes a number as people read it: 180,000.
func count(n int64) string {
	s := strconv.FormatInt(n, 10)
	start := 0
	if n < 0 {
		start = 1
	}
	for i := len(s) - 3; i > start; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// progress is a line on a terminal that says how far long work is; in a pipe it
// stays silent.
type progress struct {
	w       io.Writer
	what    string
	started time.Time
	shown   time.Time
	on      bool
}

func newProgress(w io.Writer, what string) *progress {
	p := &progress{w: w, what: what, started: time.Now()}
	if f, ok := w.(*os.File); ok {
		info, err := f.Stat()
		p.on = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return p
}

// step is how many rows may pass unseen: asking costs.
func (p *progress) step() int64 {
	if p.on {
		return 10_000
	}
	return 1 << 60
}

// show tells rows and their rate, and where the share of the work is known what
// is left of its time.
func (p *progress) show(rows int64, share float64) {
	if !p.on || time.Since(p.shown) < 200*time.Millisecond {
		return
	}
	p.shown = time.Now()
	spent := time.Since(p.started)
	line := fmt.Sprintf("%s: %s rows, %s a second", p.what, count(rows), count(int64(float64(rows)/spent.Seconds())))
	if share > 0.01 && share < 1 {
		left := time.Duration(float64(spent) * (1 - share) / share)
		line += fmt.Sprintf(", %.0f %%, %s left", share*100, left.Round(time.Second))
	}
	fmt.Fprintf(p.w, "\r\x1b[K%s", line)
}

func (p *progress) end() {
	if p.on && !p.shown.IsZero() {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
