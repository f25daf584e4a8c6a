package feed

import (
	"crypto/sha256"
	"embed"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"tocsin/casebook"
)

//go:embed builtin/*.yaml
var builtinMappings embed.FS

// Catalogue holds the formats that are known. It doesn't change once made, and
// may be used from several goroutines.
type Catalogue struct {
	formats map[string]Format
}

const (
	maxSiteFiles   = 1000
	maxMappingSize = 1 << 20
	maxSchemaSize  = 16 << 20
)

var (
	formatName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)
)

// Builtin gives the formats that are part of the program.
func Builtin() *Catalogue { return builtin() }

var builtin = sync.OnceValue(func() *Catalogue {
	c := &Catalogue{formats: map[string]Format{"shadowserver": shadowFormat(builtinShadow())}}
	files, err := fs.Sub(builtinMappings, "builtin")
	if err == nil {
		err = c.addMappings(files)
	}
	if err != nil {
		panic(err) // the files are part of the program, and a test reads them
	}
	return c
})

// OpenCatalogue gives the built-in formats, overlaid with what a site declares
// in the top folder of site: each NAME.yaml is the mapping of a format NAME, and
// each shadowserver*.json a schema file as the publisher gives it away
// (intelmq.json or reports.json), laid over the table of report types in the
// order of their names. Other files are left alone. It gives ErrInvalid, naming
// file and line, for a file that it can't take.
func OpenCatalogue(site fs.FS) (*Catalogue, error) {
	c := &Catalogue{formats: maps.Clone(Builtin().formats)}
	if err := c.addMappings(site); err != nil {
		return nil, err
	}
	names, err := fs.Glob(site, "shadowserver*.json")
	if err != nil || len(names) == 0 {
		return c, err
	}
	types := builtinShadow()
	var read [][]byte
	for _, name := range names {
		data, err := readBounded(site, name, maxSchemaSize)
		if err != nil {
			return nil, err
		}
		if types, err = overlaySchema(types, name, data); err != nil {
			return nil, err
		}
		read = append(read, data)
	}
	c.formats["shadowserver"] = shadowFormat(types, read...)
	return c, nil
}

func (c *Catalogue) addMappings(files fs.FS) error {
	names, err := fs.Glob(files, "*.yaml")
	if err != nil {
		return fmt.Errorf("listing the feeds of the site: %w", err)
	}
	if len(names) > maxSiteFiles {
		return fmt.Errorf("the site declares %d feeds, the bound is %d: %w", len(names), maxSiteFiles, casebook.ErrTooLarge)
	}
	for _, file := range names {
		name := strings.TrimSuffix(path.Base(file), ".yaml")
		if !formatName.MatchString(name) || name == "shadowserver" {
			return fmt.Errorf("mapping %s: a format can't be called %q: expected small letters, digits, dots and hyphens, not shadowserver: %w", file, name, casebook.ErrInvalid)
		}
		data, err := readBounded(files, file, maxMappingSize)
		if err != nil {
			return err
		}
		if c.formats[name], err = parseMapping(name, file, data); err != nil {
			return err
		}
	}
	return nil
}

func readBounded(files fs.FS, name string, most int64) ([]byte, error) {
	f, err := files.Open(name)
	if err != nil {
		return nil, fmt.Errorf("opening the feed declaration: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, fmt.Errorf("reading the feed declaration: %w", err)
	}
	if int64(len(data)) > most {
		return nil, fmt.Errorf("feed declaration %s has more than %d octets: %w", name, most, casebook.ErrTooLarge)
	}
	return data, nil
}

// Formats lists the formats, sorted by name.
func (c *Catalogue) Formats() []Format {
	list := make([]Format, 0, len(c.formats))
	for _, name := range slices.Sorted(maps.Keys(c.formats)) {
		list = append(list, c.formats[name])
	}
	return list
}

// Find gives the format of a name. It gives ErrNotFound, naming those there are.
func (c *Catalogue) Find(name string) (Format, error) {
	f, ok := c.formats[name]
	if !ok {
		known := slices.Sorted(maps.Keys(c.formats))
		return Format{}, fmt.Errorf("no feed is called %.80q, there are %s: %w", name, strings.Join(known, ", "), casebook.ErrNotFound)
	}
	return f, nil
}

// versionOf makes a version of what decides a reading.
func versionOf(parts ...[]byte) int64 {
	sum := sha256.New()
	fmt.Fprintf(sum, "%d\n", codeVersion)
	for _, p := range parts {
		fmt.Fprintf(sum, "%d\n", len(p))
		sum.Write(p)
	}
	return int64(binary.BigEndian.Uint64(sum.Sum(nil)) >> 1)
}
