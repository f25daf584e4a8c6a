package regime

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/casebook"
)

// Power is what lets a role act against a role.
type Power struct {
	ID         string   `json:"id"`
	Act        string   `json:"act"` // notice, order, measure, publication, exemption
	By         []string `json:"by"`
	Against    []string `json:"against"` // none: nobody in particular
	Article    string   `json:"article"`
	Says       string   `json:"says"` // in our words
	Form       string   `json:"form"` // "written", "by phone when urgent, then written"
	Appeal     string   `json:"appeal,omitempty"`
	From       string   `json:"from,omitempty"` // narrower than the regime's own span
	Until      string   `json:"until,omitempty"`
	Confidence string   `json:"confidence"`

	// Regime and Pack name the pack that holds it; set when found.
	Regime string `json:"-"`
	Pack   string `json:"-"`
}

// Power finds what an act of a role against a role rests on at a moment. regimes
// narrows where it is looked for; none looks everywhere. Of several the surest is
// given, then the one of the regime that came first by id. It gives ErrForbidden,
// saying which power is missing and which was nearest, where there is none in
// force, and ErrInvalid for an act or a role that isn't one.
func (l *Library) Power(at time.Time, act, by, against string, regimes ...string) (Power, error) {
	if err := knownWords(act, by, against); err != nil {
		return Power{}, err
	}
	var best Power
	var near []string
	for _, id := range l.IDs() {
		if len(regimes) > 0 && !slices.Contains(regimes, id) {
			continue
		}
		for _, p := range l.packs[id] {
			for _, w := range p.Powers {
				if w.Act != act || !slices.Contains(w.By, by) || !w.covers(against) {
					continue
				}
				w.Regime, w.Pack = p.ID, p.Digest
				switch {
				case l.At(id, at) != p || !w.inForce(at, p):
					near = append(near, fmt.Sprintf("%s %s has one %s", p.ID, w.Article, spanText(p, w)))
				case !sure(w.Confidence):
					near = append(near, fmt.Sprintf("%s %s has one that rests on %s only, until somebody confirms it", p.ID, w.Article, w.Confidence))
				case best.ID == "" || rank(w.Confidence) < rank(best.Confidence):
					best = w
				}
			}
		}
	}
	if best.ID != "" {
		return best, nil
	}
	says := fmt.Sprintf("no power in force on %s lets %s issue %s %s", dayText(at.UTC()), roleText(by), aAct(act), againstText(against))
	if len(near) > 0 {
		slices.Sort(near)
		says += "; " + strings.Join(slices.Compact(near), "; ")
	}
	return Power{}, fmt.Errorf("%s: %w", says, casebook.ErrForbidden)
}

func (w Power) covers(against string) bool {
	return len(w.Against) == 0 || slices.Contains(w.Against, against)
}

func (w Power) inForce(at time.Time, p *Pack) bool {
	if p.Status == "proposed" || p.Status == "catalogue" {
		return false
	}
	s := Span{From: firstWord(w.From, p.InForce.From), Until: firstWord(w.Until, p.InForce.Until)}
	return s.covers(at, p.zone)
}

func spanText(p *Pack, w Power) string {
	from, until := firstWord(w.From, p.InForce.From), firstWord(w.Until, p.InForce.Until)
	if until == "" {
		return "from " + from
	}
	return "from " + from + " until " + until
}

func rank(confidence string) int { return slices.Index(confidences, confidence) }

func roleText(role string) string { return "the role " + words(role) }

func aAct(act string) string {
	if strings.ContainsAny(act[:1], "aeio") {
		return "an " + act
	}
	return "a " + act
}

func againstText(role string) string {
	if role == "" {
		return "at all"
	}
	return "against the role " + words(role)
}

func knownWords(act, by, against string) error {
	if !slices.Contains(Acts, act) {
		return fmt.Errorf("act %.40q%s: %w", act, meant(act, Acts), casebook.ErrInvalid)
	}
	for _, role := range []string{by, against} {
		if role != "" && !slices.Contains(Roles, role) {
			return fmt.Errorf("role %.40q%s: %w", role, meant(role, Roles), casebook.ErrInvalid)
		}
	}
	return nil
}

// Powers gives the powers in force at a moment that a role has, by regime.
func (l *Library) Powers(at time.Time, by string) []Power {
	var list []Power
	for _, p := range l.InForce(at) {
		for _, w := range p.Powers {
			if slices.Contains(w.By, by) && w.inForce(at, p) && sure(w.Confidence) {
				w.Regime, w.Pack = p.ID, p.Digest
				list = append(list, w)
			}
		}
	}
	return list
}
