package sensor

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"

	"tocsin/capture"
	"tocsin/unpack"
)

const (
	// maxLogs is how many logs of a folder are followed at once; more wait until they rest.
	maxLogs = 256
	// maxEnded is how many logs that were followed to their end are remembered.
	maxEnded = 256
	// followEach is how often a growing log is read on, unless its end has come. EVE
	// tells questions and answers apart: they are joined within what is read at once.
	followEach = 5 * time.Second
	// followIdle is how long a log may be silent before it is let go.
	followIdle = time.Hour
	// knownBytes is what of a file is compared to know it again.
	knownBytes = 4 << 10
	maxHeader  = 64 << 10
	maxPartial = 1 << 20 // of a line that isn't ended
)

// grows are the formats of logs that sensors write on and on, a line a record.
var grows = []string{"zeek", "zeek-json", "eve", "flow-json"}

// growing is a log that is read while it is written. It is told from others by what the
// file system says it is, whatever its name becomes, and by its beginning, when somebody
// packs it or copies it.
type growing struct {
	file   *os.File
	info   fs.FileInfo
	name   string
	read   int64 // octets that were taken
	taken  time.Time
	grew   time.Time
	head   []byte // what it began with, once it is over
	counts capture.Counts
}

// logs are those of a folder.
type logs struct {
	active, ended []*growing
}

// has tells whether a file is one of the logs, under any name. What the file system calls
// it is given to another file once a log is deleted, so one that is over must also begin
// as it did.
func (l *logs) has(name string, info fs.FileInfo) bool {
	if slices.ContainsFunc(l.active, func(g *growing) bool { return os.SameFile(g.info, info) }) {
		return true
	}
	return slices.ContainsFunc(l.ended, func(g *growing) bool {
		return os.SameFile(g.info, info) && tailOf(name, int64(len(g.head)), len(g.head)) == string(g.head)
	})
}

// begin follows a log from an offset on, if it is one; false if it isn't, or if there
// are too many.
func (l *logs) begin(name string, from int64, now time.Time) bool {
	if len(l.active) >= maxLogs {
		return false
	}
	file, err := os.Open(name)
	if err != nil {
		return false
	}
	info, err := file.Stat()
	if err == nil && !isLog(name, file) {
		err = capture.ErrUnknown
	}
	if err != nil {
		file.Close()
		return false
	}
	l.active = append(l.active, &growing{file: file, info: info, name: name, read: from, taken: now.Add(-followEach), grew: now})
	return true
}

// isLog tells whether a file is a text of records, one a line, that isn't packed.
func isLog(name string, file *os.File) bool {
	r, err := capture.Open(name, io.NewSectionReader(file, 0, maxHeader+maxPartial))
	if err != nil {
		return false
	}
	defer r.Close()
	first := make([]byte, 1)
	if _, err := file.ReadAt(first, 0); err != nil {
		return false
	}
	return slices.Contains(grows, r.Format().Name) && (first[0] == '#' || first[0] == '{')
}

// next gives what is new of a log: a capture of its header and its new whole lines; nil
// if there is nothing yet. Over tells that the log has left its name, and that this is
// the last of it.
func (g *growing) next(now time.Time) (piece io.Reader, over bool) {
	at, err := os.Stat(g.name)
	over = err != nil || !os.SameFile(at, g.info)
	if !over && now.Sub(g.taken) < followEach {
		return nil, false
	}
	info, err := g.file.Stat()
	if err != nil {
		return nil, true
	}
	g.taken = now
	if info.Size() < g.read {
		g.read = 0 // cut off, to begin anew
	}
	end := info.Size()
	if !over {
		end = g.lastLine(end)
	}
	if end <= g.read {
		return nil, over
	}
	from := g.read
	g.read, g.grew = end, now
	body := io.NewSectionReader(g.file, from, end-from)
	if from == 0 {
		return body, over
	}
	return io.MultiReader(bytes.NewReader(g.header()), body), over
}

// lastLine gives where the last line that is ended ends, by size at most.
func (g *growing) lastLine(size int64) int64 {
	const step = 4 << 10
	buffer := make([]byte, step)
	for to := size; to > g.read && size-to < maxPartial; to -= step {
		from := max(to-step, g.read)
		n, err := g.file.ReadAt(buffer[:to-from], from)
		if err != nil && err != io.EOF {
			return g.read
		}
		if i := bytes.LastIndexByte(buffer[:n], '\n'); i >= 0 {
			return from + int64(i) + 1
		}
	}
	return g.read
}

// header gives the lines that a log begins with and that say how to read it.
func (g *growing) header() []byte {
	b := make([]byte, maxHeader)
	n, _ := g.file.ReadAt(b, 0)
	b = b[:n]
	end := 0
	for end < n && b[end] == '#' {
		i := bytes.IndexByte(b[end:], '\n')
		if i < 0 {
			break
		}
		end += i + 1
	}
	return b[:end]
}

// finish ends a log, and keeps what it is known by.
func (l *logs) finish(g *growing) {
	head := make([]byte, knownBytes)
	n, _ := g.file.ReadAt(head, 0)
	g.head = head[:n]
	l.drop(g)
	l.ended = append(l.ended, g)
	if len(l.ended) > maxEnded {
		l.ended = slices.Delete(l.ended, 0, 1)
	}
}

// drop follows a log no more.
func (l *logs) drop(g *growing) {
	g.file.Close()
	l.active = slices.DeleteFunc(l.active, func(x *growing) bool { return x == g })
}

// twin tells a file that is a log that was followed, packed or copied.
func (l *logs) twin(name string) bool {
	if len(l.ended) == 0 {
		return false
	}
	file, err := os.Open(name)
	if err != nil {
		return false
	}
	defer file.Close()
	body, err := unpack.Open(file, unpack.Bounds{MaxBytes: -1, FreeBytes: 1 << 62})
	if err != nil {
		return false
	}
	defer body.Close()
	head, err := io.ReadAll(io.LimitReader(body, knownBytes))
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false
	}
	return slices.ContainsFunc(l.ended, func(g *growing) bool {
		return len(g.head) > 0 && bytes.HasPrefix(head, g.head)
	})
}

// close lets go of what is followed.
func (l *logs) close() {
	for _, g := range l.active {
		g.file.Close()
	}
	l.active = nil
}
