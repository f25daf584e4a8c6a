package regime

import (
	"slices"
	"strings"
	"time"

	"tocsin/casebook"
)

// duty makes the duty of a stage that an event started; ok is false if no reading
// of its limit starts there.
func (r *reckoner) duty(s Stage, b beginning) (d Due, ok bool) {
	p := r.pack
	d = Due{Name: s.Name, OwedBy: s.By, Content: s.Content, LateReasons: s.LateReasons, Location: r.zone(s)}
	d.Duty = casebook.Duty{
		Regime: p.ID, Pack: p.Digest, Stage: s.ID, Key: b.key, Article: s.Article, Anchor: firstWord(b.anchor, s.Anchor),
		Started: b.at, Zone: d.Location.String(), AnyOf: len(s.To.AnyOf) > 0, Meets: s.Meets,
	}
	if d.Meets == "" {
		d.Meets = "dispatched"
	}
	d.Event, d.early = b.event, b.knows || s.Cap != nil
	d.To, d.ToNames = r.recipients(s.To.list(), true)
	d.CopyTo, d.CopyName = r.recipients(s.CopyTo, false)
	if !r.shortest(&d, s, b) {
		return d, false
	}
	d.RestsOn = firstWord(s.RestsOn, p.RestsOn)
	if b.why != "" {
		d.Provisional, d.Blank = true, joined(d.Blank, b.why)
	}
	if !b.was.IsZero() {
		before := d
		if r.shortest(&before, s, beginning{at: b.was, event: b.event}) {
			d.WasDue = before.Due
		}
	}
	r.pause(&d, s)
	r.extend(&d, s)
	return d, true
}

func firstWord(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}

// zone is the stage's own, the member state's under a union's law, or the pack's.
func (r *reckoner) zone(s Stage) *time.Location {
	if s.zone != nil {
		return s.zone
	}
	if r.pack.National {
		if st, ok := states[r.state()]; ok {
			return st.zone
		}
	}
	return r.pack.zone
}

// state is the member state whose law holds, "" if none is known.
func (r *reckoner) state() string { return r.in.Party.MemberState }

// calendar is the member state's under a union's law where we have it, or the
// pack's.
func (r *reckoner) calendar() *Calendar {
	if r.pack.National {
		if c := r.lib.calendars[states[r.state()].calendar]; c != nil {
			return c
		}
	}
	return r.pack.calendar
}

// shortest takes the reading of the limit that ends first. A duty whose figure no
// sure source gives is provisional.
func (r *reckoner) shortest(d *Due, s Stage, b beginning) bool {
	if b.capped {
		d.Due, _ = r.end(d, s, s.Cap.limit, b.at)
		d.Limit, d.Confidence, d.Anchor = s.Cap.limit.String(), s.Cap.Confidence, s.Cap.Anchor
		r.noon(d, s)
		return true
	}
	found, sureOne := false, false
	var blank []string
	for _, reading := range s.Limits {
		start, ok := r.starts(s, reading, b)
		if !ok || !r.holds(d, reading) {
			continue
		}
		due, remark := r.end(d, s, reading.limit, start.at)
		if !found || due.Before(d.Due) {
			r.take(d, s, reading, start, due)
			if remark != "" {
				d.note(d.Regime + " " + d.Stage + ": " + remark)
			}
		}
		found = true
		if sure(reading.Confidence) && reading.limit.Unit != NoFigure {
			sureOne = true
		} else {
			blank = append(blank, reading.Blank)
		}
		if len(s.Limits) > 1 {
			d.Readings = append(d.Readings, reading.Limit+" ("+reading.Confidence+prefixed(": ", reading.Source)+")")
		}
	}
	if !found {
		return false
	}
	if !sureOne {
		d.Provisional, d.Blank = true, joined(append([]string{d.Blank}, blank...)...)
	}
	r.cap(d, s)
	r.noon(d, s)
	return true
}

// take makes a reading the one that runs.
func (r *reckoner) take(d *Due, s Stage, reading Reading, start beginning, due time.Time) {
	d.Due, d.Limit, d.Started, d.Event = due, reading.limit.String(), start.at, start.event
	d.Confidence, d.Calendar = reading.Confidence, r.calendarName(s, reading.limit)
	if reading.Anchor != "" {
		d.Anchor = reading.Anchor
	}
}

// holds reports whether a reading's condition holds; that it may is said.
func (r *reckoner) holds(d *Due, reading Reading) bool {
	if reading.when == nil || reading.when.At(r.in.Facts) == Yes {
		return true
	}
	if reading.when.Could(r.in.Facts) != No {
		d.note(d.Regime + " " + d.Stage + ": " + reading.Limit + " where " + reading.when.Text + ", which isn't known")
	}
	return false
}

func prefixed(with, s string) string {
	if s == "" {
		return ""
	}
	return with + s
}

// starts gives where a reading's limit starts: at the stage's own event, or at
// that of an anchor of its own.
func (r *reckoner) starts(s Stage, reading Reading, b beginning) (beginning, bool) {
	if reading.Anchor == "" {
		return b, !b.other
	}
	list := r.anchored(reading.Anchor, reading.Of, "", "")
	if len(list) == 0 {
		return b, false
	}
	return list[0], true
}

// end gives where a limit ends, moved where the stage's rule for days that aren't
// working days moves it.
func (r *reckoner) end(d *Due, s Stage, l Limit, start time.Time) (time.Time, string) {
	k := reckoning{zone: d.Location, calendar: r.calendar()}
	if s.Rolls != nil && s.Rolls.To == "next_working_day" && l.byDay() {
		k.rolls = r.moves(d, s)
	}
	return k.end(l, start)
}

// noon moves a moment on a day that isn't a working day to noon of the next one,
// where the stage's rule says so. It comes last: what a cap ends early moves too.
func (r *reckoner) noon(d *Due, s Stage) {
	if s.Rolls == nil || s.Rolls.To != "next_working_day_noon" {
		return
	}
	moved, free := reckoning{zone: d.Location, calendar: r.calendar()}.noon(d.Due)
	if free && r.moves(d, s) {
		d.Due, d.Calendar = moved, r.calendar().Name()
	}
}

// moves reports whether a stage's rule for days that aren't working days holds. One
// that isn't sure moves nothing, and that is said.
func (r *reckoner) moves(d *Due, s Stage) bool {
	stage := d.Regime + " " + d.Stage
	switch {
	case s.Rolls.unless != nil && s.Rolls.unless.Could(r.in.Facts) != No && sure(s.Rolls.Confidence):
		d.note(stage + ": it moves to a working day, but not where " + s.Rolls.Unless + ", which holds or isn't known")
		return false
	case !sure(s.Rolls.Confidence):
		d.note(stage + ": it may move to a working day (" + s.Rolls.Article + ", " + s.Rolls.Confidence + "); it doesn't until somebody confirms that")
		return false
	case s.Rolls.National && r.state() == "":
		d.note(stage + ": a last day that isn't a working day moves to the next one where national law says so; party.member_state isn't given, so it doesn't move")
		return false
	}
	return true
}

func (d *Due) note(s string) {
	if !slices.Contains(d.Remarks, s) {
		d.Remarks = append(d.Remarks, s)
	}
}

// calendarName is the calendar that had a say, "" if none had.
func (r *reckoner) calendarName(s Stage, l Limit) string {
	if l.Unit == WorkingDays || s.Rolls != nil && l.byDay() && sure(s.Rolls.Confidence) && !(s.Rolls.National && r.state() == "") {
		return r.calendar().Name()
	}
	return ""
}

// cap ends a clock early that would run past a second limit, unless it started
// only after that.
func (r *reckoner) cap(d *Due, s Stage) {
	if s.Cap == nil {
		return
	}
	from := r.anchored(s.Cap.Anchor, "", "", "")
	if len(from) == 0 {
		return
	}
	end, _ := reckoning{zone: d.Location, calendar: r.calendar()}.end(s.Cap.limit, from[0].at)
	if d.Started.After(end) || !end.Before(d.Due) {
		return
	}
	d.Due, d.Cap = end, s.Cap.Limit+" after "+words(s.Cap.Anchor)
}

// recipients gives roles and names. A party isn't told to tell itself where
// somebody else is to be told too.
func (r *reckoner) recipients(ids []string, must bool) (roles, names []string) {
	for _, id := range ids {
		to := r.pack.Recipients[id]
		self := to.Role != "" && slices.Contains(r.in.Party.Roles, to.Role) && slices.Contains([]string{"centre", "authority", "provincial_authority"}, to.Role)
		if self && (!must || len(ids) > 1) {
			continue
		}
		names = append(names, to.Name)
		roles = append(roles, firstWord(to.Role, id))
	}
	return roles, names
}

// pause moves the due moment by as long as the clock was suspended, where the
// regime lets somebody suspend it.
func (r *reckoner) pause(d *Due, s Stage) {
	stops, resumes := r.acts(s.ID, "suspended"), r.acts(s.ID, "resumed")
	if len(stops) == 0 {
		return
	}
	if s.Pause == "" {
		d.note(d.Regime + " " + d.Stage + ": it is recorded as suspended, but the regime lets nobody suspend it: the clock runs on")
		return
	}
	free := d.Started
	for _, stop := range stops {
		if stop.At.Before(free) || stop.At.After(d.Due) || stop.At.After(r.at) {
			continue
		}
		i := slices.IndexFunc(resumes, func(e Event) bool { return !e.At.Before(stop.At) })
		if i < 0 || resumes[i].At.After(r.at) {
			d.State = casebook.Suspended
			d.Reason = joined(d.Reason, stop.Reason)
			return
		}
		if d.WasDue.IsZero() {
			d.WasDue = d.Due
		}
		free = resumes[i].At
		paused := free.Sub(stop.At)
		if l, err := ParseLimit(d.Limit); err == nil && l.byDay() {
			// Whole days only: a clock moved within the pause must not add one.
			d.Due = lastSecond(dayOf(d.Due, d.Location).AddDate(0, 0, int(paused/(24*time.Hour))), d.Location)
		} else {
			d.Due = d.Due.Add(paused)
		}
		d.Reason = joined(d.Reason, stop.Reason)
	}
}

// extend moves the due moment to the one that the authority granted, if that is
// later. What it grants only after the moment has passed changes nothing: what was
// missed stays missed.
func (r *reckoner) extend(d *Due, s Stage) {
	for _, e := range r.acts(s.ID, "extended") {
		if e.At.Before(d.Started) || e.At.After(d.Due) || e.At.After(r.at) || !e.Until.After(d.Due) {
			continue
		}
		if d.WasDue.IsZero() {
			d.WasDue = d.Due
		}
		d.Due, d.Reason = e.Until, joined(d.Reason, "extended: "+e.Reason)
	}
}

// settle gives the duties of a stage their states. Each filing meets the earliest
// duty that had begun and isn't met yet, so that no fact goes unreported because
// another one was. A first report from before its clock began meets it too: a party
// may file before it has graded.
func (r *reckoner) settle(s Stage, list []Due) {
	for _, filed := range r.filings(s) {
		i := slices.IndexFunc(list, func(d Due) bool {
			return d.MetAt.IsZero() && (d.early || !filed.Before(d.Started))
		})
		if i >= 0 {
			list[i].MetAt = filed
		}
	}
	annulled := slices.DeleteFunc(slices.Clone(r.in.events(voided)), func(e Event) bool { return e.At.After(r.at) })
	for i := range list {
		d := &list[i]
		was := d.State
		switch {
		case !d.MetAt.IsZero() && !d.MetAt.After(d.Due):
			d.State = casebook.Met
		case len(annulled) > 0:
			d.State, d.Reason = casebook.VoidDuty, joined("there was no incident", annulled[0].Reason)
		case was == casebook.Superseded || was == casebook.Suspended:
		case d.Provisional:
			d.State = casebook.Unset // nobody is late for what nobody has set
			if l, _ := ParseLimit(d.Limit); l.Unit == NoFigure && !d.MetAt.IsZero() {
				d.State = casebook.Met
			}
		case !d.MetAt.IsZero():
			d.State = casebook.Late
		case r.at.After(d.Due):
			d.State = casebook.Missed
		default:
			d.State = casebook.OpenDuty
		}
	}
}

// filings gives the moments, up to now and in order, at which the stage was filed
// as the pack asks: sent, or arrived.
func (r *reckoner) filings(s Stage) []time.Time {
	act := "submitted"
	if s.Meets == "delivered" || s.Meets == "acknowledged" {
		act = "received"
	}
	filed := r.acts(s.ID, act)
	for _, other := range s.MetBy {
		if _, ok := anchorNamed(other); ok {
			filed = append(filed, r.recordedAs(other)...)
		} else if strings.Contains(other, "/") {
			filed = append(filed, r.in.events(other+"."+act)...) // another regime's: one filing serves both
		} else {
			filed = append(filed, r.acts(other, act)...)
		}
	}
	var moments []time.Time
	for _, e := range filed {
		if !e.At.After(r.at) {
			moments = append(moments, e.At)
		}
	}
	slices.SortFunc(moments, time.Time.Compare)
	return moments
}

// recordedAs gives the events that are an anchor, under the law's word or those of
// the incident's log.
func (r *reckoner) recordedAs(anchor string) []Event {
	return slices.Concat(r.in.events(anchor), r.in.kinds(anchor))
}
