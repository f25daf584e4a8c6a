package desk

import (
	"encoding/json"
	"fmt"

	"tocsin/casebook"
	"tocsin/store"
)

// bounced writes that a filing or an order didn't reach who must have it, into its
// case, and calls people: they send it again, or bring it by another channel. That a
// call of ours failed is told by the other contacts.
func (d *Desk) bounced(tx *store.Tx, o store.Outgoing) error {
	c := casework{desk: d, tx: tx, who: sender, at: tx.At(), clock: d.ClockState()}
	to, ok, err := tx.RecipientBy(o.MessageID)
	if err != nil {
		return err
	}
	if ok {
		if err := c.unreached(to, o); err != nil {
			return err
		}
		return d.enqueue(tx, c.at, c.calls)
	}
	order, ok, err := tx.OrderBy(o.MessageID)
	if err != nil || !ok {
		return err
	}
	if c.incident, err = tx.Incident(order.Incident); err != nil {
		return err
	}
	if err := c.notDelivered(order.ID.Text(casebook.OrderPrefix), order.PartyName, o); err != nil {
		return err
	}
	return d.enqueue(tx, c.at, c.calls)
}

// unreached writes that a recipient refused a filing. What it had before stays.
func (c *casework) unreached(to casebook.Recipient, o store.Outgoing) error {
	one, _, err := c.tx.Report(to.Report)
	if err != nil {
		return err
	}
	if c.incident, err = c.tx.Incident(one.Incident); err != nil {
		return err
	}
	if to.DispatchedAt.IsZero() {
		to.Proof = "not delivered: " + o.Fault
		if err := c.tx.SaveRecipient(to); err != nil {
			return err
		}
	}
	return c.notDelivered(one.ID.Text(casebook.ReportPrefix), to.Name, o)
}

func (c *casework) notDelivered(what, to string, o store.Outgoing) error {
	note := fmt.Sprintf("%s, to %s: %s", o.MessageID, to, o.Fault)
	c.calls = append(c.calls, call{kind: callBounced, incident: c.incident, note: note, at: c.at})
	return c.log(casebook.Anchor{Kind: casebook.NotDelivered, At: c.at, Source: what, Note: clipLine(note, 2000)})
}

// readdress gives a line of a filing or an order the contact that its party has now: the
// old one may be why it has to go again.
func (d *Desk) readdress(tx *store.Tx, o *store.Outgoing) error {
	target, err := contactOf(tx, o.MessageID)
	if err != nil || target == "" {
		return err
	}
	m, err := ReadMessage(o.Payload)
	if err != nil || m.Target == target {
		return err
	}
	m.Target = target
	if o.Payload, err = json.Marshal(m); err == nil {
		o.Fault += ", to the contact of today"
	}
	return err
}

// contactOf gives where a line's party is reached; "" for a line of no case.
func contactOf(tx *store.Tx, message string) (string, error) {
	to, ok, err := tx.RecipientBy(message)
	if err != nil {
		return "", err
	}
	if ok {
		one, _, err := tx.Report(to.Report)
		if err != nil {
			return "", err
		}
		i, err := tx.Incident(one.Incident)
		c := casework{tx: tx, incident: i}
		if err != nil {
			return "", err
		}
		return c.reach(to.Role, "reports")
	}
	order, ok, err := tx.OrderBy(message)
	if err != nil || !ok {
		return "", err
	}
	return orderContact(tx, order.Party)
}

// orderContact gives where a party is reached for orders; "" where it has no such
// contact.
func orderContact(tx *store.Tx, party casebook.ID) (string, error) {
	contacts, err := tx.Contacts(party)
	for _, one := range contacts {
		if one.Kind == "orders" {
			return one.Target, err
		}
	}
	return "", err
}
