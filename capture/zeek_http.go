package capture

import (
	"bytes"

	"tocsin/traffic"
)

// zeekHTTP is http.log: one row a request (docs.zeek.org/en/master/logs/http.html).
var zeekHTTP = &zeekLog{
	columns: []string{"ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "method", "host", "uri",
		"referrer", "user_agent", "request_body_len", "response_body_len", "status_code", "resp_mime_types"},
	needed:  zeekOwn,
	vectors: []string{"resp_mime_types"},
	marks:   []string{"method", "uri", "status_code", "response_body_len"},
	never:   []string{"call_id", "request_from", "seq"}, // sip.log has the rest in common
	take:    takeZeekHTTP,
}

const (
	httpMethod = zeekOwn + iota
	httpHost
	httpURI
	httpReferrer
	httpAgent
	httpRequestBytes
	httpResponseBytes
	httpStatus
	httpMIME
)

func takeZeekHTTP(z *zeekRow, b *traffic.Batch) (field, reason string) {
	e, field, reason := z.ends()
	if reason != "" {
		return field, reason
	}
	b.Requests = append(b.Requests, traffic.Request{
		At: e.at, Link: e.link, Client: e.orig, Server: e.resp, ClientPort: e.origPort, ServerPort: e.respPort,
		Method: z.of(httpMethod), Host: z.strings.Of(hostOf(z.v[httpHost])), URI: z.of(httpURI), UserAgent: z.of(httpAgent),
		Referrer: z.of(httpReferrer), Status: statusOf(z.v[httpStatus]),
		RequestBytes: parseCount(z.v[httpRequestBytes]), ResponseBytes: parseCount(z.v[httpResponseBytes]),
	})
	r := &b.Requests[len(b.Requests)-1]
	z.each(httpMIME, func(v []byte) bool {
		r.MIME = z.strings.Of(mimeOf(v))
		return false
	})
	return "", ""
}

// hostOf gives the host of an authority, in lower case, without port and last dot.
func hostOf(b []byte) []byte {
	b = short(b)
	if len(b) > 0 && b[0] == '[' { // [2001:db8::1]:8080
		if end := bytes.IndexByte(b, ']'); end > 0 {
			return lower(b[1:end])
		}
	}
	if colon := bytes.LastIndexByte(b, ':'); colon >= 0 && bytes.IndexByte(b, ':') == colon {
		b = b[:colon]
	}
	return nameOf(b)
}

// mimeOf gives a media type in lower case without its parameters.
func mimeOf(b []byte) []byte {
	if end := bytes.IndexByte(b, ';'); end >= 0 {
		b = b[:end]
	}
	return lower(bytes.TrimSpace(short(b)))
}

func statusOf(b []byte) int16 {
	if n, ok := parsePort(b); ok && n >= 100 && n < 1000 {
		return int16(n)
	}
	return traffic.Unknown
}
