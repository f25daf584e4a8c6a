package desk

import (
	"context"
	"fmt"
	"io"
	"path"
	"strings"

	"tocsin/casebook"
	"tocsin/store"
)

// An Arrival is bytes at a door, with what their sender says of them.
type Arrival struct {
	Feed     string // name of the format
	Type     string // report type, "" to take it from Name
	Name     string // what the sender calls it
	Door     string // "file", "http"
	Exercise bool
	Party    casebook.ID // that hands it in and may see what becomes of it; zero: the platform's own
	Body     io.Reader
}

// Accepted is the answer to an arrival that is on disk.
type Accepted struct {
	casebook.Delivery
	Known   bool // the same bytes were accepted before
	Receipt store.Receipt
}

// Accept keeps the bytes of an arrival and records them as a delivery. When it
// returns without error both are on disk. Folding it comes later. It gives
// ErrNotFound for an unknown feed, ErrInvalid when the report type can't be told,
// ErrTooLarge past the bound of a delivery.
func (d *Desk) Accept(ctx context.Context, who casebook.Actor, a Arrival) (Accepted, error) {
	at := d.Now()
	format, err := d.feeds.Find(a.Feed)
	if err != nil {
		return Accepted{}, err
	}
	name := path.Base(strings.ReplaceAll(a.Name, `\`, "/"))
	if a.Name == "" {
		name = ""
	}
	kind, err := format.ReportType(name, a.Type)
	if err != nil {
		return Accepted{}, err
	}
	kept, err := d.vault.Put(ctx, a.Body)
	if err != nil {
		return Accepted{}, err
	}
	delivery := casebook.Delivery{
		Mark:       casebook.Mark{Tenant: 1, TLP: format.TLP, Exercise: a.Exercise, RecordedBy: who.String()},
		Digest:     kept.Digest,
		Bytes:      kept.Bytes,
		Feed:       a.Feed,
		Type:       kind,
		Name:       clipLine(name, 255),
		Door:       a.Door,
		ReceivedAt: at,
		Format:     format.Version,
	}
	var answer Accepted
	answer.Receipt, err = d.db.Write(ctx, store.Work{Kind: "accept", Actor: who.String(), At: at}, func(tx *store.Tx) (err error) {
		answer.Delivery, answer.Known, err = tx.Accept(delivery)
		if err == nil && !a.Party.IsZero() {
			err = tx.Share(casebook.SharedDelivery, answer.ID, a.Party, "delivered by it")
		}
		return err
	})
	if err != nil {
		return Accepted{}, fmt.Errorf("record delivery %s: %w", name, err)
	}
	select {
	case d.arrived <- struct{}{}:
	default: // a token is there already
	}
	return answer, nil
}

// clipLine bounds what is one line by nature, as a name: n octets at most, and no
// control character, a line break among them.
func clipLine(s string, n int) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s[:min(len(s), n)], "?"))
}

// clip bounds what people write in lines: n octets at most, with the line breaks and no
// other control character.
func clip(s string, n int) string {
	lines := strings.Split(strings.ReplaceAll(s[:min(len(s), n)], "\r\n", "\n"), "\n")
	for i, line := range lines {
		lines[i] = clipLine(strings.ReplaceAll(line, "\t", " "), len(line))
	}
	return strings.Join(lines, "\n")
}
