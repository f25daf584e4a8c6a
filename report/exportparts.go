package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"tocsin/casebook"
	"tocsin/ledger"
)

// filings writes each version of each report as it was filed, and compares the form
// with the digest of its version.
func (c Case) filings(a *archive) error {
	for _, filing := range c.Reports {
		id := filing.Report.ID.Text(casebook.ReportPrefix)
		for _, f := range filing.Forms {
			dir := fmt.Sprintf("reports/%s/v%d/", id, f.Version)
			a.forms[fmt.Sprintf("%s/%d", id, f.Version)] = dir + "page.html"
			text, err := f.JSON()
			if err != nil {
				return err
			}
			for _, v := range filing.Versions {
				if got := casebook.Digest(sha256.Sum256(text)); v.Number == f.Version && v.Digest != got {
					a.fault("%sform.json has the SHA-256 %s, and version %d was filed with %s: it isn't what was filed", dir, got, v.Number, v.Digest)
				}
			}
			for _, err := range []error{
				a.bytes(dir+"form.json", text),
				a.bytes(dir+"letter.txt", []byte(f.Letter(English))),
				a.bytes(dir+"letter.zh.txt", []byte(f.Letter(Chinese))),
				a.put(dir+"page.html", func(w io.Writer) error { return f.Page(w, English) }),
				a.put(dir+"page.zh.html", func(w io.Writer) error { return f.Page(w, Chinese) }),
				a.put(dir+"rows.csv", func(w io.Writer) error { return WriteRows(w, f.Rows) }),
			} {
				if err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (c Case) orders(a *archive) error {
	for _, o := range c.Orders {
		id := o.Order.ID.Text(casebook.OrderPrefix)
		dir := "orders/" + id + "/"
		a.orders[id] = dir + "page.html"
		for _, err := range []error{
			a.bytes(dir+"letter.txt", []byte(o.Letter(English))),
			a.bytes(dir+"letter.zh.txt", []byte(o.Letter(Chinese))),
			a.put(dir+"page.html", func(w io.Writer) error { return o.Page(w, English) }),
			a.put(dir+"page.zh.html", func(w io.Writer) error { return o.Page(w, Chinese) }),
			a.put(dir+"rows.csv", func(w io.Writer) error { return o.WriteRows(w, English) }),
		} {
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (c Case) originals(a *archive) error {
	for _, o := range c.Originals {
		name := "originals/" + o.Delivery.ID.Text(casebook.DeliveryPrefix) + "-" + fileName(o.Delivery.Name)
		s, err := a.copy(name, o.Delivery.Digest, o.Open)
		if err != nil {
			return err
		}
		a.originals = append(a.originals, s)
	}
	return nil
}

func (c Case) attachments(a *archive) error {
	for i, p := range c.Proofs {
		s, err := a.copy(fmt.Sprintf("proofs/%03d-%s", i+1, fileName(p.Name)), p.Digest, p.Open)
		if err != nil {
			return err
		}
		a.proofs = append(a.proofs, s)
	}
	return nil
}

// packs writes the law as it was applied, and compares its digest.
func (c Case) packs(a *archive) error {
	for _, p := range c.Packs {
		bare := strings.TrimPrefix(p.Digest, "sha256:")
		name := fmt.Sprintf("packs/%s-%s.json", fileName(p.Regime), fileName(bare[:min(len(bare), 16)]))
		if err := a.bytes(name, p.Text); err != nil {
			return err
		}
		a.packNames = append(a.packNames, name)
		if got := fmt.Sprintf("%x", sha256.Sum256(p.Text)); got != bare {
			a.fault("%s has the SHA-256 %s, and what was applied had %s: it isn't that pack", name, got, bare)
		}
	}
	return nil
}

// record writes the ledger's part, and verifies it as a reader would.
func (c Case) record(a *archive) error {
	r := c.Record
	if len(r.Checkpoint) == 0 {
		a.fault("no checkpoint of the ledger is in the archive: nothing shows that the case was recorded as it is told")
		return nil
	}
	for _, f := range []struct {
		name string
		text []byte
	}{{"record/checkpoint", r.Checkpoint}, {"record/ledger.pub", []byte(strings.TrimSpace(r.Verifier) + "\n")}, {"record/checkpoint.tsr", r.Timestamp}} {
		if len(f.text) == 0 {
			continue
		}
		if err := a.bytes(f.name, f.text); err != nil {
			return err
		}
	}
	cp, err := ledger.OpenCheckpoint(r.Checkpoint, r.Verifier)
	if err != nil {
		a.fault("record/checkpoint can't be trusted: %v", err)
	}
	for _, ch := range r.Changes {
		if err := c.change(a, ch, cp); err != nil {
			return err
		}
	}
	return nil
}

// change writes one entry with its change set, its proof and its rows.
func (c Case) change(a *archive, ch Change, cp ledger.Checkpoint) error {
	stem := leafName(ch.Leaf)
	var proof bytes.Buffer
	for _, h := range ch.Proof {
		fmt.Fprintf(&proof, "%x\n", h[:])
	}
	for _, f := range []struct {
		name string
		text []byte
	}{{"entry", ch.Entry}, {"changes", ch.Pack}, {"proof", proof.Bytes()}} {
		if err := a.bytes(stem+"."+f.name, f.text); err != nil {
			return err
		}
	}
	for _, row := range ch.Rows {
		if err := a.bytes(fmt.Sprintf("%s.row-%s-%d", stem, fileName(row.Table), row.Key), row.Octets); err != nil {
			return err
		}
		if digest := sha256.Sum256(row.Octets); !bytes.Contains(ch.Pack, digest[:]) {
			a.fault("%s.row-%s-%d isn't what entry %d recorded", stem, row.Table, row.Key, ch.Leaf)
		}
	}
	e, err := ledger.ParseEntry(ch.Entry)
	if err != nil {
		a.fault("%s.entry is no entry of a ledger: %v", stem, err)
		return nil
	}
	if sha256.Sum256(ch.Pack) != e.Changes {
		a.fault("%s.changes isn't the change set that its entry names", stem)
	}
	if err := ledger.VerifyInclusion(ch.Proof, cp.Size, cp.Root, ch.Leaf, ledger.LeafHash(ch.Entry)); err != nil {
		a.fault("%s.proof doesn't lead to the checkpoint: %v", stem, err)
	}
	return nil
}

func leafName(leaf int64) string { return fmt.Sprintf("record/leaf-%09d", leaf) }

// pages writes what is made of all the rest: the case for people and for programs,
// lists, faults, and how to verify it.
func (c Case) pages(a *archive) error {
	if len(a.faults) > 0 {
		if err := a.bytes("FAULTS.txt", []byte(strings.Join(a.faults, "\n")+"\n")); err != nil {
			return err
		}
	}
	text, err := c.json(a)
	if err != nil {
		return err
	}
	for _, err := range []error{
		a.bytes("case.json", text),
		a.put("originals.csv", func(w io.Writer) error { return c.originalsCSV(w, a) }),
		a.put("record.csv", c.recordCSV),
		a.put("index.html", func(w io.Writer) error { return c.index(w, a, English) }),
		a.put("index.zh.html", func(w io.Writer) error { return c.index(w, a, Chinese) }),
		a.bytes("verify.sh", []byte(verifyScript)),
		a.bytes("README.txt", []byte(c.readme())),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}

func (c Case) originalsCSV(w io.Writer, a *archive) error {
	return writeTable(w, []string{"delivery", "file", "bytes", "sha256", "feed", "name", "door", "received_at", "rows", "fault"}, len(c.Originals), func(i int) []string {
		d, s := c.Originals[i].Delivery, a.originals[i]
		return []string{
			d.ID.Text(casebook.DeliveryPrefix), s.name, fmt.Sprint(d.Bytes), d.Digest.String(), d.Feed, d.Name, d.Door, instant(d.ReceivedAt), fmt.Sprint(d.Rows), s.fault,
		}
	})
}

func (c Case) recordCSV(w io.Writer) error {
	return writeTable(w, []string{"leaf", "act", "actor", "at", "changes_sha256", "file", "what"}, len(c.Record.Changes), func(i int) []string {
		ch := c.Record.Changes[i]
		e, _ := ledger.ParseEntry(ch.Entry) // told as a fault above
		return []string{fmt.Sprint(ch.Leaf), e.Kind, e.Actor, instant(micros(e.At)), hex.EncodeToString(e.Changes[:]), leafName(ch.Leaf) + ".entry", ch.Says}
	})
}
