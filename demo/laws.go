package demo

import (
	"embed"
	"io/fs"
	"os"
	"path/filepath"
)

// The laws are the program's own, with what a deploying authority has to fill in: here a
// sample bureau did, with figures made up for the demonstration, and each says so.
//
//go:embed regimes/*.yaml
var regimes embed.FS

// writeLaws lays the sample bureau's word into a data directory, where a site's own law
// packs are found.
func writeLaws(folder string) error {
	files, err := fs.Sub(regimes, "regimes")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(folder), 0o700); err != nil {
		return err
	}
	return os.CopyFS(folder, files)
}
