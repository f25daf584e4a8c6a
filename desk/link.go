package desk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/access"
	"tocsin/casebook"
	"tocsin/report"
	"tocsin/store"
)

// linkMark stands in the message that serves an order for the link to answer it, until
// the message is sent: the secret is made then, and is in no table and no backup.
const linkMark = "{answer-link}"

// errNoLink is one sentence for every link that opens nothing, so that nobody learns
// which of them was one once.
var errNoLink = fmt.Errorf("this link opens nothing, or no longer: whoever gave the order gives another: %w", casebook.ErrNotFound)

// answerAddress is the page to which a secret opens the way; "" where the platform
// doesn't know by which address others reach it.
func (d *Desk) answerAddress(secret string) string {
	if d.url == "" {
		return ""
	}
	return d.url + "/answer/" + secret
}

// answerPage is what the message that serves an order has in place of the page to answer
// it; "" where there is none.
func (d *Desk) answerPage() string {
	if d.url == "" {
		return ""
	}
	return linkMark
}

// MakeLink makes a link by which an order is answered without an account, to be handed
// over by another way than the order's own. It is given once: only its digest is kept.
// It gives ErrConflict for an order that isn't served, and where the platform doesn't
// know its own address.
func (d *Desk) MakeLink(ctx context.Context, who casebook.Actor, id casebook.ID) (link string, err error) {
	if d.url == "" {
		return "", fmt.Errorf("by which address others reach this platform isn't known: start it with --url: %w", casebook.ErrConflict)
	}
	secret := access.NewSecret(access.LinkPrefix)
	_, err = d.onOrder(ctx, who, "make answer link", id, func(c *casework, o *casebook.Order) error {
		if o.State != casebook.ServedOrder {
			return fmt.Errorf("order %s is %s: a link opens a served one: %w", id.Text(casebook.OrderPrefix), o.State, casebook.ErrConflict)
		}
		return c.tx.AddLink(id, secret.Digest)
	})
	return d.answerAddress(secret.Text), err
}

// RevokeLinks ends every link to an order, and gives how many were good until then.
func (d *Desk) RevokeLinks(ctx context.Context, who casebook.Actor, id casebook.ID) (n int, err error) {
	_, err = d.onOrder(ctx, who, "revoke answer links", id, func(c *casework, _ *casebook.Order) (err error) {
		n, err = c.tx.RevokeLinks(id)
		return err
	})
	return n, err
}

// withLink puts a fresh link into the message that serves an order; any other message
// stays as it is. A message that is sent twice has two links, and both are good.
func (d *Desk) withLink(ctx context.Context, line store.Outgoing, m Message, at time.Time) (Message, error) {
	if line.Kind != "order" || !strings.Contains(m.Text, linkMark) && !bytes.Contains(m.Body, []byte(linkMark)) {
		return m, nil
	}
	secret := access.NewSecret(access.LinkPrefix)
	_, err := d.db.Write(ctx, store.Work{Kind: "make answer link", Actor: sender.String(), At: at}, func(tx *store.Tx) error {
		order, ok, err := tx.OrderBy(line.MessageID)
		if err == nil && !ok {
			err = fmt.Errorf("message %s serves no order: %w", line.MessageID, casebook.ErrNotFound)
		}
		if err != nil {
			return err
		}
		return tx.AddLink(order.ID, secret.Digest)
	})
	link := d.answerAddress(secret.Text)
	m.Text = strings.ReplaceAll(m.Text, linkMark, link)
	m.Body = bytes.ReplaceAll(m.Body, []byte(linkMark), []byte(link))
	return m, err
}

// A Linked is an order as whoever has a link to it sees it: the order alone, with what
// was answered.
type Linked struct {
	report.Instruction
	Receipts []casebook.Anchor // entries of the log, one for each time that it was answered
}

// Linked gives the order to which the secret of a link opens the way. It gives
// ErrNotFound, always in the same words, for a secret that opens nothing.
func (d *Desk) Linked(ctx context.Context, secret string) (l Linked, err error) {
	r := d.Reader(casebook.Operator())
	link, err := r.Link(ctx, access.Digest(secret))
	if err != nil {
		return l, noLink(err)
	}
	if l.Instruction, err = d.Instruction(ctx, casebook.Operator(), link.Order); err != nil {
		return l, err
	}
	if !link.OpensAt(l.Order, d.Now()) {
		return Linked{}, errNoLink
	}
	l.Receipts, err = d.Receipts(ctx, casebook.Operator(), l.Order)
	return l, err
}

// Receipts gives the entries that say when an order was answered, to who may read its
// incident; others get none.
func (d *Desk) Receipts(ctx context.Context, scope casebook.Scope, o casebook.Order) ([]casebook.Anchor, error) {
	log, err := d.Reader(scope).Anchors(ctx, o.Incident)
	return slices.DeleteFunc(log, func(a casebook.Anchor) bool {
		return a.Kind != casebook.OrderAnswered || a.Source != o.ID.Text(casebook.OrderPrefix)
	}), err
}

// Instruction gives an order as its party reads it, with as much as the reader of a scope
// may know.
func (d *Desk) Instruction(ctx context.Context, scope casebook.Scope, id casebook.ID) (report.Instruction, error) {
	r := d.Reader(scope)
	o, err := r.Order(ctx, id)
	if err != nil {
		return report.Instruction{}, err
	}
	rows, err := r.OrderRows(ctx, id)
	if err != nil {
		return report.Instruction{}, err
	}
	i, err := r.Incident(ctx, o.Incident)
	if err != nil && !errors.Is(err, casebook.ErrNotFound) {
		return report.Instruction{}, err
	}
	parties, err := r.Parties(ctx)
	issuer := ""
	for _, p := range parties {
		if p.ID == o.By {
			issuer = p.Name
		}
	}
	return d.instructionOf(o, issuer, i.ThreatName, rows), err
}

func noLink(err error) error {
	if errors.Is(err, casebook.ErrNotFound) {
		return errNoLink
	}
	return err
}

// AnswerByLink writes what whoever has a link says of the rows of its order. Who that
// is, is on record as "link of order …" and by the name that they give.
func (d *Desk) AnswerByLink(ctx context.Context, secret, name string, answers []report.Answer) (Answered, error) {
	l, err := d.Linked(ctx, secret)
	if err != nil {
		return Answered{}, err
	}
	who := casebook.Actor{Kind: casebook.Machine, Name: "link of order " + l.Order.ID.Text(casebook.OrderPrefix)}
	return d.answer(ctx, who, clipLine(strings.TrimSpace(name), 100), l.Order.ID, answers)
}
