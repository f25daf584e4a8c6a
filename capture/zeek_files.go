package capture

import (
	"net/netip"

	"tocsin/traffic"
)

// zeekFiles is files.log: one row a file that went over the network, hashed
// (docs.zeek.org/en/master/logs/files.html). Zeek from version 5 on writes one
// connection into it, before that sets of hosts and connections.
var zeekFiles = &zeekLog{
	columns: []string{"ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "fuid", "tx_hosts", "rx_hosts",
		"conn_uids", "source", "mime_type", "filename", "is_orig", "seen_bytes", "md5", "sha1", "sha256"},
	needed:  1,
	vectors: []string{"tx_hosts", "rx_hosts", "conn_uids"},
	marks:   []string{"tx_hosts", "rx_hosts", "seen_bytes"},
	take:    takeZeekFiles,
}

const (
	filesFUID = zeekOwn + iota
	filesSenders
	filesReceivers
	filesUIDs
	filesSource
	filesMIME
	filesName
	filesIsOrig
	filesBytes
	filesMD5
	filesSHA1
	filesSHA256
)

func takeZeekFiles(z *zeekRow, b *traffic.Batch) (field, reason string) {
	at, ok := parseMoment(z.v[zeekTS])
	if !ok {
		return "ts", "not a moment between 1970 and 2199"
	}
	b.Files = append(b.Files, traffic.File{
		At: at, ID: traffic.LinkOf(z.v[filesFUID]), Link: traffic.LinkOf(z.v[zeekUID]), Service: z.low(filesSource),
		MIME: z.strings.Of(mimeOf(z.v[filesMIME])), Name: z.of(filesName), Bytes: parseCount(z.v[filesBytes]),
		MD5: z.hash(filesMD5, 32), SHA1: z.hash(filesSHA1, 40), SHA256: z.hash(filesSHA256, 64),
		Sender: z.first(filesSenders), Receiver: z.first(filesReceivers),
	})
	f := &b.Files[len(b.Files)-1]
	switch f.MIME {
	case "application/x-x509-user-cert", "application/x-x509-ca-cert", "application/pkix-cert":
		f.Certificate = true
	}
	if f.Link == 0 {
		z.each(filesUIDs, func(v []byte) bool {
			f.Link = traffic.LinkOf(v)
			return false
		})
	}
	if orig, ok := parseAddr(z.v[zeekOrig]); ok {
		resp, _ := parseAddr(z.v[zeekResp])
		origPort, _ := parsePort(z.v[zeekOrigPort])
		respPort, _ := parsePort(z.v[zeekRespPort])
		f.Sender, f.SenderPort, f.Receiver, f.ReceiverPort = resp, respPort, orig, origPort
		if z.flag(filesIsOrig) {
			f.Sender, f.SenderPort, f.Receiver, f.ReceiverPort = orig, origPort, resp, respPort
		}
	}
	return "", ""
}

// first gives the first address of a set.
func (z *zeekRow) first(i int) (addr netip.Addr) {
	z.each(i, func(v []byte) bool {
		addr, _ = parseAddr(v)
		return false
	})
	return addr
}

// zeekX509 is x509.log: one row a certificate
// (docs.zeek.org/en/master/logs/x509.html).
var zeekX509 = &zeekLog{
	columns: []string{"ts", "id", "fingerprint", "certificate.serial", "certificate.subject", "certificate.issuer",
		"certificate.not_valid_before", "certificate.not_valid_after"},
	needed: 1,
	marks:  []string{"certificate.subject", "certificate.serial", "certificate.issuer"},
	take:   takeZeekX509,
}

func takeZeekX509(z *zeekRow, b *traffic.Batch) (field, reason string) {
	at, ok := parseMoment(z.v[0])
	if !ok {
		return "ts", "not a moment between 1970 and 2199"
	}
	b.Certificates = append(b.Certificates, traffic.Certificate{
		At: at, ID: traffic.LinkOf(z.v[1]), SHA1: z.hash(2, 40), SHA256: z.hash(2, 64),
		Serial: z.of(3), Subject: z.of(4), Issuer: z.of(5),
	})
	c := &b.Certificates[len(b.Certificates)-1]
	if c.ID == 0 {
		c.ID = traffic.LinkOf(z.v[2])
	}
	c.NotBefore, _ = parseMoment(z.v[6])
	c.NotAfter, _ = parseMoment(z.v[7])
	return "", ""
}
