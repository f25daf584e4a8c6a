package regime

import (
	"embed"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"tocsin/casebook"
)

//go:embed pack/*.yaml calendar/*.yaml
var builtinFiles embed.FS

// Library is every pack and calendar that is known. It doesn't change once made,
// and may be used from several goroutines.
type Library struct {
	facts     *Register
	packs     map[string][]*Pack // by id, in the order in which they came into force
	digests   map[string]*Pack
	calendars map[string]*Calendar
	// prove has the examples of the program's own packs run too. They are dated by
	// the program's own calendars, and needn't hold with a site's.
	prove bool
}

const maxSiteFiles = 1000

// Builtin gives the packs that are part of the program.
func Builtin() *Library { return builtin() }

var builtin = sync.OnceValue(func() *Library {
	l, faults := load(nil, false)
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
	files, faults := filesIn(site, "*.yaml", "calendar/*.yaml")
	l, bad := load(files, false)
	return l, append(faults, bad...)
}

// Check gives the built-in packs with these files laid over them, by name and
// text, as Load does. Without files it runs the examples of the built-in packs,
// which are otherwise taken as proven.
func Check(files map[string][]byte) (*Library, []error) { return load(files, len(files) == 0) }

var (
	calendarText = regexp.MustCompile(`(?m)^calendar:`)
	packText     = regexp.MustCompile(`(?m)^(id|overlay|inherits|stages):`)
)

func load(site map[string][]byte, prove bool) (*Library, []error) {
	l := &Library{facts: Facts(), packs: map[string][]*Pack{}, digests: map[string]*Pack{}, calendars: map[string]*Calendar{}, prove: prove}
	own, faults := filesIn(builtinFiles, "pack/*.yaml", "calendar/*.yaml")
	var sheets []*sheet
	for i, files := range []map[string][]byte{own, site} {
		for _, name := range sortedKeys(files) {
			text := files[name]
			if calendarText.Match(text) && !packText.Match(text) {
				c, err := readCalendar(name, text)
				if err != nil {
					faults = append(faults, err)
				} else if old := l.calendars[c.ID]; old == nil || old.Version <= c.Version {
					l.calendars[c.ID] = c
				}
				continue
			}
			s, err := readSheet(name, text)
			if err != nil {
				faults = append(faults, err)
				continue
			}
			s.ours = i == 0
			sheets = append(sheets, s)
		}
	}
	return l, append(faults, l.add(sheets)...)
}

// add takes packs, then those laid over them, until nothing more can be taken.
func (l *Library) add(sheets []*sheet) (faults []error) {
	waiting := sheets
	for len(waiting) > 0 {
		var rest []*sheet
		for _, s := range waiting {
			base := s.waits()
			if base != "" && (l.newest(base) == nil || slices.ContainsFunc(waiting, func(o *sheet) bool { return o != s && o.supplies(base, s) })) {
				rest = append(rest, s)
				continue
			}
			packs, bad := l.build(s)
			if faults = append(faults, bad...); len(bad) == 0 {
				l.keep(packs...)
			}
		}
		if len(rest) == len(waiting) {
			for _, s := range rest {
				faults = append(faults, s.fault("", fmt.Sprintf("it stands on %s, which isn't there, can't be taken, or stands on this one", s.waits())))
			}
			break
		}
		waiting = rest
	}
	return faults
}

func (l *Library) keep(packs ...*Pack) {
	for _, p := range packs {
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

// filesIn reads the files of a folder that the patterns pick.
func filesIn(from fs.FS, patterns ...string) (map[string][]byte, []error) {
	files := map[string][]byte{}
	var faults []error
	for _, pattern := range patterns {
		names, err := fs.Glob(from, pattern)
		if err != nil {
			return files, append(faults, err)
		}
		for _, name := range names {
			if len(files) == maxSiteFiles {
				return files, append(faults, fmt.Errorf("more than %d packs in a folder: %w", maxSiteFiles, casebook.ErrTooLarge))
			}
			text, err := readBounded(from, name)
			if err != nil {
				faults = append(faults, err)
				continue
			}
			files[name] = text
		}
	}
	return files, faults
}
