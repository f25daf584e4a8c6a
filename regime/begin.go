package regime

import (
	"slices"
	"time"

	"tocsin/casebook"
)

// Unconfirmed is what a blank says where only a person's yes is missing.
const Unconfirmed = "nobody has confirmed it yet"

// beginning is one event that starts a clock.
type beginning struct {
	at     time.Time
	open   time.Time // when the duty was there to be seen, if that was before it begins
	was    time.Time // before a correction
	anchor string    // word of the law, where it isn't the stage's first one
	event  string    // by the name under which it was recorded
	key    string    // tells it from others of the stage
	knows  bool      // it is when the party knew, so a later grade may move it
	why    string    // it stands in for one that isn't recorded: which to record
	// capped: only the stage's cap has begun, and what it caps hasn't.
	capped bool
	other  bool // it starts only those readings that have an anchor of their own
}

// begins gives what starts a stage's clock, in order of time.
func (r *reckoner) begins(s Stage) []beginning {
	if word, _ := anchorNamed(s.Or); s.Or != "" && len(r.recorded(s.Anchor, s.Of, word)) == 0 {
		if list := r.recorded(s.Or, "", word); len(list) > 0 {
			list[0].anchor = s.Or
			return list[:1]
		}
	}
	if list := r.anchored(s.Anchor, s.Of, s.Which, s.Every); len(list) > 0 {
		return list
	}
	for _, reading := range s.Limits {
		if reading.Anchor != "" && len(r.anchored(reading.Anchor, reading.Of, "", "")) > 0 {
			return []beginning{{other: true}}
		}
	}
	if s.Cap == nil {
		return nil
	}
	// The cap runs before the event that would start the limit itself is recorded.
	list := r.anchored(s.Cap.Anchor, "", "", "")
	for i := range list {
		list[i].capped = true
		list[i].why = joined(list[i].why, "record the moment of "+words(s.Anchor)+", if there is one; the latest moment is "+s.Cap.Limit+" after "+words(s.Cap.Anchor))
	}
	return list
}

func (r *reckoner) anchored(anchor, of, which, every string) []beginning {
	if every != "" {
		return r.periods(anchor, every)
	}
	word, _ := anchorNamed(anchor)
	list := r.recorded(anchor, of, word)
	if word.each && which == "" {
		which = "each"
	}
	switch {
	case len(list) == 0 && word.known:
		return r.standIn(anchor)
	case len(list) == 0:
		return nil
	case which == "each":
		for i := range list {
			list[i].key = list[i].at.UTC().Format(time.RFC3339Nano)
		}
		return slices.CompactFunc(list, func(a, b beginning) bool { return a.at.Equal(b.at) })
	case which == "last":
		return list[len(list)-1:]
	}
	return list[:1]
}

// recorded gives the events that are an anchor, under the law's word or under
// those of the incident's log.
func (r *reckoner) recorded(anchor, of string, word anchorWord) []beginning {
	events := r.in.events(anchor)
	if act, chained := previous(anchor); chained {
		events = r.acts(of, act)
	}
	if len(events) == 0 {
		events = r.in.kinds(anchor)
		slices.SortStableFunc(events, func(a, b Event) int { return a.At.Compare(b.At) })
	}
	list := make([]beginning, len(events))
	for i, e := range events {
		list[i] = beginning{at: e.At, was: e.Was, event: e.Kind, knows: word.known}
		// What was put before the desk starts a statutory clock once somebody says
		// that it is so; a named report does by itself.
		if e.Kind == casebook.Surfaced && len(r.in.events(casebook.Confirmed)) == 0 && len(r.in.events(casebook.Received)) == 0 {
			list[i].why = Unconfirmed
		}
	}
	return list
}

// acts gives what happened to a stage of this pack, in order of time, under its own
// name or under one that says the regime too, since stages of several regimes may
// have one name.
func (r *reckoner) acts(stage, act string) []Event {
	list := slices.Concat(r.in.events(stage+"."+act), r.in.events(r.pack.ID+"/"+stage+"."+act))
	slices.SortStableFunc(list, func(a, b Event) int { return a.At.Compare(b.At) })
	return list
}

// standIn takes the earliest other moment at which the party knew. That is the
// shortest reading, and somebody must record the right one.
func (r *reckoner) standIn(anchor string) []beginning {
	var best []beginning
	for _, w := range anchorWords {
		if !w.known || w.name == anchor {
			continue
		}
		for _, b := range r.recorded(w.name, "", w)[:min(1, len(r.recorded(w.name, "", w)))] {
			if len(best) == 0 || b.at.Before(best[0].at) {
				b.why = joined(b.why, "record the moment of "+words(anchor)+"; until then "+words(b.event)+" stands in for it")
				best = []beginning{b}
			}
		}
	}
	return best
}

// periods gives the ends of months or quarters: those recorded, or else that of
// the period in which the party knew. An end told as the first moment of the next
// period is the last second of this one.
func (r *reckoner) periods(anchor, every string) []beginning {
	months := map[string]int{"month": 1, "quarter": 3}[every]
	zone := r.pack.zone
	var list []beginning
	for _, e := range r.in.events(anchor) {
		at := e.At
		if local := at.In(zone); local.Day() == 1 && local.Hour() == 0 && local.Minute() == 0 && local.Second() == 0 {
			at = at.Add(-time.Second)
		}
		list = append(list, beginning{at: at, was: e.Was, event: e.Kind, key: period(at, zone, months)})
	}
	if len(list) > 0 {
		return slices.CompactFunc(list, func(a, b beginning) bool { return a.key == b.key })
	}
	knew := r.anchored("detection", "", "", "")
	if len(knew) == 0 {
		return nil
	}
	end := lastSecond(periodEnd(dayOf(knew[0].at, zone), months), zone)
	return []beginning{{at: end, open: knew[0].at, event: anchor, key: period(end, zone, months), why: knew[0].why}}
}

// period names a month or a quarter: 2026-09, 2026-Q3.
func period(at time.Time, zone *time.Location, months int) string {
	day := dayOf(at, zone)
	if months == 1 {
		return day.Format("2006-01")
	}
	return day.Format("2006") + "-Q" + string(rune('1'+(int(day.Month())-1)/3))
}
