package report

import (
	"fmt"
	"strings"

	"tocsin/casebook"
)

// Ordered is an order with how its rows stand.
type Ordered struct {
	casebook.Order
	Rows, Answered, Verified, Reopened int
}

// OrderedOf counts how the rows of an order stand. A row that was verified or came back was
// answered too.
func OrderedOf(o casebook.Order, rows []casebook.OrderRow) Ordered {
	all := Ordered{Order: o, Rows: len(rows)}
	for _, r := range rows {
		if r.Answer != casebook.NoAnswer {
			all.Answered++
		}
		switch r.State {
		case casebook.VerifiedRow:
			all.Verified++
		case casebook.ReopenedRow:
			all.Reopened++
		}
	}
	return all
}

// measures tells what was done so far: a sentence an order that reached its party, the
// oldest first.
func (d drafter) measures() (value, from string) {
	var said []string
	for _, o := range d.m.Orders {
		if o.ServedAt.IsZero() || o.State == casebook.WithdrawnOrder {
			continue
		}
		one := fmt.Sprintf(d.say(Words{
			"%s: order %s to %s: %s. Addresses and names: %d, answered: %d, verified clean: %d",
			"%s：向%[3]s送达处置通知 %[2]s：%[4]s。涉及地址和域名 %[5]d 个，已反馈 %[6]d 个，已核验清除 %[7]d 个"}),
			moment(o.ServedAt, d.zone), o.Task, o.PartyName, measureText(o.Measure, d.m.Lang), o.Rows, o.Answered, o.Verified)
		if o.Reopened > 0 {
			one += fmt.Sprintf(d.say(Words{", seen again: %d", "，再次出现 %d 个"}), o.Reopened)
		}
		said = append(said, one+d.say(Words{".", "。"}))
	}
	return known(strings.Join(said, "\n"), "record")
}
