package sensor

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tocsin/capture"
	"tocsin/traffic"
)

// logFolder is a folder that a sensor writes its logs into, and what is read of it.
type logFolder struct {
	*testing.T
	folder *Folder
	reader Reader
	told   map[string]int64 // records, by file
}

// inLogFolder runs a test of a folder in a bubble of its own, where no time passes but
// what is waited for.
func inLogFolder(t *testing.T, test func(*logFolder)) {
	synctest.Test(t, func(t *testing.T) {
		l := &logFolder{T: t, told: map[string]int64{}}
		l.folder = &Folder{Dir: t.TempDir(), Now: time.Now, Told: func(file string, c capture.Counts, err error) {
			l.told[filepath.Base(file)] += c.Records
		}}
		var err error
		if l.reader, err = l.folder.Source().Open(); err != nil {
			t.Fatal(err)
		}
		defer l.reader.Close()
		test(l)
	})
}

// rows are the connections of a Zeek log, from one on and up to another.
func rows(from, to int) string {
	var s strings.Builder
	for i := from; i < to; i++ {
		fmt.Fprintf(&s, "%d.0\tC%d\t10.0.0.5\t%d\t192.0.2.7\t80\ttcp\t1.0\tSF\n", 1_764_000_000+i, i, 10000+i%50000)
	}
	return s.String()
}

const rowsHeader = "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tduration\tconn_state\n"

func (l *logFolder) path(name string) string { return filepath.Join(l.folder.Dir, name) }

// write appends to a file that was last changed so long ago.
func (l *logFolder) write(name, text string, age time.Duration) {
	l.Helper()
	f, err := os.OpenFile(l.path(name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = f.WriteString(text)
	}
	at := time.Now().Add(-age)
	if err := errors.Join(err, f.Close(), os.Chtimes(l.path(name), at, at)); err != nil {
		l.Fatal(err)
	}
}

func (l *logFolder) rename(from, to string) {
	l.Helper()
	if err := os.Rename(l.path(from), l.path(to)); err != nil {
		l.Fatal(err)
	}
}

// takes reads what the folder gives within a time.
func (l *logFolder) takes(within time.Duration) (flows int) {
	l.Helper()
	var b traffic.Batch
	for end := time.Now().Add(within); !time.Now().After(end); {
		if err := l.reader.Next(&b); err != nil {
			l.Fatal(err)
		}
		flows += b.Len()
	}
	return flows
}

func (l *logFolder) wants(what string, within time.Duration, want int) {
	l.Helper()
	if got := l.takes(within); got != want {
		l.Errorf("%s: %d flows, want %d", what, got, want)
	}
}

// followed writes a log of ten rows that is written on and on until it is followed.
func (l *logFolder) followed(name string) {
	l.Helper()
	l.write(name, rowsHeader+rows(0, 10), 0)
	flows := 0
	for range 4 {
		flows += l.takes(5 * time.Second)
		l.write(name, "", 0)
	}
	if flows != 10 || len(l.folder.logs.active) != 1 {
		l.Fatalf("%d flows of %d logs that are followed, want 10 of 1", flows, len(l.folder.logs.active))
	}
}

// TestFollowRotations reads a log once, whatever its rotation does with it.
func TestFollowRotations(t *testing.T) {
	for _, c := range []struct {
		name   string
		rotate func(*logFolder)
		want   int // flows beside the ten
	}{
		{"copied and cut off", func(l *logFolder) {
			l.write("conn.log.1", rowsHeader+rows(0, 10), 0)
			os.Truncate(l.path("conn.log"), 0)
			l.write("conn.log", rowsHeader+rows(50, 51), 0)
		}, 1},
		{"cut off, and at once larger than it was", func(l *logFolder) {
			os.Truncate(l.path("conn.log"), 0)
			l.write("conn.log", rowsHeader+rows(50, 80), 0)
		}, 30},
		{"copied with lines that weren't read yet, and cut off", func(l *logFolder) {
			l.write("conn.log.1", rowsHeader+rows(0, 13), 0)
			os.Truncate(l.path("conn.log"), 0)
			l.write("conn.log", rowsHeader+rows(50, 51), 0)
		}, 4},
		{"a copy that is long under way", func(l *logFolder) {
			l.write("conn.log.1", rowsHeader+rows(0, 5), 0)
			for i := range 6 {
				l.wants("a copy under way", 3*time.Second, 0)
				l.write("conn.log.1", strings.Repeat(rows(5, 10), 1-min(i, 1)), 0)
			}
			os.Truncate(l.path("conn.log"), 0)
			l.write("conn.log", rowsHeader+rows(50, 51), 0)
		}, 1},
		{"another log with the same header", func(l *logFolder) {
			l.write("other.log", rowsHeader+rows(20, 23), time.Minute)
		}, 3},
		{"renamed, and its writer learns late", func(l *logFolder) {
			l.rename("conn.log", "conn.log.1")
			l.wants("renamed", 7*time.Second, 0)
			l.write("conn.log.1", rows(10, 13), 0)
			l.wants("before its writer knew", 7*time.Second, 3)
			l.write("conn.log.1", rows(13, 15), 0)
		}, 2},
		{"renamed, and its writer learns after it was over", func(l *logFolder) {
			l.rename("conn.log", "conn.log.1")
			l.wants("renamed", time.Minute, 0)
			l.write("conn.log.1", rows(10, 15), 0)
		}, 5},
		{"renamed with half a line", func(l *logFolder) {
			l.rename("conn.log", "conn.log.1")
			l.write("conn.log.1", strings.TrimSuffix(rows(10, 11), "\n"), 0)
		}, 1},
		{"silent for long, then renamed", func(l *logFolder) {
			l.wants("silent", 2*time.Hour, 0)
			l.rename("conn.log", "conn.log.1")
		}, 0},
		{"silent for long, then renamed and written on", func(l *logFolder) {
			l.wants("silent", 2*time.Hour, 0)
			l.rename("conn.log", "conn.log.1")
			l.write("conn.log.1", rows(10, 12), 0)
			l.write("conn.log", rowsHeader+rows(30, 31), 0)
		}, 3},
		{"silent for long, then copied and cut off", func(l *logFolder) {
			l.wants("silent", 2*time.Hour, 0)
			l.write("conn.log.1", rowsHeader+rows(0, 10), 0)
			os.Truncate(l.path("conn.log"), 0)
			l.write("conn.log", rowsHeader+rows(50, 51), 0)
		}, 1},
		{"silent for long, written on, copied", func(l *logFolder) {
			l.wants("silent", 2*time.Hour, 0)
			l.write("conn.log", rows(10, 12), 0)
			l.wants("written on", time.Minute, 2)
			l.write("conn.log.1", rowsHeader+rows(0, 12), 0)
		}, 0},
		{"renamed again and again", func(l *logFolder) {
			l.rename("conn.log", "conn.log.1")
			l.wants("once", time.Minute, 0)
			for i := range 5 {
				l.rename(fmt.Sprint("conn.log.", i+1), fmt.Sprint("conn.log.", i+2))
				l.folder.logs.ended = nil // so many others were rotated since
				l.wants("again", time.Minute, 0)
			}
		}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			inLogFolder(t, func(l *logFolder) {
				l.followed("conn.log")
				c.rotate(l)
				l.wants("then", time.Minute, c.want)
			})
		})
	}
}

// TestFollowRested reads a log that rested at first once, when all are moved by one and
// a new one takes its name.
func TestFollowRested(t *testing.T) {
	inLogFolder(t, func(l *logFolder) {
		l.write("conn.1.log", rowsHeader+rows(20, 25), time.Hour)
		l.write("conn.log", rowsHeader+rows(0, 10), time.Minute)
		l.wants("both", time.Second, 15)
		l.rename("conn.1.log", "conn.2.log")
		l.rename("conn.log", "conn.1.log")
		l.write("conn.log", rowsHeader+rows(40, 42), 0)
		l.wants("the new one", time.Minute, 2)
	})
}

// TestFollowForgotten reads a log that is over once, though more were rotated since than
// are remembered.
func TestFollowForgotten(t *testing.T) {
	inLogFolder(t, func(l *logFolder) {
		l.followed("conn.log")
		for i := range maxEnded + 2 {
			l.rename("conn.log", fmt.Sprint("conn.log.", i))
			l.write("conn.log", rowsHeader+rows(100+i, 101+i), 0)
			for range 4 {
				l.takes(5 * time.Second)
				l.write("conn.log", "", 0)
			}
		}
		l.takes(time.Minute)
		want := int64(10 + maxEnded + 2)
		var got int64
		l.folder.Stop()
		for l.reader.Next(new(traffic.Batch)) == nil {
		}
		for _, n := range l.told {
			got += n
		}
		if got != want {
			t.Errorf("%d flows, want %d", got, want)
		}
	})
}

// TestFollowFull takes nothing of a folder that is too full, and all of it when there is
// room again.
func TestFollowFull(t *testing.T) {
	inLogFolder(t, func(l *logFolder) {
		l.folder.room = 3
		for i := range 4 {
			l.write(fmt.Sprint("conn.log.", i), rowsHeader+rows(10*i, 10*i+10), time.Minute)
		}
		l.wants("too full", time.Minute, 0)
		if err := os.Remove(l.path("conn.log.3")); err != nil {
			t.Fatal(err)
		}
		l.wants("room was made", time.Minute, 30)
	})
}

// TestFollowBacklogs reads long logs abreast.
func TestFollowBacklogs(t *testing.T) {
	inLogFolder(t, func(l *logFolder) {
		const each = 250_000 // rows, of 60 octets or so
		for _, name := range []string{"a.log", "b.log"} {
			l.write(name, rowsHeader+rows(0, each), 0)
		}
		var b traffic.Batch
		var order []string
		total := 0
		for start := time.Now(); time.Since(start) < time.Minute; {
			if err := l.reader.Next(&b); err != nil {
				t.Fatal(err)
			}
			total += b.Len()
			name := filepath.Base(l.reader.(*folderReader).name)
			switch {
			case b.Len() == 0 && total == 0: // they are still written
				l.write("a.log", "", 0)
				l.write("b.log", "", 0)
			case b.Len() > 0 && (len(order) == 0 || order[len(order)-1] != name):
				order = append(order, name)
			}
		}
		if got, want := strings.Join(order, " "), "a.log b.log a.log b.log a.log b.log a.log b.log"; total != 2*each || got != want {
			t.Errorf("%d flows of %s, want %d of %s", total, got, 2*each, want)
		}
	})
}
