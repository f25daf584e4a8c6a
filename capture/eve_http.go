package capture

import "tocsin/traffic"

const (
	eveHostname = iota
	eveURL
	eveAgent
	eveContentType
	eveReferrer
	eveMethod
	eveStatus
	eveLength
	eveHTTPKeys
)

var eveHTTPTable = newKeys([]string{"hostname", "url", "http_user_agent", "http_content_type", "http_refer", "http_method", "status", "length"})

// takeHTTP reads an http event, one a request with its answer.
func (e *eve) takeHTTP(b *traffic.Batch, n *eveEnds) {
	var v [eveHTTPKeys][]byte
	walk(e.v[eveHTTP], eveHTTPTable, v[:])
	b.Requests = append(b.Requests, traffic.Request{
		At: n.at, Link: n.link, Client: n.src, Server: n.dest, ClientPort: n.srcPort, ServerPort: n.destPort,
		Method: e.text(v[eveMethod]), Host: e.strings.Of(hostOf(jsonText(v[eveHostname]))), URI: e.text(v[eveURL]),
		UserAgent: e.text(v[eveAgent]), Referrer: e.text(v[eveReferrer]), Status: statusOf(jsonText(v[eveStatus])),
		MIME:         e.strings.Of(mimeOf(jsonText(v[eveContentType]))),
		RequestBytes: traffic.Unknown, ResponseBytes: parseCount(v[eveLength]),
	})
}

const (
	eveFilename = iota
	eveMD5
	eveSHA1
	eveSHA256
	eveSize
	eveFileKeys
)

var eveFileTable = newKeys([]string{"filename", "md5", "sha1", "sha256", "size"})

// takeFile reads a fileinfo event, whose source is who sent the file.
func (e *eve) takeFile(b *traffic.Batch, n *eveEnds) {
	var v [eveFileKeys][]byte
	walk(e.v[eveFileinfo], eveFileTable, v[:])
	b.Files = append(b.Files, traffic.File{
		At: n.at, Link: n.link, Sender: n.src, SenderPort: n.srcPort, Receiver: n.dest, ReceiverPort: n.destPort,
		Service: e.strings.Of(lower(short(jsonText(e.v[eveApp])))), Name: e.text(v[eveFilename]), Bytes: parseCount(v[eveSize]),
		MD5: e.strings.Of(hexOf(jsonText(v[eveMD5]), 32)), SHA1: e.strings.Of(hexOf(jsonText(v[eveSHA1]), 40)),
		SHA256: e.strings.Of(hexOf(jsonText(v[eveSHA256]), 64)),
	})
	if len(e.v[eveHTTP]) > 0 && e.v[eveHTTP][0] == '{' {
		var h [eveHTTPKeys][]byte
		walk(e.v[eveHTTP], eveHTTPTable, h[:])
		b.Files[len(b.Files)-1].MIME = e.strings.Of(mimeOf(jsonText(h[eveContentType])))
	}
}

const (
	eveAction = iota
	eveGID
	eveSID
	eveSignature
	eveCategory
	eveSeverity
	eveMetadata
	eveAlertKeys
)

var (
	eveAlertTable    = newKeys([]string{"action", "gid", "signature_id", "signature", "category", "severity", "metadata"})
	eveMetadataTable = newKeys([]string{"malware_family"})
)

// takeAlert reads an alert event.
func (e *eve) takeAlert(b *traffic.Batch, n *eveEnds) {
	var v [eveAlertKeys][]byte
	walk(e.v[eveAlert], eveAlertTable, v[:])
	a := traffic.Alert{
		At: n.at, Link: n.link, Orig: n.src, Resp: n.dest, OrigPort: n.srcPort, RespPort: n.destPort, Proto: n.proto,
		Signature: e.text(v[eveSignature]), Category: e.text(v[eveCategory]), Severity: traffic.Unknown,
		Blocked: string(jsonText(v[eveAction])) == "blocked",
	}
	a.Generator, _ = parseUint(v[eveGID])
	a.ID, _ = parseUint(v[eveSID])
	if n, ok := parseUint(v[eveSeverity]); ok && n < 256 {
		a.Severity = int16(n)
	}
	if len(v[eveMetadata]) > 0 && v[eveMetadata][0] == '{' {
		var inner [1][]byte
		walk(v[eveMetadata], eveMetadataTable, inner[:])
		if len(inner[0]) > 0 && inner[0][0] == '[' {
			jsonEach(inner[0], func(f []byte) bool {
				a.Family = e.strings.Of(short(f))
				return false
			})
		} else {
			a.Family = e.text(inner[0])
		}
	}
	b.Alerts = append(b.Alerts, a)
}
