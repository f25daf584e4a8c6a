package capture

import (
	"bytes"

	"tocsin/traffic"
)

// maxRequests is how many requests of a session may wait for their answers.
const maxRequests = 16

// httpMethods are what a request may begin with (RFC 9110 and the registry of methods
// that malware and scanners use).
var httpMethods = [][]byte{[]byte("GET "), []byte("POST "), []byte("HEAD "), []byte("PUT "), []byte("OPTIONS "), []byte("CONNECT "), []byte("DELETE "),
	[]byte("PATCH "), []byte("TRACE "), []byte("PROPFIND "), []byte("NOTIFY "), []byte("M-SEARCH "), []byte("SUBSCRIBE "), []byte("REPORT ")}

var httpAnswer = []byte("HTTP/1.")

func httpBegins(data []byte) bool {
	if bytes.HasPrefix(data, httpAnswer) {
		return true
	}
	for _, m := range httpMethods {
		if bytes.HasPrefix(data, m) {
			return true
		}
	}
	return false
}

// hearHTTP takes octets of a direction that speaks HTTP/1: heads are read, bodies
// passed over.
func (w *wire) hearHTTP(s *session, i int, data []byte, b *traffic.Batch) {
	for len(data) > 0 {
		if s.talk == nil {
			return
		}
		st := &s.talk.streams[i]
		if st.kind != speechHTTP {
			w.hear(s, i, data, b) // a tunnel begins
			return
		}
		if st.skip > 0 {
			n := min(st.skip, int64(len(data)))
			st.skip -= n
			data = data[n:]
			continue
		}
		if len(st.buf) == 0 && !httpBegins(data) {
			return // a body of unknown length
		}
		if !w.keep(st, data, maxHead) {
			return
		}
		end := headEnd(st.buf)
		if end < 0 {
			return
		}
		rest := data[len(data)-(len(st.buf)-end):]
		st.skip = w.head(s, i, st.buf[:end], b)
		w.drop(st)
		data = rest
	}
}

// head reads the head of a message; it gives the length of the body, 0 if that isn't
// known.
func (w *wire) head(s *session, i int, head []byte, b *traffic.Batch) int64 {
	switch {
	case !bytes.HasPrefix(head, httpAnswer):
		return w.request(s, head, b)
	case i == 1 || !s.oriented:
		return w.answer(s, head, b)
	}
	return 0 // who opened the connection doesn't answer
}

// headEnd gives where the empty line behind a head ends, or -1.
func headEnd(b []byte) int {
	crlf, lf := bytes.Index(b, []byte("\r\n\r\n")), bytes.Index(b, []byte("\n\n"))
	switch {
	case crlf >= 0 && (lf < 0 || crlf < lf):
		return crlf + 4
	case lf >= 0:
		return lf + 2
	}
	return -1
}

// request reads the head of a request; it gives the length of its body.
func (w *wire) request(s *session, head []byte, b *traffic.Batch) int64 {
	line, fields := cutLine(head)
	method, rest, _ := bytes.Cut(line, []byte(" "))
	target := rest
	if end := bytes.LastIndexByte(rest, ' '); end >= 0 {
		target = rest[:end]
	}
	client, server := s.key.a, s.key.b
	if s.swapped {
		client, server = server, client
	}
	r := traffic.Request{
		At: w.last, Client: addrOf(&client), Server: addrOf(&server), ClientPort: s.origPort, ServerPort: s.respPort, Link: s.link,
		Method: w.strings.Of(short(method)), URI: w.strings.Of(short(target)), Status: traffic.Unknown, ResponseBytes: traffic.Unknown,
	}
	var length int64
	eachField(fields, func(name, value []byte) {
		switch string(name) {
		case "host":
			r.Host = w.strings.Of(hostOf(value))
		case "user-agent":
			r.UserAgent = w.strings.Of(short(value))
		case "referer":
			r.Referrer = w.strings.Of(short(value))
		case "content-length":
			if n, ok := parseUint(value); ok {
				length = n
			}
		}
	})
	r.RequestBytes = length
	if r.Host == "" {
		r.Host = w.strings.Of(hostOf(authority(method, target)))
	}
	if len(s.talk.requests) >= maxRequests || w.buffered > maxBuffered && len(s.talk.requests) > 0 {
		b.Requests = append(b.Requests, w.oldest(s))
	}
	s.talk.requests = append(s.talk.requests, r)
	w.weigh(s, weightOf(&r))
	return length
}

// oldest takes the request that waits longest.
func (w *wire) oldest(s *session) traffic.Request {
	r := s.talk.requests[0]
	s.talk.requests = append(s.talk.requests[:0], s.talk.requests[1:]...)
	w.weigh(s, -weightOf(&r))
	return r
}

// weightOf is what a request takes while it waits.
func weightOf(r *traffic.Request) int {
	return 300 + len(r.Method) + len(r.Host) + len(r.URI) + len(r.UserAgent) + len(r.Referrer)
}

// authority gives what a target itself says of the host.
func authority(method, target []byte) []byte {
	if string(method) == "CONNECT" {
		return bytes.Clone(target)
	}
	if _, rest, ok := bytes.Cut(target, []byte("://")); ok {
		host, _, _ := bytes.Cut(rest, []byte("/"))
		return bytes.Clone(host)
	}
	return nil
}

// answer reads the head of an answer and tells the request it belongs to; it gives the
// length of the body, 0 if that isn't known.
func (w *wire) answer(s *session, head []byte, b *traffic.Batch) int64 {
	line, fields := cutLine(head)
	_, rest, _ := bytes.Cut(line, []byte(" "))
	code, _, _ := bytes.Cut(rest, []byte(" "))
	status := statusOf(code)
	if status >= 100 && status < 200 && status != 101 {
		return 0 // goes on
	}
	length := int64(traffic.Unknown)
	var mime string
	eachField(fields, func(name, value []byte) {
		switch string(name) {
		case "content-length":
			if n, ok := parseUint(value); ok {
				length = n
			}
		case "content-type":
			mime = w.strings.Of(mimeOf(value))
		}
	})
	if len(s.talk.requests) == 0 {
		return max(length, 0) // nothing is known of the question, and the flow tells the rest
	}
	r := w.oldest(s)
	if r.Method == "HEAD" || status == 204 || status == 304 || status == 101 {
		length = 0
	}
	r.Status, r.MIME, r.ResponseBytes = status, mime, length
	b.Requests = append(b.Requests, r)
	if r.Method == "CONNECT" && status/100 == 2 || status == 101 {
		for i := range s.talk.streams { // another protocol begins
			s.talk.streams[i].kind, s.talk.streams[i].tries = speechUnknown, 0
		}
		return 0
	}
	return max(length, 0)
}

// cutLine takes the first line off a head.
func cutLine(head []byte) (line, rest []byte) {
	line, rest, _ = bytes.Cut(head, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r")), rest
}

// eachField calls f with each header field, its name in lower case, of at most 200.
func eachField(fields []byte, f func(name, value []byte)) {
	var line []byte
	for range 200 {
		line, fields = cutLine(fields)
		if len(line) == 0 {
			return
		}
		if name, value, ok := bytes.Cut(line, []byte(":")); ok {
			f(lower(name), bytes.TrimSpace(value))
		}
	}
}
