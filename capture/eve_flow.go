package capture

import "tocsin/traffic"

const (
	eveToServerPackets = iota
	eveToClientPackets
	eveToServerBytes
	eveToClientBytes
	eveStart
	eveEnd
	eveState
	evePackets
	eveBytes
	eveFlowKeys
)

var eveFlowTable = newKeys([]string{"pkts_toserver", "pkts_toclient", "bytes_toserver", "bytes_toclient", "start", "end", "state", "pkts", "bytes"})

const (
	eveFlags = iota
	eveFlagsTS
	eveFlagsTC
	eveTCPState
	eveTCPKeys
)

var eveTCPTable = newKeys([]string{"tcp_flags", "tcp_flags_ts", "tcp_flags_tc", "state"})

// takeFlow reads a flow event: both directions, the source being who was seen first.
func (e *eve) takeFlow(b *traffic.Batch, n *eveEnds) {
	e.flows = true
	v := &e.inner.flow
	f := e.flow(b, n, v)
	f.OrigPackets, f.RespPackets = parseCount(v[eveToServerPackets]), parseCount(v[eveToClientPackets])
	f.OrigBytes, f.RespBytes = parseCount(v[eveToServerBytes]), parseCount(v[eveToClientBytes])
	var flags, flagsTS, flagsTC uint8
	var tcpState []byte
	if len(e.v[eveTCP]) > 0 && e.v[eveTCP][0] == '{' {
		t := &e.inner.tcp
		flags, flagsTS, flagsTC = hexFlags(jsonText(t[eveFlags])), hexFlags(jsonText(t[eveFlagsTS])), hexFlags(jsonText(t[eveFlagsTC]))
		tcpState = jsonText(t[eveTCPState])
	}
	f.Flags = flags | flagsTS | flagsTC
	f.State = eveFlowState(f, jsonText(v[eveState]), tcpState, flagsTS, flagsTC)
	f.Oriented = f.State != traffic.Midstream && f.State != traffic.StateUnknown
}

// takeNetflow reads a netflow event, which tells one direction.
func (e *eve) takeNetflow(b *traffic.Batch, n *eveEnds) {
	if e.flows {
		e.tally.Skipped++
		return
	}
	v := &e.inner.netflow
	f := e.flow(b, n, v)
	f.OneWay = true
	f.OrigPackets, f.RespPackets = parseCount(v[evePackets]), traffic.Unknown
	f.OrigBytes, f.RespBytes = parseCount(v[eveBytes]), traffic.Unknown
	if len(e.v[eveTCP]) > 0 && e.v[eveTCP][0] == '{' {
		t := &e.inner.tcp
		f.Flags = hexFlags(jsonText(t[eveFlags]))
	}
}

// flow begins a record with what both kinds of event tell.
func (e *eve) flow(b *traffic.Batch, n *eveEnds, v *[eveFlowKeys][]byte) *traffic.Flow {
	b.Flows = append(b.Flows, traffic.Flow{
		Start: n.at, Duration: traffic.Unknown, Orig: n.src, Resp: n.dest, OrigPort: n.srcPort, RespPort: n.destPort,
		Proto: n.proto, OrigPayload: traffic.Unknown, RespPayload: traffic.Unknown, Sampling: 1, Link: n.link,
	})
	f := &b.Flows[len(b.Flows)-1]
	if start, ok := parseMoment(jsonText(v[eveStart])); ok {
		f.Start = start
		if end, ok := parseMoment(jsonText(v[eveEnd])); ok && end >= start {
			f.Duration = end - start
		}
	}
	switch app := jsonText(e.v[eveApp]); string(app) {
	case "", "failed":
	case "tls":
		f.Service = "ssl"
	default:
		f.Service = e.strings.Of(lower(short(app)))
	}
	f.Point = e.text(e.v[eveHost])
	return f
}

const (
	flagFIN = 1
	flagSYN = 2
	flagRST = 4
	flagPSH = 8
	flagACK = 16
)

// eveFlowState says what became of a flow, by its state and TCP's.
func eveFlowState(f *traffic.Flow, state, tcpState []byte, ts, tc uint8) traffic.State {
	answered := f.RespPackets != 0
	if f.Proto == traffic.TCP && len(tcpState) > 0 {
		return tcpFate(ts, tc, answered, string(tcpState) == "syn_sent" || string(tcpState) == "syn_recv")
	}
	switch {
	case f.RespPackets == 0:
		return traffic.Attempted
	case string(state) == "new":
		return traffic.Attempted
	case string(state) == "established" || string(state) == "closed" || string(state) == "bypassed" || f.RespPackets > 0:
		return traffic.Established
	}
	return traffic.StateUnknown
}

// tcpFate says what became of a TCP connection by the flags of both sides. open is
// set if the handshake is known not to have been completed.
func tcpFate(orig, resp uint8, answered, open bool) traffic.State {
	switch {
	case orig&flagSYN == 0 && orig|resp != 0:
		return traffic.Midstream
	case !answered:
		return traffic.Attempted
	case resp&flagRST != 0 && resp&flagSYN == 0:
		return traffic.Rejected
	case open:
		return traffic.Attempted
	case (orig|resp)&flagRST != 0:
		return traffic.Reset
	}
	return traffic.Established
}

// hexFlags reads two hexadecimal digits.
func hexFlags(v []byte) uint8 {
	var n uint8
	for _, c := range v {
		h := hexDigit(c)
		if h > 15 {
			return 0
		}
		n = n<<4 | h
	}
	return n
}
