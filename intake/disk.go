package intake

import (
	"errors"
	"os"
	"path/filepath"
	"time"
)

// now names temporary files only.
var now = time.Now

// Folder is a Disk in a folder of the machine. Files are for the owner alone.
type Folder string

func (d Folder) at(name string) string { return filepath.Join(string(d), filepath.FromSlash(name)) }

// Create implements Disk.
func (d Folder) Create(name string) (File, error) {
	return os.OpenFile(d.at(name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
}

// Open implements Disk.
func (d Folder) Open(name string) (ReadFile, error) {
	f, err := os.Open(d.at(name))
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return sized{f, info.Size()}, nil
}

type sized struct {
	*os.File
	size int64
}

func (f sized) Size() int64 { return f.size }

// Rename implements Disk.
func (d Folder) Rename(from, to string) error { return os.Rename(d.at(from), d.at(to)) }

// Remove implements Disk.
func (d Folder) Remove(name string) error { return os.Remove(d.at(name)) }

// MkdirAll implements Disk.
func (d Folder) MkdirAll(name string) error { return os.MkdirAll(d.at(name), 0o700) }

// SyncDir implements Disk.
func (d Folder) SyncDir(name string) error {
	f, err := os.Open(d.at(name))
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// List implements Disk.
func (d Folder) List(dir string) ([]string, error) {
	entries, err := os.ReadDir(d.at(dir))
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}
