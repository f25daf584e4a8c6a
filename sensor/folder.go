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
// it, or what is copied there.
type Folder struct {
	Dir string
	// Settled is how long a file must not have changed before it is taken for whole;
	// 0 is ten seconds.
	Settled time.Duration
	// Now is the clock that Settled is measured by.
	Now func() time.Time
	// Told, if set, hears of each file that was read, and of what went wrong with it;
	// a file that is no telemetry is passed over without a word.
	Told func(file string, counts capture.Counts, err error)

	stop chan struct{}
	seen map[string]mark
}

// mark is by what a file is told from the one that had its name before.
type mark struct {
	size int64
	at   time.Time
}

const (
	// maxFolder bounds the files that are remembered; in a fuller folder none is taken.
	maxFolder = 1 << 17
	// lookAgain is how often a folder is looked through.
	lookAgain = time.Second
)

var errFull = errors.New("the folder has more than 131,072 files: move those that are read away")

// Source gives the folder as a source. Its reader ends after Stop, when what was whole
// then is read.
func (f *Folder) Source() Source {
	f.stop, f.seen = make(chan struct{}), map[string]mark{}
	if f.Settled == 0 {
		f.Settled = 10 * time.Second
	}
	return Source{Name: f.Dir, Live: true, Open: func() (Reader, error) { return &folderReader{folder: f}, nil }}
}

// Stop ends the source.
func (f *Folder) Stop() { close(f.stop) }

// whole lists the files that are new and whole, the oldest first.
func (f *Folder) whole() ([]string, error) {
	type found struct {
		name string
		mark mark
	}
	var list []found
	now := f.Now()
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
		m := mark{info.Size(), info.ModTime()}
		if f.seen[name] != m && now.Sub(m.at) >= f.Settled {
			list = append(list, found{name, m})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(f.seen)+len(list) > maxFolder {
		return nil, errFull
	}
	slices.SortFunc(list, func(a, b found) int { return cmp.Or(a.mark.at.Compare(b.mark.at), cmp.Compare(a.name, b.name)) })
	var names []string
	for _, one := range list {
		f.seen[one.name] = one.mark
		names = append(names, one.name)
	}
	return names, nil
}

// folderReader reads a folder's files one after the other.
type folderReader struct {
	folder  *Folder
	pending []string
	file    *os.File
	name    string
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
		var err error
		if r.pending, err = r.folder.whole(); err != nil {
			r.tell(r.folder.Dir, capture.Counts{}, err)
		}
		if len(r.pending) > 0 {
			continue
		}
		select {
		case <-r.folder.stop:
			return io.EOF
		case <-time.After(lookAgain):
			return nil
		}
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
	err = errors.Join(err, r.reader.Close(), r.file.Close())
	r.reader, r.file = nil, nil
	r.tell(r.name, counts, err)
}

func (r *folderReader) tell(name string, counts capture.Counts, err error) {
	if r.folder.Told != nil {
		r.folder.Told(name, counts, err)
	}
}

// Close leaves the file under way.
func (r *folderReader) Close() error {
	if r.reader == nil {
		return nil
	}
	return errors.Join(r.reader.Close(), r.file.Close())
}
