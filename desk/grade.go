package desk

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"tocsin/casebook"
	"tocsin/regime"
	"tocsin/store"
)

// grader is the rule in whose name grades are proposed.
var grader = casebook.Actor{Kind: casebook.Rule, Name: "grade"}

const (
	gradeEvery = 20 * time.Second
	gradeBatch = 200
	// gradePause is for how long growths are gathered after some were graded: a load
	// makes twenty a second, and each grading is a commit of its own.
	gradePause = 250 * time.Millisecond
	// basisEvery is how often it is asked whether other law is in force now.
	basisEvery = time.Minute
)

// Grade grades threats whose size changed, until ctx ends. Each growth is graded
// with the sizes as of the commit that made it, and that commit is the anchor of
// what follows, however late the grader comes.
func (d *Desk) Grade(ctx context.Context) error {
	var based time.Time
	for ctx.Err() == nil {
		moved := d.moved.wait()
		var err error
		if now := d.Now(); now.Sub(based).Abs() >= basisEvery {
			err, based = d.rebase(ctx), now
		}
		n, failed := d.GradeOnce(ctx, d.Now())
		var again time.Time
		if err = errors.Join(err, failed); err != nil && ctx.Err() == nil {
			slog.ErrorContext(ctx, "not all could be graded, trying again", "err", err)
			moved, again = nil, d.Now().Add(retryAfter)
		}
		switch {
		case n >= gradeBatch:
		case n > 0:
			d.rest(ctx, nil, time.Time{}, gradePause, nil)
		default:
			d.rest(ctx, moved, again, gradeEvery, nil)
		}
	}
	return nil
}

// GradeOnce grades what waits, gradeBatch growths at most, and gives how many. One that
// can't be graded is told, and keeps no other waiting.
func (d *Desk) GradeOnce(ctx context.Context, at time.Time) (int, error) {
	waiting, err := d.db.Reader(casebook.Operator()).Growths(ctx, gradeBatch)
	if err != nil || len(waiting) == 0 {
		return 0, err
	}
	n, err := d.gradeAll(ctx, waiting, at)
	if err == nil || len(waiting) == 1 || ctx.Err() != nil {
		return n, err
	}
	err = nil
	for _, one := range waiting {
		graded, failed := d.gradeAll(ctx, []store.Growth{one}, at)
		n += graded
		err = errors.Join(err, failed)
	}
	return n, err
}

// gradeAll grades growths in one commit.
func (d *Desk) gradeAll(ctx context.Context, waiting []store.Growth, at time.Time) (int, error) {
	clock := d.ClockState()
	late := false // another process was faster
	_, err := d.db.Write(ctx, store.Work{Kind: "grade", Actor: grader.String(), At: at}, func(tx *store.Tx) error {
		parties, err := tx.OwnParties(1)
		if err != nil {
			return err
		}
		var calls []call
		for _, g := range waiting {
			if err := tx.Settle(g); err != nil {
				late = errors.Is(err, casebook.ErrConflict)
				return err
			}
			c := casework{desk: d, tx: tx, who: grader, at: at, clock: clock}
			if err := c.grade(g, parties); err != nil {
				return fmt.Errorf("threat %s: %w", g.Threat.ID.Text(casebook.ThreatPrefix), err)
			}
			calls = append(calls, c.calls...)
		}
		return d.enqueue(tx, at, newest(calls))
	})
	if late {
		return len(waiting), nil
	}
	if err != nil {
		return 0, fmt.Errorf("grade: %w", err)
	}
	d.changed.tell()
	d.outgoing.tell()
	return len(waiting), nil
}

// Settle grades everything that waits. A command that ends leaves nothing to be
// graded by the next.
func (d *Desk) Settle(ctx context.Context) error {
	if err := d.rebase(ctx); err != nil {
		return err
	}
	for {
		n, err := d.GradeOnce(ctx, d.Now())
		if n == 0 || err != nil {
			return err
		}
	}
}

// newest keeps one call an incident, the last.
func newest(calls []call) []call {
	var kept []call
	for i, c := range calls {
		if !slices.ContainsFunc(calls[i+1:], func(later call) bool { return later.incident.ID == c.incident.ID }) {
			kept = append(kept, c)
		}
	}
	return kept
}

// threatFacts gives what a threat's size says in the words of the register. A
// threat of which no bot was seen says nothing of its size.
func threatFacts(t casebook.Threat) casebook.Facts {
	facts := casebook.Facts{}
	for _, s := range t.Sizes {
		if s.Role == casebook.Bot && s.UniqueTotal > 0 {
			facts["controlled_addresses_unique_24h"] = casebook.IntervalValue(s.Unique24h)
			facts["controlled_addresses_concurrent_1h"] = casebook.IntervalValue(s.Concurrent1h)
		}
	}
	return facts
}

// threatFactNames are the facts that a threat's size can say.
var threatFactNames = []string{"controlled_addresses_unique_24h", "controlled_addresses_concurrent_1h"}

// category says what kind of incident a threat may be; ok is false for what is no
// trojan and no botnet: an open port is none.
func category(t casebook.Threat) (c casebook.Category, ok bool) {
	bots, controllers, spreaders := int64(0), int64(0), int64(0)
	for _, s := range t.Sizes {
		switch s.Role {
		case casebook.Bot:
			bots += s.UniqueTotal
		case casebook.Controller:
			controllers += s.UniqueTotal
		case casebook.Distributor:
			spreaders += s.UniqueTotal
		}
	}
	switch {
	case bots > 0 || controllers > 0:
		return casebook.BotnetIncident, true
	case spreaders > 0 && t.Type == casebook.C2Server.Class():
		return casebook.TrojanIncident, true
	}
	return casebook.OtherIncident, false
}

// grade proposes what a growth means under each law in force, and an incident where
// it may mean something that none tells of yet.
func (c *casework) grade(g store.Growth, parties []casebook.Party) error {
	kind, ok := category(g.Threat)
	if !ok {
		return nil
	}
	facts := threatFacts(g.Threat)
	proposals := c.desk.proposals(facts, parties, g.At)
	if len(proposals) == 0 {
		return nil
	}
	i, known, err := c.tx.IncidentOf(g.Threat.ID)
	if err != nil {
		return err
	}
	var before []casebook.Grade
	if known {
		if before, err = c.tx.Grades(i.ID); err != nil {
			return err
		}
	}
	fresh, worse := changes(before, proposals)
	if len(fresh) == 0 || known && i.State > casebook.OpenIncident && !worse {
		return nil
	}
	c.incident = i
	if !known || i.State > casebook.OpenIncident {
		if err := c.propose(g, kind); err != nil {
			return err
		}
		fresh = proposals
	}
	if err := c.tx.Know(c.incident.ID, facts, false, g.At, c.who.String()); err != nil {
		return err
	}
	for n := range fresh {
		fresh[n].Incident, fresh[n].At, fresh[n].By = c.incident.ID, g.At, c.who.String()
		if fresh[n], err = c.tx.Grade(fresh[n]); err != nil {
			return err
		}
		note := strings.TrimSpace(fresh[n].Level + " " + fresh[n].Reach.String())
		if err := c.log(casebook.Anchor{Kind: casebook.GradeProposed, At: g.At, Source: fresh[n].Regime, Note: note}); err != nil {
			return err
		}
	}
	if worse || !known {
		c.calls = append(c.calls, call{kind: callProposed, incident: c.incident, grades: fresh, at: c.at})
	}
	if c.incident.State == casebook.ProposedIncident {
		return c.judge()
	}
	return nil
}

// propose begins an incident from a threat. It came before the duty desk with the
// commit that made the threat large enough: that is where its clocks begin, if a
// person says that it is one.
func (c *casework) propose(g store.Growth, kind casebook.Category) error {
	m := g.Threat.Mark
	m.RecordedBy = c.who.String()
	i, err := c.tx.OpenIncident(casebook.Incident{Mark: m, Category: kind, Title: g.Threat.Name, State: casebook.ProposedIncident, Threat: g.Threat.ID,
		OpenedAt: g.At, TriageDue: c.at.Add(casebook.Triage)})
	if err != nil {
		return err
	}
	i.ThreatName = g.Threat.Name
	c.incident = i
	source := g.Threat.ID.Text(casebook.ThreatPrefix)
	for _, kind := range []string{casebook.Observed, casebook.Surfaced} {
		if err := c.log(casebook.Anchor{Kind: kind, At: g.At, Source: source}); err != nil {
			return err
		}
	}
	return nil
}

// proposals gives, for each law in force that grades by what a threat shows and that
// concerns one of the parties, the gravest grade that may be reached. A party that
// owes nothing under any of them, as an authority, sees what others would owe where it
// has its seat; without a party every such law is asked.
func (d *Desk) proposals(facts casebook.Facts, parties []casebook.Party, at time.Time) []casebook.Grade {
	if len(parties) == 0 {
		parties = []casebook.Party{{}}
	}
	best := map[string]casebook.Grade{}
	for _, one := range parties {
		party := regime.PartyOf(one)
		packs := d.gradingPacks(party, at)
		if len(packs) == 0 {
			party.Roles = nil
			packs = d.gradingPacks(party, at)
		}
		for _, pack := range packs {
			// The gravest comes first.
			for _, g := range d.laws.Grade(pack, party, facts) {
				if old, ok := best[pack.ID]; !ok || pack.Graver(g, old) {
					g.Standing = casebook.Proposed
					best[pack.ID] = g
				}
				break
			}
		}
	}
	var all []casebook.Grade
	for _, id := range slices.Sorted(maps.Keys(best)) {
		all = append(all, best[id])
	}
	return all
}

// gradingPacks gives the laws that concern a party and grade by what a threat shows.
func (d *Desk) gradingPacks(party regime.Party, at time.Time) []*regime.Pack {
	return slices.DeleteFunc(d.laws.Concerning(party, at), func(p *regime.Pack) bool { return !gradesThreats(p) })
}

// gradesThreats reports whether a law asks for anything that a threat shows.
func gradesThreats(p *regime.Pack) bool {
	return slices.ContainsFunc(p.GradeFacts(), func(name string) bool { return slices.Contains(threatFactNames, name) })
}

// changes gives the proposals that say something else than the newest one of their
// law, and whether any of them is graver or surer.
func changes(before, proposals []casebook.Grade) (fresh []casebook.Grade, worse bool) {
	for _, p := range proposals {
		i := slices.IndexFunc(before, func(b casebook.Grade) bool { return b.Standing == casebook.Proposed && b.Regime == p.Regime })
		var last casebook.Grade
		for _, b := range before {
			if b.Standing == casebook.Proposed && b.Regime == p.Regime {
				last = b
			}
		}
		if i >= 0 && last.Level == p.Level && last.Reach == p.Reach {
			continue
		}
		fresh = append(fresh, p)
		worse = worse || i < 0 || last.Level != p.Level || p.Reach == casebook.Reached
	}
	return fresh, worse
}

// rebase has every threat graded again, and every running incident judged, when
// other law is in force than when they were, or this platform speaks for others.
func (d *Desk) rebase(ctx context.Context) error {
	d.basing.Lock()
	defer d.basing.Unlock()
	at := d.Now()
	r := d.db.Reader(casebook.Operator())
	parties, err := r.Parties(ctx)
	if err != nil {
		return err
	}
	hash := sha256.New()
	for _, p := range d.laws.InForce(at) {
		fmt.Fprintln(hash, p.ID, p.Digest)
	}
	for _, p := range parties {
		if p.Own && p.At(at) {
			fmt.Fprintf(hash, "%q %q %s %s\n", p.Name, p.Roles, p.Region, p.MemberState)
		}
	}
	basis := fmt.Sprintf("sha256:%x", hash.Sum(nil))
	if old, err := r.Basis(ctx); err != nil || old == basis {
		return err
	}
	// The basis is noted last: a process that ends between begins again. What was
	// judged already stays as it is.
	if err := d.judgeAll(ctx, at); err != nil {
		return fmt.Errorf("judge again by other law: %w", err)
	}
	_, err = d.db.Write(ctx, store.Work{Kind: "rebase", Actor: grader.String(), At: at}, func(tx *store.Tx) error {
		_, err := tx.Rebase(basis)
		return err
	})
	if err != nil {
		return fmt.Errorf("grade again by other law: %w", err)
	}
	d.moved.tell()
	return nil
}

// judgeAll judges every incident that is proposed or open. One that can't be judged
// keeps none of the others from it.
func (d *Desk) judgeAll(ctx context.Context, at time.Time) error {
	var faults []error
	for _, state := range []casebook.IncidentState{casebook.ProposedIncident, casebook.OpenIncident} {
		after := casebook.ID{}
		for {
			page, err := d.db.Reader(casebook.Operator()).Incidents(ctx, &state, after, 100)
			if err != nil {
				return err
			}
			if len(page) == 0 {
				break
			}
			for _, i := range page {
				if _, err := d.change(ctx, grader, "judge", at, i.ID, func(c *casework) error { return c.judge() }); err != nil && len(faults) < 10 {
					faults = append(faults, fmt.Errorf("incident %s: %w", i.ID.Text(casebook.IncidentPrefix), err))
				}
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			after = page[len(page)-1].ID
		}
	}
	return errors.Join(faults...)
}
