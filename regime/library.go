package regime

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"tocsin/casebook"
)

//go:embed pack/*.yaml
var builtinPacks embed.FS

// Library is every pack and calendar that is known. It doesn't change once made,
// and may be used from several goroutines.
type Library struct {
	facts     *Register
	packs     map[string][]*Pack // by id, in the order in which they came into force
	digests   map[string]*Pack
	calendars map[string]*Calendar
}

const maxSiteFiles = 1000

// Builtin gives the packs that are part of the program.
func Builtin() *Library { return builtin() }

var builtin = sync.OnceValue(func() *Library {
	l, faults := load(nil)
	if len(faults) > 0 {
		panic(faults[0]) // the files are part of the program, and a test reads them
	}
	return l
})

// Load gives the built-in packs with what a site has in its folder: packs of its
// own and new versions of ours (NAME.yaml), overlays that fill in blanks and say
// who confirmed what (a file that begins with overlay:), and calendars
// (calendar/NAME.yaml). A file that can't be taken stops none of the others: it
// comes back as a fault that names file, line, field and reason. site may be nil.
func Load(site fs.FS) (*Library, []error) {
	if site == nil {
		return Builtin(), nil
	}
	return load(site)
}

func load(site fs.FS) (*Library, []error) {
	l := &Library{facts: Facts(), packs: map[string][]*Pack{}, digests: map[string]*Pack{}}
	var faults []error
	l.calendars, faults = calendarsIn(builtinCalendars, "calendar")
	sheets, bad := sheetsIn(builtinPacks, "pack")
	faults = append(faults, bad...)
	if site != nil {
		own, bad := calendarsIn(site, "calendar")
		maps.Copy(l.calendars, own)
		faults = append(faults, bad...)
		more, bad := sheetsIn(site, ".")
		sheets = append(sheets, more...)
		faults = append(faults, bad...)
	}
	return l, append(faults, l.add(sheets)...)
}

// add takes packs, then those laid over them, until nothing more can be taken.
func (l *Library) add(sheets []*sheet) (faults []error) {
	waiting := sheets
	for len(waiting) > 0 {
		var rest []*sheet
		for _, s := range waiting {
			base := s.base()
			if base != "" && (l.newest(base) == nil || slices.ContainsFunc(waiting, func(o *sheet) bool { return o != s && o.supplies(base, s) })) {
				rest = append(rest, s)
				continue
			}
			p, bad := l.build(s)
			if faults = append(faults, bad...); len(bad) == 0 {
				l.keep(p)
			}
		}
		if len(rest) == len(waiting) {
			for _, s := range rest {
				faults = append(faults, s.fault("", fmt.Sprintf("it is laid over %s, which isn't there, can't be taken, or is laid over this one", s.base())))
			}
			break
		}
		waiting = rest
	}
	return faults
}

func (l *Library) keep(p *Pack) {
	list := append(l.packs[p.ID], p)
	slices.SortStableFunc(list, func(a, b *Pack) int {
		if c := strings.Compare(a.InForce.From, b.InForce.From); c != 0 {
			return c
		}
		return a.Version - b.Version
	})
	l.packs[p.ID] = list
	l.digests[p.Digest] = p
}

func (l *Library) newest(id string) *Pack {
	if list := l.packs[id]; len(list) > 0 {
		return list[len(list)-1]
	}
	return nil
}

// IDs gives the regimes, sorted.
func (l *Library) IDs() []string { return slices.Sorted(maps.Keys(l.packs)) }

// Packs gives every version of every pack, sorted by id, the oldest first.
func (l *Library) Packs() []*Pack {
	var list []*Pack
	for _, id := range l.IDs() {
		list = append(list, l.packs[id]...)
	}
	return list
}

// Find gives the newest pack of a regime. It gives ErrNotFound, naming the nearest
// that there is.
func (l *Library) Find(id string) (*Pack, error) {
	if p := l.newest(id); p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("no regime is called %.80q%s: %w", id, meant(id, l.IDs()), casebook.ErrNotFound)
}

// ByDigest gives the pack of a digest, as an old duty names it. It gives
// ErrNotFound.
func (l *Library) ByDigest(digest string) (*Pack, error) {
	if p := l.digests[digest]; p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("no pack here has the digest %.80q: %w", digest, casebook.ErrNotFound)
}

// At gives the version of a regime that was in force at a moment; nil if none was.
func (l *Library) At(id string, at time.Time) *Pack {
	for _, p := range slices.Backward(l.packs[id]) {
		if p.InForce.covers(at, p.zone) {
			return p
		}
	}
	return nil
}

// InForce gives each regime that was in force at a moment, in the version of
// then, sorted by id.
func (l *Library) InForce(at time.Time) []*Pack {
	var list []*Pack
	for _, id := range l.IDs() {
		if p := l.At(id, at); p != nil {
			list = append(list, p)
		}
	}
	return list
}

// Calendars gives the calendars, sorted by id.
func (l *Library) Calendars() []*Calendar {
	list := make([]*Calendar, 0, len(l.calendars))
	for _, id := range slices.Sorted(maps.Keys(l.calendars)) {
		list = append(list, l.calendars[id])
	}
	return list
}

// Facts gives the register that the packs speak of.
func (l *Library) Facts() *Register { return l.facts }

func readBounded(files fs.FS, name string) ([]byte, error) {
	f, err := files.Open(name)
	if err != nil {
		return nil, fmt.Errorf("opening the pack: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxPackSize+1))
	if err != nil {
		return nil, fmt.Errorf("reading the pack %s: %w", name, err)
	}
	if len(text) > maxPackSize {
		return nil, fmt.Errorf("pack %s has more than %d octets: %w", name, maxPackSize, casebook.ErrTooLarge)
	}
	return text, nil
}

func sheetsIn(files fs.FS, folder string) (sheets []*sheet, faults []error) {
	names, err := fs.Glob(files, path.Join(folder, "*.yaml"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, []error{err}
	}
	if len(names) > maxSiteFiles {
		return nil, []error{fmt.Errorf("the site has %d packs, the bound is %d: %w", len(names), maxSiteFiles, casebook.ErrTooLarge)}
	}
	for _, name := range names {
		text, err := readBounded(files, name)
		if err == nil {
			var s *sheet
			if s, err = readSheet(name, text); err == nil {
				sheets = append(sheets, s)
				continue
			}
		}
		faults = append(faults, err)
	}
	return sheets, faults
}
