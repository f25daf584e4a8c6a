package intake

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
)

// faultDisk is a Disk that keeps what a real one keeps: the bytes of a file up to
// its last Sync, and the names of a folder as they were at its last SyncDir. Cut
// throws everything else away, as a power cut does. It can fail at any operation.
type faultDisk struct {
	mu      sync.Mutex
	now     map[string]*inode // names as processes see them
	kept    map[string]*inode // names as they would be found after a cut
	folders map[string]bool
	ops     int
	failAt  int // operation that fails, counted from 1; 0 none
	err     error
	dead    bool // the power is gone: everything fails
}

type inode struct {
	written []byte
	synced  []byte
}

var errPowerCut = errors.New("the power is gone")

func newFaultDisk() *faultDisk {
	return &faultDisk{now: map[string]*inode{}, kept: map[string]*inode{}, folders: map[string]bool{".": true}}
}

// op counts an operation and says whether it fails; a cut falls before it.
func (d *faultDisk) op() error {
	d.ops++
	if d.dead {
		return errPowerCut
	}
	if d.ops == d.failAt {
		if errors.Is(d.err, errPowerCut) {
			d.dead = true
		}
		return d.err
	}
	return nil
}

// cut gives the disk as it is found after the power came back. A disk may also
// have kept more than it had to: names, and bytes that were never synced.
func (d *faultDisk) cut(keepMore func() bool) *faultDisk {
	after := newFaultDisk()
	after.folders = maps.Clone(d.folders)
	names := maps.Clone(d.kept)
	for name, file := range d.now {
		if keepMore() {
			names[name] = file
		}
	}
	for name := range d.kept {
		if d.now[name] == nil && keepMore() {
			delete(names, name) // the removal or the move lasted
		}
	}
	for name, file := range names {
		content := slices.Clone(file.synced)
		if keepMore() && len(file.written) > len(content) {
			content = append(content, file.written[len(content):len(content)+(len(file.written)-len(content))/2]...)
		}
		copied := &inode{content, content}
		after.now[name], after.kept[name] = copied, copied
	}
	return after
}

func (d *faultDisk) Create(name string) (File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.op(); err != nil {
		return nil, err
	}
	if d.now[name] != nil {
		return nil, fs.ErrExist
	}
	if !d.folders[path.Dir(name)] {
		return nil, fs.ErrNotExist
	}
	d.now[name] = &inode{}
	return &faultFile{d, d.now[name]}, nil
}

type faultFile struct {
	disk *faultDisk
	node *inode
}

func (f *faultFile) Write(p []byte) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.disk.op(); err != nil {
		half := len(p) / 2
		f.node.written = append(f.node.written, p[:half]...)
		return half, err
	}
	f.node.written = append(f.node.written, p...)
	return len(p), nil
}

func (f *faultFile) Sync() error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.disk.op(); err != nil {
		return err
	}
	f.node.synced = slices.Clone(f.node.written)
	return nil
}

func (f *faultFile) Close() error { return nil }

func (d *faultDisk) Open(name string) (ReadFile, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.op(); err != nil {
		return nil, err
	}
	node := d.now[name]
	if node == nil {
		return nil, fs.ErrNotExist
	}
	return readFile{bytes.NewReader(slices.Clone(node.written))}, nil
}

type readFile struct{ *bytes.Reader }

func (readFile) Close() error { return nil }

func (d *faultDisk) Rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.op(); err != nil {
		return err
	}
	if d.now[from] == nil || !d.folders[path.Dir(to)] {
		return fs.ErrNotExist
	}
	d.now[to] = d.now[from]
	delete(d.now, from)
	return nil
}

func (d *faultDisk) Remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.op(); err != nil {
		return err
	}
	if d.now[name] == nil {
		return fs.ErrNotExist
	}
	delete(d.now, name)
	return nil
}

func (d *faultDisk) MkdirAll(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.op(); err != nil {
		return err
	}
	d.folders[name] = true
	return nil
}

func (d *faultDisk) SyncDir(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.op(); err != nil {
		return err
	}
	for file := range d.kept {
		if path.Dir(file) == name && d.now[file] == nil {
			delete(d.kept, file)
		}
	}
	for file, node := range d.now {
		if path.Dir(file) == name {
			d.kept[file] = node
		}
	}
	return nil
}

func (d *faultDisk) List(dir string) ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.op(); err != nil {
		return nil, err
	}
	var names []string
	for name := range d.now {
		if path.Dir(name) == dir {
			names = append(names, path.Base(name))
		}
	}
	slices.Sort(names)
	return names, nil
}

// whole gives the digests of the files that look like whole deliveries.
func (d *faultDisk) whole() []string {
	var names []string
	for name := range d.now {
		if path.Dir(name) != incoming {
			names = append(names, strings.TrimSuffix(path.Base(name), ".zst"))
		}
	}
	slices.Sort(names)
	return names
}

var _ Disk = (*faultDisk)(nil)
var _ io.WriteCloser = (*faultFile)(nil)

func (d *faultDisk) String() string { return fmt.Sprintf("%d operations, files %v", d.ops, d.whole()) }
