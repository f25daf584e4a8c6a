package capture

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"tocsin/casebook"
	"tocsin/traffic"
)

// Collector reads the datagrams that exporters send: NetFlow versions 5 and 9, IPFIX
// and sFlow version 5, told by their content. It keeps what one datagram says for
// later ones (templates, sampling rates), apart for each exporter and observation
// domain, in bounded room. It serves one goroutine.
type Collector struct {
	tally   tally
	strings traffic.Strings
	sources map[sourceKey]*exportSource
	recent  exportList
	wire    wire // reads the headers in sFlow's samples
	fields  int  // of all templates
	waiting int  // octets of all sets that wait
}

const (
	// maxSources is how many exporters and domains are remembered; the one not heard
	// longest is forgotten for a new one.
	maxSources = 4096
	// maxTemplates and maxFields bound what a source may define; a template past the
	// bound is refused. A template's fields past 64 KiB wouldn't fit its datagram.
	maxTemplates = 512
	maxFields    = 512
	// maxAllFields bounds the fields of all sources' templates together; past it, the
	// sources not heard longest are forgotten.
	maxAllFields = 1 << 20
	// maxAllWaiting bounds the octets that wait for templates of all sources.
	maxAllWaiting = 16 << 20
	// maxSamplers bounds the sampling rates that a source may tell.
	maxSamplers = 256
	// maxWaiting is how many sets of a source wait for their template.
	maxWaiting = 32
)

// sourceKey is an exporter and its observation domain.
type sourceKey struct {
	exporter netip.AddrPort
	domain   uint32
	version  uint16
}

// exportSource is what is remembered of one source.
type exportSource struct {
	key       sourceKey
	point     string
	leaving   string // the point where traffic goes out, "" until a record says so
	templates map[uint16]*template
	rates     map[uint64]uint32 // by sampler
	rate      uint32            // of the whole source, 0 unknown
	booted    int64             // µs since 1970, 0 unknown
	anchor    int64             // µs since 1970: what uptimes count from
	waiting   []waitingSet
	prev      *exportSource
	next      *exportSource
}

// waitingSet came before its template, in a message of this header.
type waitingSet struct {
	id     uint16
	header exportHeader
	body   []byte
}

// exportHeader is what records need to know of their message.
type exportHeader struct {
	version  uint16
	exported int64  // µs since 1970
	uptime   uint32 // ms, of versions 5 and 9
}

// NewCollector gives a collector that knows no exporter yet.
func NewCollector() *Collector {
	c := &Collector{sources: make(map[sourceKey]*exportSource)}
	c.wire.tally = &c.tally
	return c
}

// Datagram adds the records of one datagram to the batch, which it doesn't empty.
// exporter is where it came from, received the moment by our clock in µs since 1970,
// which sFlow's samples are dated by. It gives ErrInvalid for a datagram that makes no
// sense, wholly or from somewhere on; what came before is in the batch. Records whose
// template isn't known yet wait for it, a bounded number. The datagram may be
// overwritten afterwards.
func (c *Collector) Datagram(exporter netip.AddrPort, received int64, datagram []byte, b *traffic.Batch) error {
	before := b.Len()
	c.tally.Rows++
	reason := c.read(netip.AddrPortFrom(exporter.Addr().Unmap().WithZone(""), exporter.Port()), received, datagram, b)
	c.tally.Records += int64(b.Len() - before)
	if reason == "" {
		return nil
	}
	c.tally.refuse(c.tally.Rows, 0, exporter.String(), reason)
	return fmt.Errorf("datagram of %v: %s: %w", exporter, reason, casebook.ErrInvalid)
}

// Counts tells how the reading went so far; a row is a datagram.
func (c *Collector) Counts() Counts { return c.tally.Counts }

// Refusals gives the first refusals, at most 100: Row is the datagram's number, Field
// the exporter.
func (c *Collector) Refusals() []casebook.Refusal { return c.tally.kept }

// read reads a datagram by its version; reason is set if it makes no sense.
func (c *Collector) read(exporter netip.AddrPort, received int64, d []byte, b *traffic.Batch) (reason string) {
	if len(d) < 16 {
		return "it is shorter than any header"
	}
	switch version := binary.BigEndian.Uint16(d); {
	case version == 5:
		return c.readV5(exporter, d, b)
	case version == 9:
		return c.readV9(exporter, d, b)
	case version == 10:
		return c.readIPFIX(exporter, d, b)
	case version == 0 && binary.BigEndian.Uint32(d) == 5:
		return c.readSFlow(exporter, received, d, b)
	default:
		return fmt.Sprintf("version %d isn't read, 5, 9 and 10 are, and sFlow 5", version)
	}
}

// source finds what is remembered of a source, or begins to.
func (c *Collector) source(key sourceKey) *exportSource {
	s := c.sources[key]
	if s == nil {
		for len(c.sources) >= maxSources || c.fields > maxAllFields && len(c.sources) > 0 {
			c.forget(c.recent.first)
		}
		s = &exportSource{key: key, point: pointOf(key), templates: make(map[uint16]*template)}
		c.sources[key] = s
	} else {
		c.recent.remove(s)
	}
	c.recent.append(s)
	return s
}

// forget drops a source and what it defined.
func (c *Collector) forget(s *exportSource) {
	for _, t := range s.templates {
		c.fields -= len(t.fields)
	}
	for i := range s.waiting {
		c.waiting -= len(s.waiting[i].body)
	}
	c.recent.remove(s)
	delete(c.sources, s.key)
	c.tally.Cut++
}

// define keeps a template in place of one before.
func (c *Collector) define(s *exportSource, id uint16, t *template) {
	if old := s.templates[id]; old != nil {
		c.fields -= len(old.fields)
	}
	delete(s.templates, id)
	if t != nil {
		s.templates[id] = t
		c.fields += len(t.fields)
	}
	for c.fields > maxAllFields && c.recent.first != s {
		c.forget(c.recent.first)
	}
}

// steady dates a message of versions 5 and 9 by its uptime. Their clock of whole
// seconds would shift each message's flows by another fraction of one, and uptimes
// tell the distances exactly: so one beginning serves until the two are more than two
// seconds apart.
func (s *exportSource) steady(h *exportHeader) {
	const apart = 2_000_000
	up := int64(h.uptime) * 1000
	if begin := h.exported - up; s.anchor == 0 || begin-s.anchor > apart || s.anchor-begin > apart {
		s.anchor = begin
	}
	h.exported = s.anchor + up
}

// pointOf names where a source sees traffic.
func pointOf(key sourceKey) string {
	if !key.exporter.Addr().IsValid() {
		return fmt.Sprintf("file/%d", key.domain)
	}
	return fmt.Sprintf("%v/%d", key.exporter.Addr(), key.domain)
}

// exportList holds sources in the order in which they were heard last.
type exportList struct{ first, last *exportSource }

func (l *exportList) append(s *exportSource) {
	s.prev, s.next = l.last, nil
	if l.last != nil {
		l.last.next = s
	} else {
		l.first = s
	}
	l.last = s
}

func (l *exportList) remove(s *exportSource) {
	if s.prev != nil {
		s.prev.next = s.next
	} else {
		l.first = s.next
	}
	if s.next != nil {
		s.next.prev = s.prev
	} else {
		l.last = s.prev
	}
	s.prev, s.next = nil, nil
}
