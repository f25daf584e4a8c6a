package capture

import "tocsin/traffic"

var zeekDNS = zeekLog{
	columns: []string{"ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "query", "proto",
		"qtype", "qtype_name", "rcode", "rcode_name", "rtt", "answers", "TTLs", "rejected"},
	minimum: zeekOwn + 1,
	take:    takeZeekDNS,
}

func takeZeekDNS(z *zeekRow, b *traffic.Batch) (field, reason string) { return "", "not yet" }

var (
	zeekHTTP  = zeekLog{columns: []string{"ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "method", "uri"}, minimum: 8, take: takeZeekDNS}
	zeekSSL   = zeekLog{columns: []string{"ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "server_name"}, minimum: 7, take: takeZeekDNS}
	zeekFiles = zeekLog{columns: []string{"ts", "fuid"}, minimum: 2, take: takeZeekDNS}
	zeekX509  = zeekLog{columns: []string{"ts", "certificate.subject"}, minimum: 2, take: takeZeekDNS}
)
