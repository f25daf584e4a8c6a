package feed

import "fmt"

const maxWarnings = 64

// warnings collects sentences, each once, no more than maxWarnings.
type warnings struct {
	said    []string
	seen    map[string]bool
	dropped int
}

func (w *warnings) add(format string, args ...any) {
	s := fmt.Sprintf(format, args...)
	switch {
	case w.seen[s]:
		return
	case len(w.said) >= maxWarnings-1:
		w.dropped++
		return
	case w.seen == nil:
		w.seen = make(map[string]bool)
	}
	w.seen[s] = true
	w.said = append(w.said, s)
}

func (w *warnings) list() []string {
	if w.dropped > 0 {
		return append(w.said, fmt.Sprintf("%d more warnings", w.dropped))
	}
	return w.said
}
