package capture

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"

	"tocsin/traffic"
)

// template tells how the records of a set are written.
type template struct {
	fields  []templateField
	scopes  int // how many of the first fields say what an option is about
	options bool
	least   int // the shortest record in octets
}

type templateField struct {
	kind       uint16
	enterprise uint32
	length     uint16 // 65535: told in each record
}

// varying is the length of a field that each record tells.
const varying = 0xffff

// readV9 reads NetFlow version 9 (RFC 3954).
func (c *Collector) readV9(exporter netip.AddrPort, d []byte, b *traffic.Batch) (reason string) {
	if len(d) < 20 {
		return "the header is cut short"
	}
	h := exportHeader{version: 9, uptime: binary.BigEndian.Uint32(d[4:]), exported: int64(binary.BigEndian.Uint32(d[8:])) * 1e6}
	s := c.source(sourceKey{exporter, binary.BigEndian.Uint32(d[16:]), 9})
	s.steady(&h)
	return c.sets(s, &h, d[20:], b)
}

// readIPFIX reads an IPFIX message (RFC 7011).
func (c *Collector) readIPFIX(exporter netip.AddrPort, d []byte, b *traffic.Batch) (reason string) {
	n := int(binary.BigEndian.Uint16(d[2:]))
	if n < 16 || n > len(d) {
		return fmt.Sprintf("it says it has %d octets, and has %d", n, len(d))
	}
	h := exportHeader{version: 10, exported: int64(binary.BigEndian.Uint32(d[4:])) * 1e6}
	s := c.source(sourceKey{exporter, binary.BigEndian.Uint32(d[12:]), 10})
	return c.sets(s, &h, d[16:n], b)
}

// sets reads the sets of a message.
func (c *Collector) sets(s *exportSource, h *exportHeader, d []byte, b *traffic.Batch) (reason string) {
	for len(d) >= 4 {
		id, n := binary.BigEndian.Uint16(d), int(binary.BigEndian.Uint16(d[2:]))
		if n < 4 || n > len(d) {
			return fmt.Sprintf("a set says it has %d octets where %d are left", n, len(d))
		}
		body := d[4:n]
		switch {
		case id == 0 && h.version == 9, id == 2 && h.version == 10:
			reason = c.templates(s, h, body, false, b)
		case id == 1 && h.version == 9, id == 3 && h.version == 10:
			reason = c.templates(s, h, body, true, b)
		case id < 256:
			reason = fmt.Sprintf("a set of the reserved kind %d", id)
		default:
			reason = c.data(s, h, id, body, b)
		}
		if reason != "" {
			return reason
		}
		d = d[n:]
	}
	return ""
}

// templates reads a set of templates.
func (c *Collector) templates(s *exportSource, h *exportHeader, d []byte, options bool, b *traffic.Batch) (reason string) {
	for len(d) >= 4 {
		id, count := binary.BigEndian.Uint16(d), int(binary.BigEndian.Uint16(d[2:]))
		if h.version == 10 && count == 0 && (id == 2 || id == 3) {
			c.withdraw(s, id == 3)
		}
		if id < 256 {
			return "" // padding, or all templates withdrawn
		}
		t := &template{options: options}
		switch {
		case count == 0 && h.version == 10: // withdrawn
			c.define(s, id, nil)
			d = d[4:]
			continue
		case options && len(d) < 6:
			return "an options template is cut short"
		case options && h.version == 9: // lengths in octets, of scopes and options
			t.scopes = count / 4
			count = t.scopes + int(binary.BigEndian.Uint16(d[4:]))/4
			d = d[6:]
		case options:
			t.scopes = int(binary.BigEndian.Uint16(d[4:]))
			d = d[6:]
		default:
			d = d[4:]
		}
		if count == 0 || count > maxFields || t.scopes > count {
			return fmt.Sprintf("template %d has %d fields, from 1 to %d are read", id, count, maxFields)
		}
		if d, reason = t.read(id, count, h.version == 10, d); reason != "" {
			return reason
		}
		if s.templates[id] == nil && len(s.templates) >= maxTemplates {
			return fmt.Sprintf("more than %d templates", maxTemplates)
		}
		c.define(s, id, t)
		c.wake(s, id, b)
	}
	return ""
}

// withdraw forgets all templates of a kind (RFC 7011, section 8.1).
func (c *Collector) withdraw(s *exportSource, options bool) {
	for id, t := range s.templates {
		if t.options == options {
			c.define(s, id, nil)
		}
	}
}

// read reads a template's fields and gives what follows them.
func (t *template) read(id uint16, count int, enterprises bool, d []byte) (rest []byte, reason string) {
	t.fields = make([]templateField, 0, min(count, len(d)/4))
	for range count {
		if len(d) < 4 {
			return nil, fmt.Sprintf("template %d is cut short", id)
		}
		f := templateField{kind: binary.BigEndian.Uint16(d), length: binary.BigEndian.Uint16(d[2:])}
		d = d[4:]
		if enterprises && f.kind&0x8000 != 0 {
			if len(d) < 4 {
				return nil, fmt.Sprintf("template %d is cut short", id)
			}
			f.kind, f.enterprise = f.kind&0x7fff, binary.BigEndian.Uint32(d)
			d = d[4:]
		}
		if f.length == varying && enterprises {
			t.least++
		} else {
			t.least += int(f.length)
		}
		t.fields = append(t.fields, f)
	}
	if t.least == 0 {
		return nil, fmt.Sprintf("template %d has records of no octets", id)
	}
	return d, ""
}

// data reads a set of records, or lets it wait for its template.
func (c *Collector) data(s *exportSource, h *exportHeader, id uint16, d []byte, b *traffic.Batch) (reason string) {
	t := s.templates[id]
	if t == nil {
		if len(s.waiting) >= maxWaiting {
			c.waiting -= len(s.waiting[0].body)
			s.waiting = append(s.waiting[:0], s.waiting[1:]...)
			c.tally.Cut++
		}
		if c.waiting+len(d) > maxAllWaiting {
			c.tally.Cut++
			return ""
		}
		s.waiting = append(s.waiting, waitingSet{id, *h, slices.Clone(d)})
		c.waiting += len(d)
		return ""
	}
	for len(d) >= t.least {
		n := c.record(s, h, t, d, b)
		if n <= 0 {
			return fmt.Sprintf("a record of template %d is cut short", id)
		}
		d = d[n:]
	}
	return "" // what is left is padding
}

// wake reads the sets that waited for a template.
func (c *Collector) wake(s *exportSource, id uint16, b *traffic.Batch) {
	kept := s.waiting[:0]
	var ready []waitingSet
	for _, w := range s.waiting {
		if w.id == id {
			ready = append(ready, w)
			c.waiting -= len(w.body)
		} else {
			kept = append(kept, w)
		}
	}
	s.waiting = kept
	for i := range ready {
		c.data(s, &ready[i].header, id, ready[i].body, b)
	}
}
