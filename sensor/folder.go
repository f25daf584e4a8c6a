package sensor

import (
	"cmp"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"tocsin/capture"
	"tocsin/traffic"
)

// Folder is a source of the files that appear in a folder: what a sensor rotates into
// it, what is copied there, and logs that a sensor is writing, which are followed as
// they grow and when they are rotated.
type Folder struct {
	Dir string
	// Settled is how long a file must not have changed before it is taken for whole;
	// 0 is ten seconds. A text log that doesn't rest for so long is followed.
	Settled time.Duration
	// Now is the clock that Settled is measured by.
	Now func() time.Time
	// Told, if set, hears of each file that was read, and of what went wrong with it;
	// a file that is no telemetry is passed over without a word. Of a log that grows it
	// hears when the log is over.
	Told func(file string, counts capture.Counts, err error)

	stop chan struct{}
	seen map[string]mark
	// restless are the files that didn't rest when they were looked at, since when.
	restless map[string]time.Time
	logs     logs
	room     int // files that are remembered at most
}

// mark is by what a file is told from the one that had its name before, and known under
// another.
type mark struct {
	size int64
	at   time.Time
	// tail is what it ended with. A file that is larger now, and has it in the same
	// place, has grown.
	tail string
	info fs.FileInfo
}

const (
	// maxFolder bounds the files that are remembered; in a fuller folder none is taken.
	maxFolder = 1 << 17
	// lookAgain is how often a folder is looked through.
	lookAgain = time.Second
	tailBytes = 64
)

var errFull = errors.New("the folder has more than 131,072 files: move those that are read away")

// Source gives the folder as a source. Its reader ends after Stop, when what was whole
// then is read.
func (f *Folder) Source() Source {
	f.stop, f.seen, f.restless = make(chan struct{}), map[string]mark{}, map[string]time.Time{}
	f.room = maxFolder
	if f.Settled == 0 {
		f.Settled = 10 * time.Second
	}
	return Source{Name: f.Dir, Live: true, Open: func() (Reader, error) { return &folderReader{folder: f}, nil }}
}

// Stop ends the source.
func (f *Folder) Stop() { close(f.stop) }

// found is a file of the folder as it was looked at.
type found struct {
	name string
	info fs.FileInfo
	mark mark
}

// list gives the folder's files, the oldest first.
func (f *Folder) list() ([]found, error) {
	var list []found
	err := filepath.WalkDir(f.Dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) && name != f.Dir {
				return nil // rotated away meanwhile
			}
			return err
		}
		if !d.Type().IsRegular() || d.Name()[0] == '.' {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return nil
		}
		list = append(list, found{name, info, mark{size: info.Size(), at: info.ModTime(), info: info}})
		return nil
	})
	slices.SortFunc(list, func(a, b found) int { return cmp.Or(a.mark.at.Compare(b.mark.at), cmp.Compare(a.name, b.name)) })
	return list, err
}

// whole lists the files that are new and whole, the oldest first, and begins to follow
// those that grow.
func (f *Folder) whole() ([]string, error) {
	list, err := f.list()
	if err != nil {
		return nil, err
	}
	if len(list) > f.room {
		return nil, errFull
	}
	var names []string
	now, moved := f.Now(), f.moved(list)
	restless, seen := map[string]time.Time{}, map[string]mark{}
	for _, one := range list {
		if f.logs.follows(one.info) {
			continue
		}
		old, known := f.known(one, moved)
		switch {
		case known && old.size == one.mark.size && old.at.Equal(one.mark.at):
			seen[one.name] = old
		case known && old.grown(one) && f.logs.begin(one.name, old.size, now):
		case now.Sub(one.mark.at) < f.Settled:
			if known {
				seen[one.name] = old
			}
			since, before := f.restless[one.name]
			if !before {
				since = now
			}
			if !before || now.Sub(since) < f.Settled || !f.logs.beginNew(one, now) {
				restless[one.name] = since
			}
		default:
			twin, read := f.logs.twin(one.name)
			if read && twin.grown(one) && f.logs.begin(one.name, twin.size, now) {
				continue
			}
			one.mark.tail = tailOf(one.name, one.mark.size, tailBytes)
			if seen[one.name] = one.mark; !read {
				names = append(names, one.name)
			}
		}
	}
	f.restless, f.seen = restless, seen // what is gone is forgotten
	return names, nil
}

// moved gives the marks of files that don't have their names any more.
func (f *Folder) moved(list []found) []mark {
	now := make(map[string]fs.FileInfo, len(list))
	for _, one := range list {
		now[one.name] = one.info
	}
	var moved []mark
	for name, m := range f.seen {
		if m.tail != "" && !os.SameFile(now[name], m.info) {
			moved = append(moved, m)
		}
	}
	return moved
}

// known gives how far a file was read, under its name or another. A log that is over was
// read further than its mark says, if it has one.
func (f *Folder) known(one found, moved []mark) (mark, bool) {
	named, known := f.seen[one.name]
	if known && os.SameFile(named.info, one.info) {
		return named, true
	}
	if m, over := f.logs.over(one); over {
		return m, true
	}
	best := mark{size: -1}
	for _, m := range moved {
		if m.size > best.size && os.SameFile(m.info, one.info) && tailOf(one.name, m.size, tailBytes) == m.tail {
			best = m
		}
	}
	if best.size >= 0 {
		return best, true
	}
	return named, known
}

// rest gives up following a log that hasn't grown for long. If it does again, it's known
// by what it ended with.
func (f *Folder) rest(g *growing) {
	if info, err := g.file.Stat(); err == nil {
		f.seen[g.name] = mark{size: g.read, at: info.ModTime(), tail: g.tail, info: info}
	}
	f.logs.finish(g)
}

// grown tells a file that begins as the one did that was read.
func (m *mark) grown(now found) bool {
	return now.mark.size > m.size && m.tail != "" && tailOf(now.name, m.size, tailBytes) == m.tail
}

// tailOf gives up to n octets of a file before an offset.
func tailOf(name string, before int64, n int) string {
	file, err := os.Open(name)
	if err != nil {
		return ""
	}
	defer file.Close()
	return ending(file, before, n)
}

// ending gives up to n octets before an offset.
func ending(file io.ReaderAt, before int64, n int) string {
	b := make([]byte, min(int64(n), before))
	n, _ = file.ReadAt(b, before-int64(len(b)))
	return string(b[:n])
}

// folderReader reads a folder's files one after the other, and what is new of its logs.
type folderReader struct {
	folder  *Folder
	pending []string
	file    *os.File
	name    string
	log     *growing // whose piece is under way
	over    bool     // and that is its last
	reader  *capture.Reader
}

// Next gives records of the file under way, or of the next one, or none if there is
// none at the moment.
func (r *folderReader) Next(b *traffic.Batch) error {
	for {
		b.Reset()
		if r.reader != nil {
			err := r.reader.Next(b)
			if err == nil {
				return nil
			}
			r.done(err)
			continue
		}
		if len(r.pending) > 0 {
			r.open(r.pending[0])
			r.pending = r.pending[1:]
			continue
		}
		if r.follow() {
			continue
		}
		var err error
		if r.pending, err = r.folder.whole(); err != nil {
			r.tell(r.folder.Dir, capture.Counts{}, err)
		}
		if len(r.pending) > 0 || r.follow() {
			continue
		}
		select {
		case <-r.folder.stop:
			r.leave()
			return io.EOF
		case <-time.After(lookAgain):
			return nil
		}
	}
}

// follow opens what is new of a log, if anything is.
func (r *folderReader) follow() bool {
	now := r.folder.Now()
	select {
	case <-r.folder.stop:
		now = now.Add(followEach) // what is there is taken
	default:
	}
	for _, g := range slices.Clone(r.folder.logs.active) {
		piece, over := r.folder.logs.next(g, now, r.folder.Settled)
		if piece != nil {
			reader, err := capture.Open(g.name, piece)
			if err == nil {
				r.reader, r.name, r.log, r.over = reader, g.name, g, over
				r.folder.logs.last(g)
				return true
			}
			if !errors.Is(err, capture.ErrUnknown) {
				r.tell(g.name, capture.Counts{}, err)
			}
		}
		switch {
		case over:
			r.end(g)
		case now.Sub(g.grew) > followIdle:
			r.folder.rest(g)
			r.tell(g.name, g.counts, nil)
		}
	}
	return false
}

// end tells of a log that is over.
func (r *folderReader) end(g *growing) {
	r.folder.logs.finish(g)
	r.tell(g.name, g.counts, nil)
}

// leave ends all logs that are followed.
func (r *folderReader) leave() {
	for _, g := range slices.Clone(r.folder.logs.active) {
		r.end(g)
	}
}

func (r *folderReader) open(name string) {
	file, err := os.Open(name)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			r.tell(name, capture.Counts{}, err)
		}
		return
	}
	reader, err := capture.Open(name, file)
	if err != nil {
		file.Close()
		if !errors.Is(err, capture.ErrUnknown) {
			r.tell(name, capture.Counts{}, err)
		}
		return
	}
	r.file, r.name, r.reader = file, name, reader
}

// done ends the file under way.
func (r *folderReader) done(err error) {
	if err == io.EOF {
		err = nil
	}
	counts := r.reader.Counts()
	err = errors.Join(err, r.reader.Close())
	r.reader = nil
	if g := r.log; g != nil {
		g.counts.Add(counts)
		if r.log = nil; err != nil {
			r.tell(g.name, capture.Counts{}, err)
		}
		if r.over {
			r.end(g)
		}
		return
	}
	err = errors.Join(err, r.file.Close())
	r.file = nil
	r.tell(r.name, counts, err)
}

func (r *folderReader) tell(name string, counts capture.Counts, err error) {
	if r.folder.Told != nil {
		r.folder.Told(name, counts, err)
	}
}

// Close leaves the file under way, and the logs.
func (r *folderReader) Close() error {
	r.folder.logs.close()
	if r.reader == nil {
		return nil
	}
	err := r.reader.Close()
	if r.file != nil {
		err = errors.Join(err, r.file.Close())
	}
	return err
}
