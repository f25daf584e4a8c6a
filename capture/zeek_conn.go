package capture

import "tocsin/traffic"

// zeekConn is conn.log: one row a connection, written when it ended
// (docs.zeek.org/en/master/logs/conn.html).
var zeekConn = &zeekLog{
	columns: []string{"ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto",
		"service", "duration", "orig_bytes", "resp_bytes", "conn_state", "local_orig", "local_resp",
		"orig_pkts", "orig_ip_bytes", "resp_pkts", "resp_ip_bytes"},
	needed: zeekOwn,
	marks:  []string{"conn_state", "orig_bytes", "orig_pkts", "orig_ip_bytes", "missed_bytes"},
	take:   takeZeekConn,
}

const (
	connProto = zeekOwn + iota
	connService
	connDuration
	connOrigBytes
	connRespBytes
	connState
	connLocalOrig
	connLocalResp
	connOrigPackets
	connOrigIPBytes
	connRespPackets
	connRespIPBytes
)

func takeZeekConn(z *zeekRow, b *traffic.Batch) (field, reason string) {
	e, field, reason := z.ends()
	if reason != "" {
		return field, reason
	}
	b.Flows = append(b.Flows, traffic.Flow{})
	f := &b.Flows[len(b.Flows)-1]
	f.Start, f.Link = e.at, e.link
	f.Orig, f.Resp, f.OrigPort, f.RespPort = e.orig, e.resp, e.origPort, e.respPort
	f.Proto = parseProto(z.v[connProto])
	if f.Proto == traffic.ICMP && f.Orig.Is6() {
		f.Proto = traffic.ICMPv6
	}
	f.Duration = traffic.Unknown
	if d, ok := parseMicros(z.v[connDuration]); ok && d >= 0 {
		f.Duration = d
	}
	f.OrigPayload, f.RespPayload = parseCount(z.v[connOrigBytes]), parseCount(z.v[connRespBytes])
	f.OrigBytes, f.RespBytes = parseCount(z.v[connOrigIPBytes]), parseCount(z.v[connRespIPBytes])
	f.OrigPackets, f.RespPackets = parseCount(z.v[connOrigPackets]), parseCount(z.v[connRespPackets])
	f.Sampling = 1
	f.OrigSide, f.RespSide = z.side(connLocalOrig), z.side(connLocalResp)
	f.Open = z.path == "open_conn" || z.path == "conn_long"
	if v := z.v[connService]; len(v) > 0 {
		f.Service = z.strings.Of(lower(short(v)))
	}
	f.State, f.Oriented = zeekState(z.v[connState], f)
	return "", ""
}

func (z *zeekRow) side(i int) traffic.Side {
	switch {
	case z.v[i] == nil:
		return traffic.SideUnknown
	case z.flag(i):
		return traffic.Inside
	}
	return traffic.Outside
}

// zeekState reads conn_state. For ICMP, and where there is none, the packets of the
// other side tell.
func zeekState(v []byte, f *traffic.Flow) (s traffic.State, oriented bool) {
	switch string(v) {
	case "S0", "SH", "RSTOS0":
		return traffic.Attempted, true
	case "S1", "SF", "S2", "S3":
		return traffic.Established, true
	case "RSTO", "RSTR":
		return traffic.Reset, true
	case "REJ":
		return traffic.Rejected, true
	case "SHR", "RSTRH":
		return traffic.Midstream, false
	}
	switch {
	case f.Proto == traffic.TCP && string(v) == "OTH":
		return traffic.Midstream, false
	case f.RespPackets > 0 || f.RespPayload > 0:
		return traffic.Established, string(v) == "OTH"
	case f.RespPackets == 0:
		return traffic.Attempted, string(v) == "OTH"
	}
	return traffic.StateUnknown, false
}
