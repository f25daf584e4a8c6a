package desk

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/casebook"
	"tocsin/regime"
	"tocsin/report"
	"tocsin/store"
)

// Measures are what an order may ask for.
var Measures = []string{"clean", "notify_user", "suspend_domain", "block_address", "disconnect", "preserve_evidence", "other"}

// A Command is an order as somebody drafts it.
type Command struct {
	Incident casebook.ID
	Party    casebook.ID   // to whom
	Findings []casebook.ID // none: every one of the party's in the incident's threat that isn't verified
	Measure  string
	Regime   string // whose power; "" looks in all that are in force
	Limit    time.Duration
	Text     string
}

// DraftOrder drafts an order. It gives ErrForbidden, with the sentence which power is
// missing, where no law in force lets one of our parties order this of that party.
func (d *Desk) DraftOrder(ctx context.Context, who casebook.Actor, o Command) (casebook.Order, error) {
	at := d.Now()
	var order casebook.Order
	if err := d.isPerson(who, "draft an order"); err != nil {
		return order, err
	}
	if !slices.Contains(Measures, o.Measure) {
		return order, fmt.Errorf("measure %q: it is one of %s: %w", o.Measure, strings.Join(Measures, ", "), casebook.ErrInvalid)
	}
	if err := isLimit(o.Limit); err != nil {
		return order, err
	}
	_, err := d.change(ctx, who, "draft order", at, o.Incident, func(c *casework) error {
		if c.incident.State != casebook.OpenIncident {
			return fmt.Errorf("incident %s is %s: only an open one orders anything: %w", o.Incident.Text(casebook.IncidentPrefix), c.incident.State, casebook.ErrConflict)
		}
		to, err := c.tx.Party(o.Party)
		if err != nil {
			return err
		}
		by, power, err := c.power(to, o)
		if err != nil {
			return err
		}
		if len(o.Findings) == 0 {
			if o.Findings, err = c.tx.FindingsOf(c.incident.Threat, to, maxRows); err != nil {
				return err
			}
		}
		if len(o.Findings) == 0 {
			return fmt.Errorf("nothing of %s is known in this incident: name the findings: %w", to.Name, casebook.ErrInvalid)
		}
		m := c.incident.Mark
		m.RecordedBy = who.String()
		order, err = c.tx.DraftOrder(casebook.Order{Mark: m, Incident: o.Incident, Party: to.ID, PartyName: to.Name, By: by.ID, Measure: o.Measure,
			Power: power.Regime + "/" + power.ID, Article: power.Article, Pack: power.Pack, Form: power.Form, Limit: o.Limit, Text: clip(o.Text, 8000)}, o.Findings)
		if err != nil {
			return err
		}
		return c.log(casebook.Anchor{Kind: casebook.OrderDrafted, At: at, Source: order.ID.Text(casebook.OrderPrefix), Note: fmt.Sprintf("%s, %d rows, to %s under %s", o.Measure, len(o.Findings), to.Name, order.Power)})
	})
	return order, err
}

// CloseOrder ends a served order: what was asked is done as far as it will be. Rows that
// weren't checked stay as they are, and the reason says why.
func (d *Desk) CloseOrder(ctx context.Context, who casebook.Actor, id casebook.ID, reason string) (casebook.Order, error) {
	if reason = clip(strings.TrimSpace(reason), 2000); reason == "" {
		return casebook.Order{}, fmt.Errorf("say how it ended: %w", casebook.ErrInvalid)
	}
	return d.onOrder(ctx, who, "close order", id, func(c *casework, o *casebook.Order) error {
		if o.State != casebook.ServedOrder {
			return fmt.Errorf("order %s is %s: only a served one is closed: %w", id.Text(casebook.OrderPrefix), o.State, casebook.ErrConflict)
		}
		rows, err := c.tx.OrderRows(id)
		if err != nil {
			return err
		}
		checked := 0
		for _, r := range rows {
			if r.State == casebook.VerifiedRow || r.State == casebook.UnverifiedRow {
				checked++
			}
		}
		o.State, o.Reason = casebook.ClosedOrder, reason
		return c.log(casebook.Anchor{Kind: casebook.OrderClosed, At: c.at, Source: id.Text(casebook.OrderPrefix), Note: fmt.Sprintf("%d of %d rows checked; %s", checked, len(rows), reason)})
	})
}

// power finds what an order of one of our parties to another rests on today.
func (c *casework) power(to casebook.Party, o Command) (by casebook.Party, power regime.Power, err error) {
	own, err := c.tx.OwnParties(c.incident.Mark.Tenant)
	if err != nil {
		return by, power, err
	}
	if len(own) == 0 {
		return by, power, fmt.Errorf("this platform speaks for no party, so that nobody here may order: tocsin party add --own: %w", casebook.ErrForbidden)
	}
	return c.desk.power(own, to, o.Regime, c.at)
}

// power finds what an order of one of some own parties to another rests on at a moment;
// regime "" looks in every law in force.
func (d *Desk) power(own []casebook.Party, to casebook.Party, law string, at time.Time) (by casebook.Party, power regime.Power, err error) {
	if len(own) == 0 {
		return by, power, fmt.Errorf("this platform speaks for no party, so that nobody here may order: tocsin party add --own: %w", casebook.ErrForbidden)
	}
	var regimes []string
	if law != "" {
		regimes = []string{law}
	}
	var missing error
	for _, p := range own {
		for _, role := range p.Roles {
			for _, against := range to.Roles {
				power, err := d.laws.Power(at, "order", role, against, regimes...)
				if err == nil {
					return p, power, nil
				}
				missing = cmp.Or(missing, err)
			}
		}
	}
	return by, power, missing
}

// Powers gives what an order to a party may rest on now, the one that is taken where
// nobody chooses first. Where there is none it gives ErrForbidden, with the sentence
// which power is missing.
func (d *Desk) Powers(ctx context.Context, scope casebook.Scope, to casebook.Party) ([]regime.Power, error) {
	at := d.Now()
	own, err := d.Reader(scope).Parties(ctx)
	if err != nil {
		return nil, err
	}
	own = slices.DeleteFunc(own, func(p casebook.Party) bool { return !p.Own || !p.At(at) })
	_, first, err := d.power(own, to, "", at)
	if err != nil {
		return nil, err
	}
	all := []regime.Power{first}
	for _, law := range d.laws.InForce(at) {
		if _, one, err := d.power(own, to, law.ID, at); err == nil && law.ID != first.Regime {
			all = append(all, one)
		}
	}
	return all, nil
}

// ApproveOrder approves a draft. It takes another person than the one who drafted it.
func (d *Desk) ApproveOrder(ctx context.Context, who casebook.Actor, id casebook.ID) (casebook.Order, error) {
	return d.onOrder(ctx, who, "approve order", id, func(c *casework, o *casebook.Order) error {
		if o.State != casebook.DraftOrder {
			return fmt.Errorf("order %s is %s: %w", id.Text(casebook.OrderPrefix), o.State, casebook.ErrConflict)
		}
		if o.DraftedBy == who.String() {
			return fmt.Errorf("order %s was drafted by %s: it needs a second person: %w", id.Text(casebook.OrderPrefix), who.Name, casebook.ErrForbidden)
		}
		// A power may have gone out of force since.
		to, err := c.tx.Party(o.Party)
		if err != nil {
			return err
		}
		law, _, _ := strings.Cut(o.Power, "/")
		if _, _, err := c.power(to, Command{Regime: law}); err != nil {
			return err
		}
		o.State, o.ApprovedBy = casebook.ApprovedOrder, who.String()
		return c.log(casebook.Anchor{Kind: casebook.OrderApproved, At: c.at, Source: id.Text(casebook.OrderPrefix)})
	})
}

// ServeOrder serves an approved order. In the program it goes to the party's contact
// for orders, and is served when the other side has taken it; outside it was served at
// a moment, with a proof. The limit runs from service.
func (d *Desk) ServeOrder(ctx context.Context, who casebook.Actor, id casebook.ID, outside *Receipt) (casebook.Order, error) {
	order, err := d.onOrder(ctx, who, "serve order", id, func(c *casework, o *casebook.Order) error {
		if o.State != casebook.ApprovedOrder {
			return fmt.Errorf("order %s is %s, not approved: %w", id.Text(casebook.OrderPrefix), o.State, casebook.ErrConflict)
		}
		if o.Task == "" {
			var err error
			if o.Task, err = c.task(*o); err != nil {
				return err
			}
		}
		if outside != nil {
			at, err := c.from(outside)
			if err != nil {
				return err
			}
			if err := c.tx.StopOutgoing(orderMessage(o.ID, 1), "served outside before it was sent"); err != nil {
				return err
			}
			return c.served(*o, at, outside.Proof)
		}
		rows, err := c.tx.OrderRows(o.ID)
		if err != nil {
			return err
		}
		return c.sendOrder(*o, rows)
	})
	d.outgoing.tell()
	return order, err
}

// orderMessage names what carries an order: the order itself is 1, and each further
// limit one more.
func orderMessage(id casebook.ID, n int) string {
	name := "ord-" + strings.TrimPrefix(id.Text(casebook.OrderPrefix), "ord_")
	if n > 1 {
		name = partID(name, n)
	}
	return name
}

// sendOrder puts rows of an order, with its task number, into the outbox for its party's
// contact. It gives ErrConflict where the party has none, and for an order that is on
// its way already.
func (c *casework) sendOrder(o casebook.Order, rows []casebook.OrderRow) error {
	target, err := orderContact(c.tx, o.Party)
	if err != nil {
		return err
	}
	if target == "" {
		return fmt.Errorf("%s has no contact for orders: add one (tocsin party contact), or serve it outside with its proof: %w", o.PartyName, casebook.ErrConflict)
	}
	n := 1
	if o.State == casebook.ServedOrder {
		log, err := c.tx.Anchors(c.incident.ID)
		if err != nil {
			return err
		}
		for _, a := range log {
			if a.Kind == casebook.OrderExtended && a.Source == o.ID.Text(casebook.OrderPrefix) {
				n++
			}
		}
	}
	message := orderMessage(o.ID, n)
	saved, err := c.tx.Order(o.ID)
	if err != nil {
		return err
	}
	saved.Task = o.Task
	if err := c.tx.SaveOrder(saved, message); err != nil {
		return err
	}
	if err = c.postOrder(o, rows, message, target); errors.Is(err, casebook.ErrConflict) {
		err = fmt.Errorf("order %s is in the outbox already, as %s: look what became of it (tocsin outbox list), send it again (tocsin outbox resend), or serve it outside with its proof: %w", o.ID.Text(casebook.OrderPrefix), message, casebook.ErrConflict)
	}
	return err
}

func (c *casework) postOrder(o casebook.Order, rows []casebook.OrderRow, message, target string) error {
	instruction, err := c.instruction(o, rows)
	if err != nil {
		return err
	}
	instruction.AnswerPage = c.desk.answerPage()
	body, err := json.Marshal(map[string]any{"kind": "order", "id": o.ID.Text(casebook.OrderPrefix), "task": o.Task, "measure": o.Measure, "power": o.Power, "article": o.Article, "limit_s": int64(o.Limit.Seconds()), "answer_url": instruction.AnswerPage, "exercise": o.Mark.Exercise})
	if err != nil {
		return err
	}
	lang := c.desk.lang()
	payload, err := json.Marshal(Message{Target: target, Subject: instruction.Subject(lang), Text: instruction.Letter(lang), Body: body, At: c.at.UTC(), Urgent: true})
	if err != nil {
		return err
	}
	return c.tx.Enqueue(store.OutboxLine{Tenant: c.incident.Mark.Tenant, Kind: "order", MessageID: message, Payload: payload})
}

// task gives an order its number: of the region of who orders, the country's where
// that has none.
func (c *casework) task(o casebook.Order) (string, error) {
	region := "ZZ" // ISO 3166 keeps it free for users
	if !o.By.IsZero() {
		by, err := c.tx.Party(o.By)
		if err != nil {
			return "", err
		}
		region = cmp.Or(by.Region, region)
	}
	year := c.at.UTC().Year()
	n, err := c.tx.NextTask(c.incident.Mark.Tenant, fmt.Sprintf("%s-%d-", strings.ToUpper(region), year))
	if err != nil {
		return "", err
	}
	number, err := report.NewTaskNumber(region, year, n)
	return number.String(), err
}

// instruction is an order as its party reads it.
func (c *casework) instruction(o casebook.Order, rows []casebook.OrderRow) (report.Instruction, error) {
	issuer := ""
	if !o.By.IsZero() {
		by, err := c.tx.Party(o.By)
		if err != nil {
			return report.Instruction{}, err
		}
		issuer = by.Name
	}
	return c.desk.instructionOf(o, issuer, c.incident.ThreatName, rows), nil
}

// instructionOf makes an order into what its party reads, by the version of the law on
// which it rests.
func (d *Desk) instructionOf(o casebook.Order, issuer, what string, rows []casebook.OrderRow) report.Instruction {
	in := report.Instruction{Order: o, Issuer: issuer}
	if pack, err := d.laws.ByDigest(o.Pack); err == nil {
		in.Zone = pack.Zone
		_, id, _ := strings.Cut(o.Power, "/")
		for _, p := range pack.Powers {
			if p.ID == id {
				in.Power, in.Confidence, in.Appeal = p.Says, p.Confidence, p.Appeal
			}
		}
	}
	for _, r := range rows {
		in.Rows = append(in.Rows, report.OrderRow{OrderRow: r, What: what})
	}
	return in
}

// served writes that an order reached its party: the limit runs, its findings are told,
// and the party sees the order.
func (c *casework) served(o casebook.Order, at time.Time, proof string) error {
	o.State, o.ServedAt, o.Due = casebook.ServedOrder, at, at.Add(o.Limit)
	if err := c.tx.SaveOrder(o, ""); err != nil {
		return err
	}
	rows, err := c.tx.OrderRows(o.ID)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if err := c.tx.SetFinding(r.Finding, o.Party, casebook.Told); err != nil {
			return err
		}
	}
	if err := c.tx.Share(casebook.SharedOrder, o.ID, o.Party, "served"); err != nil {
		return err
	}
	return c.log(casebook.Anchor{Kind: casebook.OrderServed, At: at, Source: o.ID.Text(casebook.OrderPrefix), Note: o.Task + "; " + clip(proof, 500)})
}

// WithdrawOrder takes an order back, with the reason.
func (d *Desk) WithdrawOrder(ctx context.Context, who casebook.Actor, id casebook.ID, reason string) (casebook.Order, error) {
	if reason = clip(strings.TrimSpace(reason), 2000); reason == "" {
		return casebook.Order{}, fmt.Errorf("say why it is withdrawn: %w", casebook.ErrInvalid)
	}
	return d.onOrder(ctx, who, "withdraw order", id, func(c *casework, o *casebook.Order) error {
		if o.State >= casebook.ClosedOrder {
			return fmt.Errorf("order %s is %s: %w", id.Text(casebook.OrderPrefix), o.State, casebook.ErrConflict)
		}
		o.State, o.Reason = casebook.WithdrawnOrder, reason
		if err := c.tx.StopOutgoing(orderMessage(id, 1), "withdrawn before it was sent"); err != nil {
			return err
		}
		return c.log(casebook.Anchor{Kind: casebook.OrderWithdrawn, At: c.at, Source: id.Text(casebook.OrderPrefix), Note: reason})
	})
}

func (d *Desk) onOrder(ctx context.Context, who casebook.Actor, kind string, id casebook.ID, f func(*casework, *casebook.Order) error) (casebook.Order, error) {
	at := d.Now()
	var order casebook.Order
	if err := d.isPerson(who, kind); err != nil {
		return order, err
	}
	return order, d.act(ctx, who, kind, at, func(c *casework) (err error) {
		if order, err = c.tx.Order(id); err != nil {
			return err
		}
		if c.incident, err = c.tx.Incident(order.Incident); err != nil {
			return err
		}
		if err := f(c, &order); err != nil {
			return err
		}
		if now, err := c.tx.Order(id); err != nil || now.State == casebook.ServedOrder && order.State == casebook.ApprovedOrder {
			order = now
			return err
		}
		return c.tx.SaveOrder(order, "")
	})
}
