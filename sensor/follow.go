package sensor

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
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
	// maxPiece is what of a backlog is read at once, so that logs that belong together
	// are read abreast.
	maxPiece = 4 << 20
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
	lost   time.Time // when it was seen to have left its name
	head   string    // what it begins with, of what was read
	tail   string    // what that ends with
	counts capture.Counts
}

// logs are those of a folder.
type logs struct {
	active, ended []*growing
}

// follows tells whether a file is one of the logs that are followed, under any name.
func (l *logs) follows(info fs.FileInfo) bool {
	return slices.ContainsFunc(l.active, func(g *growing) bool { return os.SameFile(g.info, info) })
}

// over gives where a log was left that is over, whatever its name is now. What the file
// system calls it is given to another file once it is deleted, so it must also begin as
// it did.
func (l *logs) over(one found) (mark, bool) {
	for _, g := range slices.Backward(l.ended) {
		if os.SameFile(g.info, one.info) && g.head != "" && tailOf(one.name, int64(len(g.head)), len(g.head)) == g.head {
			return mark{size: g.read, at: one.mark.at, tail: g.tail, info: one.info}, true
		}
	}
	return mark{}, false
}

// beginNew follows a log from its beginning, unless it is a copy of one.
func (l *logs) beginNew(one found, now time.Time) bool {
	_, copied := l.twin(one.name)
	return !copied && l.begin(one.name, 0, now)
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
	g := &growing{file: file, info: info, name: name, grew: now}
	g.know(from)
	l.active = append(l.active, g)
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
// if there is nothing yet. Over tells that this is the last of it: the log has left its
// name, and hasn't grown for so long as settled since; its writer may go on for a while.
func (l *logs) next(g *growing, now time.Time, settled time.Duration) (piece io.Reader, over bool) {
	at, err := os.Stat(g.name)
	switch named := err == nil && os.SameFile(at, g.info); {
	case named:
		g.lost = time.Time{}
	case g.lost.IsZero():
		g.lost, g.taken = now, time.Time{} // read on at once
	}
	if now.Sub(g.taken) < followEach {
		return nil, false
	}
	info, err := g.file.Stat()
	if err != nil {
		return nil, true
	}
	g.taken = now
	if g.cut(info.Size()) {
		l.keep(&growing{info: g.info, read: g.read, head: g.head, tail: g.tail})
		g.head = ""
		g.know(0)
	}
	from, end := g.read, g.upTo(info.Size())
	if end <= from && !g.lost.IsZero() && now.Sub(g.lost) >= settled && now.Sub(g.grew) >= settled {
		end, over = info.Size(), true
	}
	if end <= from {
		return nil, over
	}
	if g.know(end); info.Size()-end > maxPartial {
		g.taken = time.Time{} // there is more
	}
	g.grew = now
	body := io.NewSectionReader(g.file, from, end-from)
	if from == 0 {
		return body, over
	}
	return io.MultiReader(strings.NewReader(g.header()), body), over
}

// cut tells that a log was cut off, to begin anew.
func (g *growing) cut(size int64) bool {
	return size < g.read || ending(g.file, int64(len(g.head)), len(g.head)) != g.head
}

// know keeps how far a log is read, and what it's known by.
func (g *growing) know(read int64) {
	g.read, g.tail = read, ending(g.file, read, tailBytes)
	if len(g.head) < knownBytes {
		g.head = ending(g.file, min(read, knownBytes), knownBytes)
	}
}

// upTo gives where the next piece ends, behind a line.
func (g *growing) upTo(size int64) int64 {
	if size-g.read > maxPiece {
		if end := g.lastLine(g.read + maxPiece); end > g.read {
			return end
		}
	}
	return g.lastLine(size)
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
func (g *growing) header() string { return headerOf(ending(g.file, maxHeader, maxHeader)) }

func headerOf(text string) string {
	end := 0
	for end < len(text) && text[end] == '#' {
		i := strings.IndexByte(text[end:], '\n')
		if i < 0 {
			break
		}
		end += i + 1
	}
	return text[:end]
}

// finish ends a log, and keeps what it is known by.
func (l *logs) finish(g *growing) {
	l.drop(g)
	l.keep(g)
}

// keep remembers a log that is over.
func (l *logs) keep(g *growing) {
	l.ended = append(l.ended, g)
	if len(l.ended) > maxEnded {
		l.ended = slices.Delete(l.ended, 0, 1)
	}
}

// last puts a log behind the others, whose turn it is then.
func (l *logs) last(g *growing) {
	l.active = append(slices.DeleteFunc(l.active, func(x *growing) bool { return x == g }), g)
}

// drop follows a log no more.
func (l *logs) drop(g *growing) {
	g.file.Close()
	l.active = slices.DeleteFunc(l.active, func(x *growing) bool { return x == g })
}

// twin tells a file that is a log that is followed or was, packed or copied; and of one
// that was, where it was left: a copy that was made before the log was cut off may have
// more. Logs of which no more than the header was read are all alike.
func (l *logs) twin(name string) (left mark, found bool) {
	if len(l.active)+len(l.ended) == 0 {
		return mark{}, false
	}
	head := beginning(name)
	like := func(g *growing) bool { return len(g.head) > len(headerOf(g.head)) && strings.HasPrefix(head, g.head) }
	if slices.ContainsFunc(l.active, like) {
		return mark{}, true
	}
	for _, g := range slices.Backward(l.ended) {
		if like(g) {
			return mark{size: g.read, tail: g.tail}, true
		}
	}
	return mark{}, false
}

// beginning gives what a file begins with, unpacked; nothing if it can't be read.
func beginning(name string) string {
	file, err := os.Open(name)
	if err != nil {
		return ""
	}
	defer file.Close()
	body, err := unpack.Open(file, unpack.Bounds{MaxBytes: -1, FreeBytes: 1 << 62})
	if err != nil {
		return ""
	}
	defer body.Close()
	head, err := io.ReadAll(io.LimitReader(body, knownBytes))
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return ""
	}
	return string(head)
}

// close lets go of what is followed.
func (l *logs) close() {
	for _, g := range l.active {
		g.file.Close()
	}
	l.active = nil
}
