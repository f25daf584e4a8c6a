package desk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"tocsin/casebook"
	"tocsin/courier"
	"tocsin/store"
)

// sender is the rule in whose name lines of the outbox are carried out.
var sender = casebook.Actor{Kind: casebook.Rule, Name: "send"}

const (
	// sendEvery is how often the outbox is looked at without being told.
	sendEvery = 20 * time.Second
	sendBatch = 100
	// resent begins what is said of a line whose first attempt has no end on record:
	// it may have been heard twice.
	resent = "resent after crash"
	// resentBy begins what is said of a line that a person had sent again.
	resentBy  = "resent by "
	maxReason = 200 // characters of why
)

// Send carries out the lines of the outbox as they come due, until ctx ends. A line
// is sent at least once: that it is being sent is committed before a connection
// opens, so a line found in that state belongs to a life that ended; it is sent
// again and says so.
func (d *Desk) Send(ctx context.Context) error {
	if err := d.Resume(ctx); err != nil && ctx.Err() == nil {
		slog.ErrorContext(ctx, "lines of the outbox that an earlier life was sending wait", "err", err)
	}
	for ctx.Err() == nil {
		told := d.outgoing.wait()
		err := d.SendOnce(ctx, d.Now())
		if err != nil && ctx.Err() == nil {
			slog.ErrorContext(ctx, "sending stopped, trying again in a second", "err", err)
			told = nil
		}
		next, failed := d.nextOutgoing(ctx)
		if err != nil || failed != nil {
			next = d.Now().Add(retryAfter)
		}
		d.rest(ctx, told, next, sendEvery, nil)
	}
	return nil
}

// nextOutgoing gives when the next line is to be sent; zero when none can be.
func (d *Desk) nextOutgoing(ctx context.Context) (time.Time, error) {
	return d.db.Reader(casebook.Operator()).NextOutgoing(ctx, d.unsendable())
}

// unsendable is the kind of lines that stay as they are: calls, while nobody can be
// called. The next start that has a contact finds them.
func (d *Desk) unsendable() string {
	if !d.CanCall() {
		return "call"
	}
	return ""
}

// Resume puts back what an earlier life was sending when it ended.
func (d *Desk) Resume(ctx context.Context) error {
	state := store.OutboxSending
	lines, err := d.db.Reader(casebook.Operator()).Outbox(ctx, &state, sendBatch)
	for _, o := range lines {
		o.State, o.DueAt, o.Fault = store.OutboxWaiting, d.Now(), resent+": the attempt before has no end on record"
		err = errors.Join(err, d.moveLine(ctx, store.OutboxSending, o))
	}
	return err
}

// SendOnce carries out the lines that are due at a moment. Each contact has its own
// turn, so that one that hangs keeps no call from another; what one that doesn't
// answer has still to be told waits for the next attempt.
func (d *Desk) SendOnce(ctx context.Context, at time.Time) error {
	lines, err := d.db.Reader(casebook.Operator()).OutboxDue(ctx, at, d.unsendable(), sendBatch)
	turns := map[string][]store.Outgoing{}
	for _, o := range lines {
		if ctx.Err() != nil {
			break
		}
		m, _ := ReadMessage(o.Payload) // one that can't be read has the turn of those for nobody
		turns[m.Target] = append(turns[m.Target], o)
	}
	faults := make(chan error, len(turns))
	for _, turn := range turns {
		go func() { faults <- d.sendTurn(ctx, turn, at) }()
	}
	for range turns {
		err = errors.Join(err, <-faults)
	}
	return err
}

// sendTurn carries out what is due at one contact.
func (d *Desk) sendTurn(ctx context.Context, lines []store.Outgoing, at time.Time) (err error) {
	for n, o := range lines {
		if ctx.Err() != nil {
			return err
		}
		again, one := d.send(ctx, o, at)
		if one != nil && !errors.Is(one, casebook.ErrConflict) {
			err = errors.Join(err, fmt.Errorf("outbox line %s: %w", o.MessageID, one))
		}
		if !again.IsZero() {
			return errors.Join(err, d.putOff(ctx, lines[n+1:], again))
		}
	}
	return err
}

// putOff has lines wait for the moment at which their contact is tried again.
func (d *Desk) putOff(ctx context.Context, lines []store.Outgoing, until time.Time) error {
	if len(lines) == 0 {
		return nil
	}
	_, err := d.db.Write(context.WithoutCancel(ctx), store.Work{Kind: "send", Actor: sender.String(), At: d.Now()}, func(tx *store.Tx) error {
		for _, o := range lines {
			o.DueAt = until
			if err := tx.MoveOutgoing(store.OutboxWaiting, o); err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, casebook.ErrConflict) {
		return nil // another process sends them
	}
	return err
}

// send carries out one line. again is when it is tried again, if its contact didn't
// answer.
func (d *Desk) send(ctx context.Context, o store.Outgoing, at time.Time) (again time.Time, _ error) {
	m, err := ReadMessage(o.Payload)
	if err != nil {
		o.State, o.Fault = store.OutboxDead, err.Error()
		return again, d.moveLine(ctx, store.OutboxWaiting, o)
	}
	if m.Target == "" {
		return again, d.spread(ctx, o, m, at)
	}
	o.State, o.Attempts = store.OutboxSending, o.Attempts+1
	if err := d.moveLine(ctx, store.OutboxWaiting, o); err != nil {
		return again, err
	}
	if m, err = d.withLink(ctx, o, m, at); err != nil {
		o.State, o.DueAt, o.Fault = store.OutboxWaiting, at.Add(courier.Pressing.First), clipLine(err.Error(), 1000)
		return o.DueAt, errors.Join(err, d.moveLine(ctx, store.OutboxSending, o))
	}
	urgency := courier.Normal
	if m.Urgent {
		urgency = courier.Urgent
	}
	proof, err := d.courier.Send(ctx, m.Target, courier.Message{ID: o.MessageID, Kind: o.Kind, Subject: m.Subject, Text: m.Text, Body: m.Body,
		Language: d.language, At: m.At, Urgency: urgency})
	now := d.Now()
	switch next, dead := courier.Pressing.Next(o.MessageID, o.RecordedAt, o.Attempts); {
	case err == nil:
		said := fmt.Sprintf("%s %d %s", proof.Target, proof.Code, proof.Said)
		if remark := remarkOf(o.Fault); remark != "" {
			said = remark + "; " + said
		}
		o.State, o.Fault = store.OutboxSent, clipLine(said, 1000)
	case ctx.Err() != nil:
		return again, ctx.Err() // the next life sends it again, and says so
	case !courier.Temporary(err) || dead:
		o.State, o.Fault = store.OutboxDead, keepRemark(o.Fault, err)
		slog.ErrorContext(ctx, "a message to people on duty is dead", "message", o.MessageID, "err", err)
	default:
		if next.Before(now) {
			next = now.Add(courier.Pressing.First)
		}
		o.State, o.DueAt, o.Fault, again = store.OutboxWaiting, next, keepRemark(o.Fault, err), next
	}
	if o.State == store.OutboxWaiting {
		return again, d.moveLine(ctx, store.OutboxSending, o)
	}
	_, err = d.db.Write(context.WithoutCancel(ctx), store.Work{Kind: "sent", Actor: sender.String(), At: now}, func(tx *store.Tx) error {
		if err := tx.MoveOutgoing(store.OutboxSending, o); err != nil {
			return err
		}
		if o.State == store.OutboxDead {
			return d.bounced(tx, o)
		}
		return d.carried(tx, o, now, o.Fault)
	})
	d.changed.tell()
	if o.State == store.OutboxDead {
		d.outgoing.tell()
	}
	return again, err
}

// remarkOf gives what is kept of a line that is sent again, whatever it meets with.
func remarkOf(said string) string {
	switch {
	case strings.HasPrefix(said, resent):
		return resent
	case strings.HasPrefix(said, resentBy):
		remark, _, _ := strings.Cut(said, "; ")
		return remark
	}
	return ""
}

// keepRemark says why an attempt failed, after what a person said of the line.
func keepRemark(said string, err error) string {
	text := err.Error()
	if remark := remarkOf(said); strings.HasPrefix(remark, resentBy) {
		text = remark + "; " + text
	}
	return clipLine(text, 1000)
}

// spread makes one line a contact of a line for whoever is on duty.
func (d *Desk) spread(ctx context.Context, o store.Outgoing, m Message, at time.Time) error {
	_, err := d.db.Write(ctx, store.Work{Kind: "send", Actor: sender.String(), At: at}, func(tx *store.Tx) error {
		for i, target := range d.contacts {
			m.Target = target
			payload, err := json.Marshal(m)
			if err != nil {
				return err
			}
			if err := tx.Enqueue(store.OutboxLine{Tenant: o.Tenant, Kind: o.Kind, MessageID: partID(o.MessageID, i+1), Payload: payload}); err != nil {
				return err
			}
		}
		o.State, o.Fault = store.OutboxSent, fmt.Sprintf("made into %d lines, one a contact", len(d.contacts))
		return tx.MoveOutgoing(store.OutboxWaiting, o)
	})
	if err == nil {
		d.outgoing.tell()
	}
	return err
}

func (d *Desk) moveLine(ctx context.Context, from store.OutboxState, o store.Outgoing) error {
	// What became of a message is recorded also while the desk closes.
	_, err := d.db.Write(context.WithoutCancel(ctx), store.Work{Kind: "send", Actor: sender.String(), At: d.Now()}, func(tx *store.Tx) error {
		return tx.MoveOutgoing(from, o)
	})
	return err
}

// Resend puts a line that is dead, or was sent, back to be sent at once, under the
// same Message-ID; of one that was made into a line a contact, those lines. A filing or
// an order goes to the contact that its party has now. Why stays with the line; "" is no
// reason.
func (d *Desk) Resend(ctx context.Context, who casebook.Actor, messageID, why string) (store.Outgoing, error) {
	at := d.Now()
	if why = strings.TrimSpace(why); utf8.RuneCountInString(why) > maxReason {
		return store.Outgoing{}, fmt.Errorf("the reason has over %d characters: %w", maxReason, casebook.ErrInvalid)
	}
	remark := resentBy + who.String()
	if why != "" {
		remark += ": " + strings.ReplaceAll(clipLine(why, 4*maxReason), "; ", ", ")
	}
	o, err := d.Reader(casebook.Operator()).Outgoing(ctx, messageID)
	if err != nil {
		return o, err
	}
	if o.State == store.OutboxSending {
		return o, fmt.Errorf("outbox line %s is being sent: %w", messageID, casebook.ErrConflict)
	}
	lines, err := d.parts(ctx, o)
	if err != nil {
		return o, err
	}
	_, err = d.db.Write(ctx, store.Work{Kind: "resend", Actor: who.String(), At: at}, func(tx *store.Tx) error {
		for _, l := range lines {
			from := l.State
			l.State, l.DueAt, l.Attempts, l.Fault = store.OutboxWaiting, at, 0, remark
			if err := d.readdress(tx, &l); err != nil {
				return err
			}
			if err := tx.MoveOutgoing(from, l); err != nil {
				return err
			}
			if l.MessageID == messageID {
				o = l
			}
		}
		return nil
	})
	d.outgoing.tell()
	return o, err
}

// parts gives the lines into which one was made, but for those that are being sent;
// the line itself if it is its own.
func (d *Desk) parts(ctx context.Context, o store.Outgoing) ([]store.Outgoing, error) {
	if m, err := ReadMessage(o.Payload); err != nil || m.Target != "" || o.State != store.OutboxSent {
		return []store.Outgoing{o}, nil
	}
	var lines []store.Outgoing
	for n := 1; ; n++ {
		part, err := d.Reader(casebook.Operator()).Outgoing(ctx, partID(o.MessageID, n))
		if errors.Is(err, casebook.ErrNotFound) {
			return lines, nil
		}
		if err != nil {
			return nil, err
		}
		if part.State != store.OutboxSending {
			lines = append(lines, part)
		}
	}
}

// partID names a line that was made of another.
func partID(messageID string, n int) string { return fmt.Sprintf("%s-%d", messageID, n) }

// targets splits the contacts of the settings, so that each address is tried by
// itself.
func targets(contacts []string) ([]string, error) {
	var all []string
	for _, text := range contacts {
		t, err := courier.ParseTarget(strings.TrimSpace(text))
		if err != nil {
			return nil, fmt.Errorf("contact: %w", err)
		}
		for _, one := range t.Split() {
			all = append(all, one.String())
		}
	}
	return all, nil
}
