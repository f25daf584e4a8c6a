package capture

import (
	"bytes"

	"tocsin/traffic"
)

// What a direction of a TCP session turned out to say.
const (
	speechUnknown = iota
	speechHTTP
	speechTLS
	speechDNS
	speechDone // nothing that is read, or nothing more
)

const (
	// maxHead bounds the head of an HTTP message, a TLS handshake message and a DNS
	// message over TCP.
	maxHead      = 16 << 10
	maxHandshake = 64 << 10
	// maxTries is how many segments may pass before a direction that said nothing
	// known is left alone.
	maxTries = 6
	// maxHeld is how many segments wait for one that is missing.
	maxHeld = 8
	// maxBuffered bounds what all sessions together hold to read what is said; past it,
	// talk isn't read any more until some has ended.
	maxBuffered = 64 << 20
	// talkBytes is what a talk itself takes, about.
	talkBytes = 1 << 10
)

// talk is what a TCP session says, as far as it is read.
type talk struct {
	streams  [2]stream
	requests []traffic.Request // without their answers yet
	tls      tlsTalk
	weight   int // octets of it that aren't in streams
}

// stream is one direction of a TCP session.
type stream struct {
	ready  bool
	kind   uint8
	tries  uint8
	next   uint32 // the sequence number that comes next
	skip   int64  // octets of a body to pass over
	record record // of TLS
	buf    []byte // of a message that isn't complete
	held   []segment
}

// segment came before its time.
type segment struct {
	seq  uint32
	data []byte
}

// inspect reads what a packet says in clear.
func (w *wire) inspect(s *session, p *packet, b *traffic.Batch) {
	if s.quiet || len(p.payload) == 0 && p.flags&flagSYN == 0 {
		return
	}
	switch p.proto {
	case traffic.UDP:
		w.datagram(s, p, b)
		return
	case traffic.TCP:
	default:
		return
	}
	if s.talk == nil {
		if w.buffered > maxBuffered {
			s.quiet = true
			return
		}
		s.talk = &talk{}
		w.weigh(s, talkBytes)
	}
	i := s.side(p)
	st := &s.talk.streams[i]
	if p.flags&flagSYN != 0 {
		st.ready, st.next = true, p.seq+1
		if len(p.payload) == 0 {
			return
		}
		p.seq++
	}
	w.offer(s, i, p, b)
	if s.talk.streams[0].kind == speechDone && s.talk.streams[1].kind == speechDone {
		w.finish(s, b)
	}
}

// offer takes a segment at its place in the stream.
func (w *wire) offer(s *session, i int, p *packet, b *traffic.Batch) {
	st := &s.talk.streams[i]
	if !st.ready {
		st.ready, st.next = true, p.seq
	}
	data, ahead := p.payload, int32(p.seq-st.next)
	if st.kind == speechDone {
		return
	}
	if ahead > 0 && len(st.held) < maxHeld && ahead < 1<<20 && w.buffered < maxBuffered {
		st.held = append(st.held, segment{p.seq, bytes.Clone(data)})
		w.buffered += len(data)
		return
	}
	if ahead > 0 {
		w.lose(s, i, p.seq, b) // what is missing won't come
	}
	if ahead < 0 {
		if int64(-int64(ahead)) >= int64(len(data)) {
			return
		}
		data = data[-ahead:]
	}
	st.next += uint32(len(data))
	w.hear(s, i, data, b)
	if missing := p.size - int64(len(p.payload)); missing > 0 { // the capture kept a part only
		w.lose(s, i, st.next+uint32(missing), b)
	}
	for again := true; again; {
		again = false
		for j, held := range st.held {
			ahead := int32(held.seq - st.next)
			if ahead > 0 {
				continue
			}
			st.held = append(st.held[:j], st.held[j+1:]...)
			w.buffered -= len(held.data)
			if int64(-int64(ahead)) < int64(len(held.data)) {
				st.next += uint32(len(held.data) + int(ahead))
				w.hear(s, i, held.data[-ahead:], b)
			}
			again = true
			break
		}
	}
}

// lose goes on behind a hole. Of an HTTP head that was under way its beginning is
// told, any other message is given up.
func (w *wire) lose(s *session, i int, seq uint32, b *traffic.Batch) {
	st := &s.talk.streams[i]
	if st.kind == speechHTTP && len(st.buf) > 0 {
		w.head(s, i, st.buf, b)
	}
	for _, held := range st.held {
		w.buffered -= len(held.data)
	}
	w.drop(st)
	st.held, st.next, st.skip = nil, seq, 0
	if st.kind == speechTLS || st.kind == speechDNS {
		st.kind = speechDone
	}
}

// weigh adds octets to what a session holds, or takes them off.
func (w *wire) weigh(s *session, n int) {
	s.talk.weight += n
	w.buffered += n
}

// keep adds octets to what a direction holds; it gives false past the bounds.
func (w *wire) keep(st *stream, data []byte, most int) bool {
	if len(st.buf)+len(data) > most || w.buffered > maxBuffered {
		w.drop(st)
		return false
	}
	st.buf = append(st.buf, data...)
	w.buffered += len(data)
	return true
}

// drop forgets what a direction holds.
func (w *wire) drop(st *stream) {
	w.buffered -= len(st.buf)
	st.buf = nil
}

// hear takes octets in order.
func (w *wire) hear(s *session, i int, data []byte, b *traffic.Batch) {
	st := &s.talk.streams[i]
	if st.kind == speechUnknown {
		if len(st.buf) > 0 {
			data = append(bytes.Clone(st.buf), data...)
			w.drop(st)
		}
		if tooShort(data) {
			w.keep(st, data, maxHead)
			return
		}
		w.guess(s, st, data)
	}
	switch st.kind {
	case speechHTTP:
		w.hearHTTP(s, i, data, b)
	case speechTLS:
		w.hearTLS(s, i, data, b)
	case speechDNS:
		w.hearDNS(s, i, data, b)
	}
}

// tooShort reports whether octets may yet become the beginning of something known.
func tooShort(data []byte) bool {
	if len(data) < 6 && data[0] == 22 || bytes.HasPrefix(httpAnswer, data) {
		return true
	}
	for _, m := range httpMethods {
		if bytes.HasPrefix(m, data) && len(data) < len(m) {
			return true
		}
	}
	return false
}

// guess tells what a direction says by the beginning of a segment.
func (w *wire) guess(s *session, st *stream, data []byte) {
	switch {
	case httpBegins(data):
		st.kind = speechHTTP
		s.service = "http"
	case len(data) >= 6 && data[0] == 22 && data[1] == 3 && data[2] <= 4 && (data[5] == 1 || data[5] == 2):
		st.kind = speechTLS
		s.service = "ssl"
	case s.respPort == 53:
		st.kind = speechDNS
		s.service = "dns"
	default:
		if s.service == "" {
			s.service = tcpService(data, s)
		}
		if st.tries++; st.tries >= maxTries {
			st.kind = speechDone
		}
	}
}

// finish tells what was under way in a session and stops reading it.
func (w *wire) finish(s *session, b *traffic.Batch) {
	t := s.talk
	for i := range t.streams {
		w.lose(s, i, 0, b)
	}
	b.Requests = append(b.Requests, t.requests...)
	w.tellTLS(s, b)
	w.weigh(s, -t.weight)
	s.talk, s.quiet = nil, true
}
