package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"tocsin/indicator"
)

const (
	// compiledFrom is how large lists must be, in octets, for a compiled copy to be
	// worth its room.
	compiledFrom = 1 << 20
	// compiledKept is how many copies stay, the newest.
	compiledKept = 4
)

// compiled gives what the named lists say: from a compiled copy in the user's cache
// folder if there is one of exactly these octets made by exactly this program,
// otherwise from the lists, and keeps a copy then. Whatever is wrong with the folder,
// the lists are read.
func (c scanCommand) compiled(ctx context.Context, told io.Writer) (*indicator.Base, error) {
	key, size, err := listsKey(c.Indicators)
	folder, folderErr := os.UserCacheDir()
	if err != nil || folderErr != nil || size < compiledFrom || c.NoCache {
		return loadIndicators(ctx, c.Indicators, told)
	}
	folder = filepath.Join(folder, "tocsin", "indicators")
	name := filepath.Join(folder, fmt.Sprintf("%x", key))
	if base, err := readCompiled(name, key); err == nil {
		tellRefused(base, told)
		return base, nil
	}
	base, err := loadIndicators(ctx, c.Indicators, told)
	if err != nil {
		return nil, err
	}
	// Lists that changed while they were read have another key now.
	if again, _, err := listsKey(c.Indicators); err == nil && again == key {
		keepCompiled(folder, name, base, key)
	}
	return base, nil
}

// listsKey digests the program and every file that is named or lies below a folder
// that is, names and octets, and counts those octets.
func listsKey(paths []string) (key indicator.Key, size int64, err error) {
	program, err := os.Executable()
	if err != nil {
		return key, 0, err
	}
	all := sha256.New()
	add := func(name string) error {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		one := sha256.New()
		n, err := io.Copy(one, f)
		size += n
		all.Write(binary.AppendUvarint(nil, uint64(len(name))))
		io.WriteString(all, name)
		all.Write(one.Sum(nil))
		return err
	}
	if err := add(program); err != nil {
		return key, 0, err
	}
	size = 0
	for _, path := range paths {
		err = errors.Join(err, filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			return add(name)
		}))
	}
	return indicator.Key(all.Sum(nil)), size, err
}

func readCompiled(name string, key indicator.Key) (*indicator.Base, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return indicator.ReadBase(f, info.Size(), key)
}

// keepCompiled writes a copy, whole or not at all, and removes the oldest that are too
// many. That it can't is no trouble: the lists are there.
func keepCompiled(folder, name string, base *indicator.Base, key indicator.Key) {
	if os.MkdirAll(folder, 0o700) != nil {
		return
	}
	f, err := os.CreateTemp(folder, ".new-*")
	if err != nil {
		return
	}
	if err := errors.Join(base.Compile(f, key), f.Close()); err != nil || os.Rename(f.Name(), name) != nil {
		os.Remove(f.Name())
		return
	}
	var copies []os.FileInfo
	entries, _ := os.ReadDir(folder)
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			copies = append(copies, info)
		}
	}
	slices.SortFunc(copies, func(a, b os.FileInfo) int {
		return cmp.Or(b.ModTime().Compare(a.ModTime()), cmp.Compare(a.Name(), b.Name()))
	})
	for _, old := range copies[min(compiledKept, len(copies)):] {
		os.Remove(filepath.Join(folder, old.Name()))
	}
}
