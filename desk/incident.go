package desk

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/casebook"
	"tocsin/regime"
	"tocsin/store"
)

// An Opening is what a person types while the telephone is still warm. Only Title
// is needed.
type Opening struct {
	Category casebook.Category
	Title    string
	Party    casebook.ID    // whose duties are reckoned; zero: every own party's
	Facts    casebook.Facts // as far as known; a person says so, so they are confirmed
	Received time.Time      // when word of it reached the desk; zero: now
	Occurred time.Time      // when it began, zero unknown
	Zone     string         // in which the moments were told, "" UTC
	Source   string         // who called
	Note     string
	Exercise bool
}

// OpenIncident opens an incident by hand. Word that reached the desk starts its
// clocks: the duties are there when this returns.
func (d *Desk) OpenIncident(ctx context.Context, who casebook.Actor, o Opening) (casebook.Incident, error) {
	at := d.Now()
	if err := d.isPerson(who, "open an incident"); err != nil {
		return casebook.Incident{}, err
	}
	if o.Title = clipLine(strings.TrimSpace(o.Title), 500); o.Title == "" {
		return casebook.Incident{}, fmt.Errorf("an incident has a title of a few words, as it was told: %w", casebook.ErrInvalid)
	}
	if err := regime.Facts().Check(o.Facts); err != nil {
		return casebook.Incident{}, err
	}
	if o.Received.IsZero() {
		o.Received = at
	}
	for _, m := range []struct {
		name string
		at   time.Time
	}{{"received", o.Received}, {"occurred", o.Occurred}} {
		if err := d.isPast(m.name, m.at, at); err != nil {
			return casebook.Incident{}, err
		}
	}
	if err := isZone(o.Zone); err != nil {
		return casebook.Incident{}, err
	}
	var i casebook.Incident
	err := d.act(ctx, who, "open incident", at, func(c *casework) (err error) {
		i, err = c.tx.OpenIncident(casebook.Incident{
			Mark:     casebook.Mark{Tenant: 1, TLP: casebook.Amber, Exercise: o.Exercise, RecordedBy: who.String()},
			Category: o.Category, Title: o.Title, State: casebook.OpenIncident, Party: o.Party, Owner: who.Name, OpenedAt: at,
		})
		if err != nil {
			return err
		}
		c.incident = i
		if !o.Occurred.IsZero() {
			if err := c.log(casebook.Anchor{Kind: casebook.Occurred, At: o.Occurred, Zone: o.Zone, Source: o.Source}); err != nil {
				return err
			}
		}
		if err := c.log(casebook.Anchor{Kind: casebook.Received, At: o.Received, Zone: o.Zone, Source: o.Source, Note: o.Note}); err != nil {
			return err
		}
		if err := c.log(casebook.Anchor{Kind: casebook.OwnerTook, At: at}); err != nil {
			return err
		}
		if err := c.tx.Know(i.ID, o.Facts, true, o.Received, who.String()); err != nil {
			return err
		}
		if parties, err := c.parties(); err != nil || !o.Party.IsZero() && len(parties) == 0 {
			return cmp.Or(err, fmt.Errorf("party %s isn't one that this platform speaks for, so no clock would run for it: name an own one, or none for all of them: %w", o.Party.Text(casebook.PartyPrefix), casebook.ErrInvalid))
		}
		return c.judge()
	})
	return i, err
}

// A Confirmation is a person's yes: this is an incident, and these are its figures.
type Confirmation struct {
	Category *casebook.Category // nil: as it is
	Title    string             // "": as it is
	Facts    casebook.Facts     // what the person confirms; what else is observed is confirmed with it
	Note     string
}

// Confirm says that a proposed incident is one, or confirms further facts of an
// open one. Statutory clocks start here, from the moments that their laws name: a
// clock whose beginning lies before the yes has begun before the yes.
func (d *Desk) Confirm(ctx context.Context, who casebook.Actor, id casebook.ID, y Confirmation) (casebook.Incident, error) {
	at := d.Now()
	if err := d.isPerson(who, "confirm an incident"); err != nil {
		return casebook.Incident{}, err
	}
	if err := regime.Facts().Check(y.Facts); err != nil {
		return casebook.Incident{}, err
	}
	return d.change(ctx, who, "confirm incident", at, id, func(c *casework) error {
		i := &c.incident
		fresh := i.State == casebook.ProposedIncident
		if i.State > casebook.OpenIncident {
			return fmt.Errorf("incident %s is %s: there is nothing to confirm: %w", i.ID.Text(casebook.IncidentPrefix), i.State, casebook.ErrConflict)
		}
		if !fresh && len(y.Facts) == 0 {
			return fmt.Errorf("incident %s is confirmed already: name the further facts that you confirm: %w", i.ID.Text(casebook.IncidentPrefix), casebook.ErrConflict)
		}
		i.State, i.TriageDue = casebook.OpenIncident, time.Time{}
		if y.Category != nil {
			i.Category = *y.Category
		}
		if t := clipLine(strings.TrimSpace(y.Title), 500); t != "" {
			i.Title = t
		}
		if err := c.tx.SaveIncident(*i); err != nil {
			return err
		}
		facts := y.Facts
		if fresh {
			observed, err := c.facts(false)
			if err != nil {
				return err
			}
			// What was observed since it was proposed counts too.
			sizes, err := c.tx.ThreatSizes(i.Threat)
			if err != nil {
				return err
			}
			facts = merged(merged(observed, threatFacts(casebook.Threat{Sizes: sizes})), y.Facts)
		}
		kind := casebook.Confirmed
		if !fresh {
			kind = casebook.NewFact
		}
		if err := c.log(casebook.Anchor{Kind: kind, At: at, Note: noteOf(y.Note, y.Facts)}); err != nil {
			return err
		}
		if err := c.tx.Know(i.ID, facts, true, at, who.String()); err != nil {
			return err
		}
		return c.judge()
	})
}

// Dismiss says that a proposed incident is none. The reason stays on record, and
// its provisional duties end.
func (d *Desk) Dismiss(ctx context.Context, who casebook.Actor, id casebook.ID, reason string) (casebook.Incident, error) {
	at := d.Now()
	if err := d.isPerson(who, "dismiss an incident"); err != nil {
		return casebook.Incident{}, err
	}
	if reason = clip(strings.TrimSpace(reason), 2000); reason == "" {
		return casebook.Incident{}, fmt.Errorf("say why it is no incident: a dismissal without a reason isn't taken: %w", casebook.ErrInvalid)
	}
	return d.change(ctx, who, "dismiss incident", at, id, func(c *casework) error {
		i := &c.incident
		if i.State != casebook.ProposedIncident {
			return fmt.Errorf("incident %s is %s: only a proposed one can be dismissed: %w", i.ID.Text(casebook.IncidentPrefix), i.State, casebook.ErrConflict)
		}
		i.State, i.TriageDue = casebook.VoidIncident, time.Time{}
		if err := c.tx.SaveIncident(*i); err != nil {
			return err
		}
		if err := c.log(casebook.Anchor{Kind: casebook.Dismissed, At: at, Note: reason}); err != nil {
			return err
		}
		duties, err := c.tx.Duties(i.ID)
		if err != nil {
			return err
		}
		for _, duty := range duties {
			if !duty.State.Runs() {
				continue
			}
			if err := c.tx.ChangeDuty(duty.ID, duty.State, casebook.VoidDuty, at, reason); err != nil {
				return err
			}
		}
		return nil
	})
}

// A Ruling is a person's word on how grave an incident is under a regime.
type Ruling struct {
	Regime   string
	Level    string // one of the pack's levels
	Standing casebook.Standing
	Reason   string
}

// GradeIncident grades an incident by a person's word. What a rule proposed stays
// beside it.
func (d *Desk) GradeIncident(ctx context.Context, who casebook.Actor, id casebook.ID, g Ruling) (casebook.Incident, error) {
	at := d.Now()
	if err := d.isPerson(who, "grade an incident"); err != nil {
		return casebook.Incident{}, err
	}
	if g.Standing == casebook.Proposed {
		return casebook.Incident{}, fmt.Errorf("rules propose grades, people confirm, report or determine them: %w", casebook.ErrInvalid)
	}
	if g.Reason = clip(strings.TrimSpace(g.Reason), 2000); g.Reason == "" {
		return casebook.Incident{}, fmt.Errorf("say why: a grade without a reason isn't taken: %w", casebook.ErrInvalid)
	}
	pack, err := d.laws.Find(g.Regime)
	if err != nil {
		return casebook.Incident{}, err
	}
	if !slices.Contains(pack.Grades.Levels, g.Level) {
		return casebook.Incident{}, fmt.Errorf("%s has no level %q, only %s: %w", g.Regime, g.Level, strings.Join(pack.Grades.Levels, ", "), casebook.ErrInvalid)
	}
	return d.change(ctx, who, "grade incident", at, id, func(c *casework) error {
		if c.incident.State > casebook.OpenIncident {
			return fmt.Errorf("incident %s is %s and isn't graded any more: %w", id.Text(casebook.IncidentPrefix), c.incident.State, casebook.ErrConflict)
		}
		if c.incident.State == casebook.ProposedIncident {
			return fmt.Errorf("incident %s is proposed only: confirm it first: %w", id.Text(casebook.IncidentPrefix), casebook.ErrConflict)
		}
		facts, err := c.facts(true)
		if err != nil {
			return err
		}
		if _, err := c.tx.Grade(casebook.Grade{Incident: id, Regime: g.Regime, Pack: pack.Digest, Standing: g.Standing, Level: g.Level, Reach: casebook.Reached,
			Figures: facts, At: at, By: who.String(), Reason: g.Reason}); err != nil {
			return err
		}
		kind := casebook.Classified
		if g.Standing == casebook.DeterminedBy {
			kind = casebook.Determined
		}
		if err := c.log(casebook.Anchor{Kind: kind, At: at, Source: g.Regime, Note: g.Level + ": " + g.Reason}); err != nil {
			return err
		}
		return c.judge()
	})
}

// Take makes a person the owner of an incident that nobody has. It gives
// ErrConflict, and names the owner, where somebody does.
func (d *Desk) Take(ctx context.Context, who casebook.Actor, id casebook.ID) (casebook.Incident, error) {
	return d.own(ctx, who, id, "take incident", casebook.OwnerTook, func(i *casebook.Incident) error {
		if i.Owner != "" {
			return fmt.Errorf("incident %s is with %s: ask for it, or take it once it is released: %w", id.Text(casebook.IncidentPrefix), i.Owner, casebook.ErrConflict)
		}
		i.Owner = who.Name
		return nil
	})
}

// Give hands an incident on to another person. Only its owner can.
func (d *Desk) Give(ctx context.Context, who casebook.Actor, id casebook.ID, to string) (casebook.Incident, error) {
	to = clipLine(strings.TrimSpace(to), 200)
	if to == "" {
		return casebook.Incident{}, fmt.Errorf("say to whom: %w", casebook.ErrInvalid)
	}
	return d.own(ctx, who, id, "give incident", casebook.OwnerGave, func(i *casebook.Incident) error {
		if i.Owner != who.Name {
			return notOwner(*i, who)
		}
		i.Owner = to
		return nil
	})
}

// Release lets go of an incident: nobody has it then. Only its owner can.
func (d *Desk) Release(ctx context.Context, who casebook.Actor, id casebook.ID) (casebook.Incident, error) {
	return d.own(ctx, who, id, "release incident", casebook.OwnerReleased, func(i *casebook.Incident) error {
		if i.Owner != who.Name {
			return notOwner(*i, who)
		}
		i.Owner = ""
		return nil
	})
}

func notOwner(i casebook.Incident, who casebook.Actor) error {
	id := i.ID.Text(casebook.IncidentPrefix)
	if i.Owner == "" {
		return fmt.Errorf("incident %s is with nobody: %s can take it: %w", id, who.Name, casebook.ErrConflict)
	}
	return fmt.Errorf("incident %s is with %s and not with %s: %w", id, i.Owner, who.Name, casebook.ErrConflict)
}

func (d *Desk) own(ctx context.Context, who casebook.Actor, id casebook.ID, kind, entry string, f func(*casebook.Incident) error) (casebook.Incident, error) {
	at := d.Now()
	if err := d.isPerson(who, "own an incident"); err != nil {
		return casebook.Incident{}, err
	}
	return d.change(ctx, who, kind, at, id, func(c *casework) error {
		if err := f(&c.incident); err != nil {
			return err
		}
		if err := c.tx.SaveIncident(c.incident); err != nil {
			return err
		}
		note := ""
		if entry == casebook.OwnerGave {
			note = c.incident.Owner
		}
		return c.log(casebook.Anchor{Kind: entry, At: at, Note: note})
	})
}

// Note adds an entry to an incident's timeline: what somebody saw, did or was told,
// when it happened. An entry that corrects another names it.
func (d *Desk) Note(ctx context.Context, who casebook.Actor, id casebook.ID, a casebook.Anchor) (casebook.Incident, error) {
	at := d.Now()
	if err := d.isPerson(who, "write in a timeline"); err != nil {
		return casebook.Incident{}, err
	}
	if a.Note = clip(strings.TrimSpace(a.Note), 4000); a.Note == "" {
		return casebook.Incident{}, fmt.Errorf("an entry says something: %w", casebook.ErrInvalid)
	}
	if a.At.IsZero() {
		a.At = at
	}
	if err := d.isPast("happened at", a.At, at); err != nil {
		return casebook.Incident{}, err
	}
	if err := isZone(a.Zone); err != nil {
		return casebook.Incident{}, err
	}
	a.Kind = casebook.Noted
	return d.change(ctx, who, "note", at, id, func(c *casework) error {
		if err := c.isNote(a.Supersedes); err != nil {
			return err
		}
		return c.log(a)
	})
}

// isNote keeps a note from taking the place of what isn't one: a clock rests on a
// legal moment, and what a station wrote is its record. The zero ID is fine.
func (c *casework) isNote(entry casebook.ID) error {
	if entry.IsZero() {
		return nil
	}
	log, err := c.tx.Anchors(c.incident.ID)
	if err != nil {
		return err
	}
	n := slices.IndexFunc(log, func(a casebook.Anchor) bool { return a.ID == entry })
	if n < 0 {
		return fmt.Errorf("entry %s isn't of incident %s: %w", entry.Text(casebook.AnchorPrefix), c.incident.ID.Text(casebook.IncidentPrefix), casebook.ErrNotFound)
	}
	if log[n].Kind != casebook.Noted {
		return fmt.Errorf("entry %s is %q and no note: a note can correct a note only: %w", entry.Text(casebook.AnchorPrefix), log[n].Kind, casebook.ErrInvalid)
	}
	return nil
}

// isPerson keeps rules and machines from what people must do themselves.
func (d *Desk) isPerson(who casebook.Actor, act string) error {
	if who.Kind != casebook.Person || who.Name == "" {
		return fmt.Errorf("%s can't %s: a person must, by name: %w", who, act, casebook.ErrForbidden)
	}
	return nil
}

// isPast refuses a moment that hasn't come, and one that nobody can mean: a year
// that is mistyped would make every clock a missed one. The zero time is fine.
func (d *Desk) isPast(name string, moment, now time.Time) error {
	if !moment.IsZero() && moment.Year() < 2000 {
		return fmt.Errorf("%s %s is before the year 2000: %w", name, moment.UTC().Format(time.RFC3339), casebook.ErrInvalid)
	}
	if moment.After(now.Add(time.Minute)) {
		return fmt.Errorf("%s %s is still to come (it is %s): %w", name, moment.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339), casebook.ErrInvalid)
	}
	return nil
}

// isZone refuses what is neither the name of a zone nor an offset; "" is UTC.
func isZone(zone string) error {
	if _, err := time.LoadLocation(zone); err == nil && zone != "Local" {
		return nil
	}
	if _, err := time.Parse("-07:00", zone); err != nil {
		return fmt.Errorf("zone %.60q is neither a zone's name (Asia/Shanghai) nor an offset (+08:00): %w", zone, casebook.ErrInvalid)
	}
	return nil
}

// casework is the work of one act on one incident, in its transaction.
type casework struct {
	desk     *Desk
	tx       *store.Tx
	who      casebook.Actor
	at       time.Time
	clock    casebook.ClockState
	incident casebook.Incident
	calls    []call
	// before is the log as it was before a correction, nil without one, and why says
	// what was corrected.
	before []casebook.Anchor
	why    string
	late   string // why a filing came after its moment, "" where it didn't or nobody said
}

// act runs one act in one transaction: what it writes, and whom it calls.
func (d *Desk) act(ctx context.Context, who casebook.Actor, kind string, at time.Time, f func(*casework) error) error {
	clock := d.ClockState()
	_, err := d.db.Write(ctx, store.Work{Kind: kind, Actor: who.String(), At: at}, func(tx *store.Tx) error {
		c := casework{desk: d, tx: tx, who: who, at: at, clock: clock}
		if err := f(&c); err != nil {
			return err
		}
		return d.enqueue(tx, at, c.calls)
	})
	if err == nil {
		d.changed.tell()
		d.outgoing.tell()
	}
	return err
}

// change runs an act on an incident that is there.
func (d *Desk) change(ctx context.Context, who casebook.Actor, kind string, at time.Time, id casebook.ID, f func(*casework) error) (casebook.Incident, error) {
	var i casebook.Incident
	err := d.act(ctx, who, kind, at, func(c *casework) (err error) {
		if c.incident, err = c.tx.Incident(id); err != nil {
			return err
		}
		err = f(c)
		i = c.incident
		return err
	})
	return i, err
}

// log writes an entry of the incident's log in the actor's name.
func (c *casework) log(a casebook.Anchor) error {
	_, err := c.entry(a)
	return err
}

// entry is log, and gives the entry with its name.
func (c *casework) entry(a casebook.Anchor) (casebook.Anchor, error) {
	a.Incident, a.By, a.Clock = c.incident.ID, c.who.String(), c.clock
	a.Source, a.Zone = clipLine(a.Source, 500), clipLine(a.Zone, 60)
	return c.tx.Log(a)
}

// facts gives what is known of the incident: with only, what a person confirmed;
// without, the newest word of each, whoever's.
func (c *casework) facts(only bool) (casebook.Facts, error) {
	all, err := c.tx.Facts(c.incident.ID)
	if err != nil {
		return nil, err
	}
	facts := casebook.Facts{}
	for _, f := range all {
		if f.Confirmed || !only {
			facts[f.Name] = f.Value
		}
	}
	return facts, nil
}

func merged(under, over casebook.Facts) casebook.Facts {
	all := casebook.Facts{}
	for _, facts := range []casebook.Facts{under, over} {
		for name, value := range facts {
			all[name] = value
		}
	}
	return all
}

// noteOf writes what a person confirmed behind what the person said.
func noteOf(note string, facts casebook.Facts) string {
	parts := []string{}
	if note = clip(strings.TrimSpace(note), 2000); note != "" {
		parts = append(parts, note)
	}
	for _, name := range facts.Names() {
		parts = append(parts, name+" = "+facts[name].String())
	}
	return strings.Join(parts, "; ")
}
