package indicator

import (
	"archive/tar"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"tocsin/casebook"
	"tocsin/unpack"
)

// The bounds of what is read.
const (
	// MaxFile is how much is read of one list, in octets after unpacking.
	MaxFile = 2 << 30
	// MaxFiles bounds the lists in one folder or archive.
	MaxFiles = 100_000
	// maxJSON bounds a list in JSON that isn't one object a line, which is kept whole.
	maxJSON = 256 << 20
)

// Loader reads lists, of indicators, warnings and families alike, each recognised by
// its content. It serves one goroutine.
type Loader struct {
	// Refuse, if set, is told each line that isn't taken.
	Refuse func(Refusal)
	// Take, if set, is told each indicator that is.
	Take func(Indicator)

	builder  *Builder
	warnings *Warnings
	families *Families
	lists    []List
	parser   parser
}

// List counts what one list gave: Rows = Taken + Refused, comments left out.
type List struct {
	Name                 string
	Format               string // "plain", "table", "zeek", "stix", "misp", "json", "warninglist", "galaxy", "broken"
	Rows, Taken, Refused int64
}

// NewLoader begins.
func NewLoader() *Loader {
	return &Loader{builder: NewBuilder(), warnings: &Warnings{}, families: &Families{}}
}

// Base ends the loading and gives what is known. The Loader is done with.
func (l *Loader) Base() *Base {
	l.warnings.seal()
	l.families.seal()
	b := &Base{Set: l.builder.Set(), Warnings: l.warnings, Families: l.families, Lists: l.lists}
	*l = Loader{}
	return b
}

// Read takes one list, or a tar archive of lists, compressed or not. It gives
// ErrInvalid for a file that is no list, after what could be read of it, and
// ErrTooLarge past a bound; lines that make no sense are refused and counted.
func (l *Loader) Read(name string, r io.Reader) error {
	in, err := unpack.Open(r, unpack.Bounds{MaxBytes: MaxFile})
	if err != nil {
		return fmt.Errorf("list %s: %w", name, err)
	}
	defer in.Close()
	b := bufio.NewReaderSize(in, maxLine)
	if head, _ := b.Peek(265); len(head) == 265 && string(head[257:262]) == "ustar" {
		err = l.tar(b)
	} else {
		err = l.list(name, b)
	}
	if err != nil {
		return fmt.Errorf("list %s: %w", name, err)
	}
	return nil
}

func (l *Loader) tar(r io.Reader) error {
	t := tar.NewReader(r)
	in := bufio.NewReaderSize(nil, maxLine)
	for range MaxFiles {
		h, err := t.Next()
		if err == io.EOF {
			_, err := io.Copy(io.Discard, r) // to where the compression keeps its checksum
			return err
		}
		if err != nil {
			return fmt.Errorf("the archive is broken or cut short (%v): %w", err, casebook.ErrInvalid)
		}
		if h.Typeflag != tar.TypeReg || hidden(h.Name) {
			continue
		}
		in.Reset(t)
		if err := l.oneOfMany(h.Name, l.list(h.Name, in)); err != nil {
			return fmt.Errorf("%s: %w", h.Name, err)
		}
	}
	return fmt.Errorf("more than %d files: %w", MaxFiles, casebook.ErrTooLarge)
}

// ReadFS takes a list, or every list below a folder, in the order of their names.
// What isn't a list (a licence, a program) is passed over in a folder, a list that is
// broken is a refusal there, and both are ErrInvalid if they were named themselves.
func (l *Loader) ReadFS(files fs.FS, name string) error {
	info, err := fs.Stat(files, name)
	if err != nil {
		return fmt.Errorf("indicators: %w", err)
	}
	if !info.IsDir() {
		return l.open(files, name)
	}
	left := MaxFiles
	return fs.WalkDir(files, name, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fmt.Errorf("indicators: %w", err)
		case name != "." && hidden(name):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			return nil
		}
		if left--; left < 0 {
			return fmt.Errorf("indicators: more than %d files in %s: %w", MaxFiles, name, casebook.ErrTooLarge)
		}
		return l.oneOfMany(name, l.open(files, name))
	})
}

// oneOfMany lets a folder or an archive be read on: what is no list is passed over,
// and a list that is broken is refused as a whole from where it breaks.
func (l *Loader) oneOfMany(name string, err error) error {
	switch {
	case err == nil, errors.Is(err, errNoList):
		return nil
	case errors.Is(err, errFull):
		return err
	case errors.Is(err, casebook.ErrInvalid), errors.Is(err, casebook.ErrTooLarge):
		l.lists = append(l.lists, List{Name: name, Format: "broken", Rows: 1, Refused: 1})
		if l.Refuse != nil {
			l.Refuse(Refusal{File: name, Reason: err.Error()})
		}
		return nil
	}
	return err
}

func hidden(name string) bool { return strings.HasPrefix(path.Base(name), ".") }

func (l *Loader) open(files fs.FS, name string) error {
	f, err := files.Open(name)
	if err != nil {
		return fmt.Errorf("indicators: %w", err)
	}
	defer f.Close()
	if at, ok := f.(io.ReaderAt); ok { // a zip is read from its end
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			return l.Read(name, io.NewSectionReader(at, 0, info.Size()))
		}
	}
	return l.Read(name, f)
}

// errNoList is for a file that holds something else.
var errNoList = fmt.Errorf("it is no list of indicators, warnings or families: %w", casebook.ErrInvalid)

// reading is one list while it is read.
type reading struct {
	*Loader
	file   List
	source string
	row    row
	held   []Refusal // until something is taken: a text that isn't a list refuses nothing
}

// list reads one plain file, whatever kind of list it is.
func (l *Loader) list(name string, in *bufio.Reader) error {
	if bom, _ := in.Peek(3); string(bom) == "\xef\xbb\xbf" {
		in.Discard(3)
	}
	head, err := in.Peek(4 << 10)
	if err != nil && err != io.EOF && err != bufio.ErrBufferFull {
		return err
	}
	r := &reading{Loader: l, file: List{Name: name}, source: sourceOf(name)}
	err = r.recognise(in, head)
	if err == nil && r.file.Taken == 0 && r.file.Refused > 0 && r.file.Format == "plain" {
		err = errNoList
	}
	if errors.Is(err, errNoList) {
		return err
	}
	r.release()
	l.lists = append(l.lists, r.file)
	return err
}

// recognise tells the kinds of lists apart and reads the list.
func (r *reading) recognise(in *bufio.Reader, head []byte) error {
	trimmed := bytes.TrimLeft(head, " \t\r\n")
	switch {
	case len(trimmed) == 0:
		r.file.Format = "plain"
		return nil
	case bytes.IndexByte(head, 0) >= 0:
		return errNoList
	case trimmed[0] == '{', trimmed[0] == '[' && (len(trimmed) < 2 || bytes.IndexByte([]byte("{]\"\r\n \t["), trimmed[1]) >= 0):
		return r.json(in)
	}
	return r.text(in, head)
}

// sourceOf names who speaks, by the name of the list: without folder, compression
// and what follows the name's point.
func sourceOf(name string) string {
	s := path.Base(name)
	for _, end := range []string{".gz", ".xz", ".zst"} {
		s = strings.TrimSuffix(s, end)
	}
	if i := strings.LastIndexByte(s, '.'); i > 0 {
		s = s[:i]
	}
	return s
}

// take adds an indicator of the list.
func (r *reading) take(in Indicator) error {
	err := r.builder.Add(in)
	if err == nil {
		r.taken()
		if r.Take != nil {
			r.Take(in)
		}
	}
	return err
}

func (r *reading) taken() {
	r.file.Rows++
	r.file.Taken++
	if r.held != nil {
		r.release()
	}
}

// release tells the refusals that were held back.
func (r *reading) release() {
	for _, bad := range r.held {
		r.Refuse(bad)
	}
	r.held = nil
}

// maxHeld is how many lines of a text may make no sense before the first that does.
const maxHeld = 20

// refuse counts a line that isn't taken.
func (r *reading) refuse(line int64, text string, err error) {
	r.file.Rows++
	r.file.Refused++
	if r.Refuse != nil {
		if len(text) > 80 {
			text = text[:80]
		}
		r.held = append(r.held, Refusal{File: r.file.Name, Line: line, Text: strings.ToValidUTF8(text, "\uFFFD"), Reason: err.Error()})
		if r.file.Taken > 0 || len(r.held) > maxHeld {
			r.release()
		}
	}
}

// takeRow adds what a row says; its error ends the reading.
func (r *reading) takeRow(line int64) error {
	return r.row.indicators(&r.parser, r.take, func(text string, err error) { r.refuse(line, text, err) })
}

func isFault(err error) bool {
	var f fault
	return errors.As(err, &f)
}

// Refused lists the files of which lines were refused, the most first.
func (b *Base) Refused() []List {
	var list []List
	for _, f := range b.Lists {
		if f.Refused > 0 {
			list = append(list, f)
		}
	}
	slices.SortStableFunc(list, func(a, b List) int { return int(b.Refused - a.Refused) })
	return list
}
