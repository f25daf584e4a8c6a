package capture

import (
	"bytes"
	"net/netip"

	"tocsin/traffic"
)

var _ = add(Format{Name: "eve", About: "Suricata's EVE JSON: flow, netflow, dns (versions 1 to 3), tls, quic, http, fileinfo, alert; other events are passed over",
	knows: knowsEVE, open: openEVE})

// eve reads Suricata's event log: JSON objects that say their own type
// (docs.suricata.io, "EVE JSON Format").
type eve struct {
	objects jsonLines
	tally   *tally
	v       [eveKeys][]byte
	inner   eveInner
	n       eveEnds
	lookup  traffic.Lookup
	addrs   []netip.Addr
	strings traffic.Strings
	pairs   pairs
	// flows is set once the log has told whole flows: netflow events, one for each
	// direction, would tell them again.
	flows bool
}

// eveInner are the members of those members that nearly every event has.
type eveInner struct {
	flow, netflow [eveFlowKeys][]byte
	tcp           [eveTCPKeys][]byte
	dns           [eveDNSKeys][]byte
}

// The members of an event that are looked at.
const (
	eveTimestamp = iota
	eveFlowID
	eveType
	eveSrc
	eveSrcPort
	eveDest
	eveDestPort
	eveProto
	eveApp
	eveICMPType
	eveICMPCode
	eveHost
	eveFlow
	eveNetflow
	eveTCP
	eveDNS
	eveTLS
	eveQUIC
	eveHTTP
	eveFileinfo
	eveAlert
	eveSource
	eveKeys
)

var eveTable = newKeys([]string{"timestamp", "flow_id", "event_type", "src_ip", "src_port", "dest_ip", "dest_port", "proto", "app_proto",
	"icmp_type", "icmp_code", "host", "flow", "netflow", "tcp", "dns", "tls", "quic", "http", "fileinfo", "alert", "_source"})

func init() {
	eveTable.alias("suricata", eveSource) // shippers wrap an event in one of these
	eveTable.alias("eve", eveSource)
}

// eveEvents are the types that are read, with the member that tells them and what
// reads it.
var eveEvents = map[string]struct {
	member int
	take   func(*eve, *traffic.Batch, *eveEnds)
}{
	"flow":     {eveFlow, (*eve).takeFlow},
	"netflow":  {eveNetflow, (*eve).takeNetflow},
	"dns":      {eveDNS, (*eve).takeDNS},
	"tls":      {eveTLS, (*eve).takeTLS},
	"quic":     {eveQUIC, (*eve).takeQUIC},
	"http":     {eveHTTP, (*eve).takeHTTP},
	"fileinfo": {eveFileinfo, (*eve).takeFile},
	"alert":    {eveAlert, (*eve).takeAlert},
}

// eveEnds are the moment and the endpoints of an event.
type eveEnds struct {
	at                int64
	link              uint64
	src, dest         netip.Addr
	srcPort, destPort uint16
	proto             uint8
}

func knowsEVE(head []byte) bool {
	head = bytes.TrimLeft(head, " \t\r\n[")
	return len(head) > 0 && head[0] == '{' && bytes.Contains(firstObject(head), []byte(`"event_type"`))
}

func openEVE(s source) (decoder, error) {
	// Suricata's threads write as they come to it.
	return &eve{objects: newJSONLines(s), tally: s.tally, pairs: pairs{slack: 256}}, nil
}

func (e *eve) fill(b *traffic.Batch) error {
	for b.Len() < batchRecords {
		object, err := e.objects.next()
		switch {
		case err == errLong:
			e.tally.Rows++
			e.tally.refuse(e.tally.Rows, e.objects.lines.n, "", err.Error())
		case err != nil:
			e.pairs.flush(b)
			return err
		default:
			e.tally.Rows++
			if field, reason := e.take(object, b); reason != "" {
				e.tally.refuse(e.tally.Rows, e.objects.lines.n, field, reason)
			}
		}
	}
	return nil
}

// take reads one event.
func (e *eve) take(object []byte, b *traffic.Batch) (field, reason string) {
	if !e.scan(object) {
		return "", "not a whole JSON object: the line was cut or isn't JSON"
	}
	if e.v[eveType] == nil && len(e.v[eveSource]) > 0 && e.v[eveSource][0] == '{' {
		return e.take(e.v[eveSource], b)
	}
	if e.v[eveType] == nil {
		return "event_type", "missing"
	}
	event, read := eveEvents[string(jsonText(e.v[eveType]))]
	if !read {
		e.tally.Skipped++
		return "", ""
	}
	inner := e.v[event.member]
	if len(inner) == 0 || inner[0] != '{' {
		return string(jsonText(e.v[eveType])), "the event doesn't tell what it is about"
	}
	if e.v[eveSrc] == nil && e.v[eveDest] == nil {
		e.tally.Skipped++ // of a frame that isn't IP's
		return "", ""
	}
	if e.n, field, reason = e.ends(); reason != "" {
		return field, reason
	}
	e.pairs.advance(e.n.at, b)
	event.take(e, b, &e.n)
	return "", ""
}

// scan takes the members of an event. It stops early at a type that isn't read, if
// the line looks whole.
func (e *eve) scan(object []byte) bool {
	clear(e.v[:])
	w := jsonWalk{b: object}
	for {
		key, ok := w.key()
		if !ok {
			return !w.broken
		}
		id := eveTable.find(key)
		var value []byte
		switch id {
		case eveFlow:
			value, ok = w.members(eveFlowTable, e.inner.flow[:])
		case eveNetflow:
			value, ok = w.members(eveFlowTable, e.inner.netflow[:])
		case eveTCP:
			value, ok = w.members(eveTCPTable, e.inner.tcp[:])
		case eveDNS:
			value, ok = w.members(eveDNSTable, e.inner.dns[:])
		default:
			value, ok = w.value()
		}
		if !ok {
			return false
		}
		if id < 0 {
			continue
		}
		e.v[id] = value
		if id == eveType && value[0] == '"' && object[len(object)-1] == '}' {
			if _, read := eveEvents[string(value[1:len(value)-1])]; !read {
				return true
			}
		}
	}
}

// ends reads moment and endpoints.
func (e *eve) ends() (n eveEnds, field, reason string) {
	var ok bool
	if n.at, ok = parseMoment(jsonText(e.v[eveTimestamp])); !ok {
		return n, "timestamp", "not a moment between 1970 and 2199"
	}
	if n.src, ok = parseAddr(jsonText(e.v[eveSrc])); !ok {
		return n, "src_ip", "not an address"
	}
	if n.dest, ok = parseAddr(jsonText(e.v[eveDest])); !ok {
		return n, "dest_ip", "not an address"
	}
	n.proto = parseProto(jsonText(e.v[eveProto]))
	if n.proto == traffic.ICMP || n.proto == traffic.ICMPv6 {
		n.srcPort, _ = parsePort(e.v[eveICMPType])
		n.destPort, _ = parsePort(e.v[eveICMPCode])
	} else {
		if n.srcPort, ok = parsePort(jsonText(e.v[eveSrcPort])); !ok && e.v[eveSrcPort] != nil {
			return n, "src_port", "not a port"
		}
		if n.destPort, ok = parsePort(jsonText(e.v[eveDestPort])); !ok && e.v[eveDestPort] != nil {
			return n, "dest_port", "not a port"
		}
	}
	n.link = traffic.LinkOf(e.v[eveFlowID])
	return n, "", ""
}

// text makes a string of a value, of at most MaxText octets.
func (e *eve) text(v []byte) string { return e.strings.Of(short(jsonText(v))) }
