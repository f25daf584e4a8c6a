package web

import (
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"tocsin/casebook"
	"tocsin/regime"
)

// wordOr gives the word for a value of an open list; a value that has none is
// shown as it is written, without its underscores.
func (l *language) wordOr(list string, value any) string {
	name := fmt.Sprint(value)
	if said, ok := l.words[list+"."+name]; ok {
		return said
	}
	return strings.ReplaceAll(name, "_", " ")
}

// law is what a regime is called: by its number or own name in its own language,
// by its short name elsewhere.
func (l *language) law(laws *regime.Library, id string) string {
	p, err := laws.Find(id)
	if err != nil || l.tag != "zh" || p.Jurisdiction != "CN" {
		return id
	}
	if p.Number != "" {
		return p.Number
	}
	if p.NativeName != "" {
		return p.NativeName
	}
	return id
}

// lawTitle is the full name of a law.
func (l *language) lawTitle(p *regime.Pack) template.HTML {
	if l.tag == "zh" && p.NativeName != "" {
		return template.HTML(template.HTMLEscapeString(p.NativeName))
	}
	return l.tr(p.Name)
}

// packOf finds the version of a pack that a duty or a grade was reckoned by, else
// the newest; nil if there is none.
func packOf(laws *regime.Library, id, digest string) *regime.Pack {
	if p, err := laws.ByDigest(digest); err == nil {
		return p
	}
	if p, err := laws.Find(id); err == nil {
		return p
	}
	return nil
}

// stageName is what a duty is: the name of its stage.
func (l *language) stageName(laws *regime.Library, d casebook.Duty) template.HTML {
	if p := packOf(laws, d.Regime, d.Pack); p != nil {
		if s, ok := p.Stage(d.Stage); ok {
			return l.tr(s.Name)
		}
	}
	return template.HTML(template.HTMLEscapeString(d.Stage))
}

// recipients are who must get a duty's filing, as the law calls them; without a
// pack that still says so, their roles.
func (l *language) recipients(laws *regime.Library, d casebook.Duty, copies bool) template.HTML {
	named, roles := []string(nil), d.To
	if copies {
		roles = d.CopyTo
	}
	p := packOf(laws, d.Regime, d.Pack)
	if p != nil {
		if s, ok := p.Stage(d.Stage); ok {
			named = slices.Concat(s.To.AllOf, s.To.AnyOf)
			if copies {
				named = s.CopyTo
			}
		}
	}
	var parts []string
	for _, id := range named {
		parts = append(parts, string(l.tr(p.Recipients[id].Name)))
	}
	if named == nil {
		for _, role := range roles {
			parts = append(parts, template.HTMLEscapeString(l.wordOr("party", role)))
		}
	}
	between := "list.and"
	if d.AnyOf && !copies {
		between = "list.or"
	}
	return template.HTML(strings.Join(parts, template.HTMLEscapeString(l.words[between])))
}

// limit writes a limit ("2h", "5 working days", "at once") in words.
func (l *language) limit(text string) (string, error) {
	limit, err := regime.ParseLimit(text)
	if err != nil {
		return text, nil
	}
	key := map[regime.Unit]string{regime.AtOnce: "limit.at_once", regime.Minutes: "limit.minutes", regime.Hours: "limit.hours", regime.Days: "limit.days",
		regime.WorkingDays: "limit.working_days", regime.Months: "limit.months"}[limit.Unit]
	if key == "" {
		key = "limit." + strings.ReplaceAll(limit.Word, " ", "_")
	} else if limit.N == 1 && limit.Unit >= regime.Days {
		key += ".one"
	}
	return l.say(key, "n", limit.N)
}

// fact writes the value of a fact: figures with their digits grouped, yes and no,
// and words of closed lists.
func (l *language) fact(v casebook.Value) (string, error) {
	switch v.Kind {
	case casebook.Number:
		return interval(v.Number), nil
	case casebook.YesNo:
		if v.Yes {
			return l.say("yes")
		}
		return l.say("no")
	case casebook.Word:
		return l.wordOr("rank", v.Word), nil
	}
	return l.say("unknown")
}

// zoneName is what people call a zone.
func (l *language) zoneName(zone string) string {
	if zone == "" {
		zone = "UTC"
	}
	if said, ok := l.words["zone."+zone]; ok {
		return said
	}
	return zone
}

// inZone writes a moment as the clocks of a zone showed it, with the zone.
func (l *language) inZone(t time.Time, zone string) template.HTML {
	at, err := time.LoadLocation(zone)
	if err != nil || zone == "" {
		at, zone = time.UTC, "UTC"
	}
	layout := "Mon 2 Jan 2006 15:04"
	if l.tag == "zh" {
		layout = "2006年1月2日 15:04"
	}
	local := t.In(at)
	if local.Second() != 0 {
		layout += ":05"
	}
	text := local.Format(layout)
	if l.tag == "zh" {
		text = strings.Replace(text, "日 ", "日（"+l.words["weekday."+fmt.Sprint(int(local.Weekday()))]+"）", 1)
	}
	return template.HTML(`<time datetime="` + t.UTC().Format(time.RFC3339) + `">` + text + `</time> <span class="zone">` +
		template.HTMLEscapeString(l.zoneName(zone)) + `</span>`)
}

// stamp writes a moment in UTC to the second, for where every second is told.
func (l *language) stamp(t time.Time) template.HTML {
	layout := "2 Jan 2006 15:04:05"
	if l.tag == "zh" {
		layout = "2006年1月2日 15:04:05"
	}
	return template.HTML(`<time datetime="` + t.UTC().Format(time.RFC3339Nano) + `">` + t.UTC().Format(layout) + `</time>`)
}

// span writes how long something takes: two units, the smaller one rounded down.
// The script static/console.js writes it the same way.
func (l *language) span(d time.Duration) (string, error) {
	s := int64(max(d, 0) / time.Second)
	switch {
	case s >= 48*3600:
		return l.say("span.days", "d", s/86400, "h", s%86400/3600)
	case s >= 3600:
		return l.say("span.hours", "h", s/3600, "m", fmt.Sprintf("%02d", s%3600/60))
	}
	return l.say("span.minutes", "m", s/60, "s", fmt.Sprintf("%02d", s%60))
}

// rhythm writes how often something comes: from three hours on in whole ones.
func (l *language) rhythm(d time.Duration) (string, error) {
	if d < 3*time.Hour {
		return l.span(d)
	}
	return l.say("span.whole", "h", int64(d.Round(time.Hour)/time.Hour))
}

// left writes how much time is left until the last second on time, or since when
// it is over. A browser that runs our script counts on from there.
func (l *language) left(now, due time.Time) (template.HTML, error) {
	key, class, d := "left.left", "left", due.Sub(now)
	if d < 0 {
		key, class, d = "left.over", "left over", -d
	}
	span, err := l.span(d)
	if err != nil {
		return "", err
	}
	text, err := l.say(key, "time", span)
	return template.HTML(`<span class="` + class + `" data-due="` + due.UTC().Format(time.RFC3339) + `">` + template.HTMLEscapeString(text) + `</span>`), err
}

// clockOff says how far the machine's clock was off where that matters; "" where it
// didn't.
func (l *language) clockOff(c casebook.ClockState) (string, error) {
	switch {
	case !c.Known:
		return l.say("clock.unknown")
	case c.Off():
		return l.say("clock.off", "by", c.Offset.Abs().Round(10*time.Millisecond), "way", l.words["clock."+map[bool]string{true: "slow", false: "fast"}[c.Offset > 0]])
	}
	return "", nil
}
