package capture

import (
	"bytes"

	"tocsin/traffic"
)

// counts reads packets and octets each way, from whatever sums and parts there are.
func (t *table) counts(f *traffic.Flow) {
	f.OrigPackets, f.RespPackets = parseCount(t.v[colSrcPackets]), parseCount(t.v[colDstPackets])
	f.OrigBytes, f.RespBytes = parseCount(t.v[colSrcBytes]), parseCount(t.v[colDstBytes])
	f.OrigPayload, f.RespPayload = parseCount(t.v[colSrcPayload]), parseCount(t.v[colDstPayload])
	if t.has[colSrcIPBytes] {
		f.OrigBytes, f.RespBytes = parseCount(t.v[colSrcIPBytes]), parseCount(t.v[colDstIPBytes])
	}
	f.OrigBytes, f.RespBytes = rest(f.OrigBytes, f.RespBytes, parseCount(t.v[colTotalBytes]))
	f.OrigPackets, f.RespPackets = rest(f.OrigPackets, f.RespPackets, parseCount(t.v[colTotalPackets]))
	if total := parseCount(t.v[colTotalPackets]); f.RespBytes == 0 && f.OrigPackets < 0 && total >= 0 {
		f.OrigPackets, f.RespPackets = total, 0
	}
	// One pair of counts is of the source's packets, and the other direction another
	// record; nfdump's CSV has columns for both and fills one.
	if t.has[colPackets] && !t.has[colSrcPackets] && !t.has[colTotalPackets] && f.OrigPackets < 0 {
		f.OneWay = true
		f.OrigPackets, f.OrigBytes = tableCount(t.v[colPackets]), tableCount(t.v[colBytes])
	}
	if t.has[colSrcPackets] && !bytes.ContainsAny(t.v[colDir], "<>?") && t.has[colFlags] && f.RespPackets == 0 && f.RespBytes == 0 && !t.has[colState] {
		f.OneWay = true
	}
	if f.OneWay {
		f.RespPackets, f.RespBytes = traffic.Unknown, traffic.Unknown
	}
}

// rest fills in the part that a sum leaves.
func rest(orig, resp, total int64) (int64, int64) {
	switch {
	case total < 0:
	case orig >= 0 && resp < 0 && total >= orig:
		resp = total - orig
	case resp >= 0 && orig < 0 && total >= resp:
		orig = total - resp
	}
	return orig, resp
}

// tableCount reads a count that may be written short: "1.2 M".
func tableCount(v []byte) int64 {
	unit := int64(1)
	if n := len(v); n > 1 {
		switch v[n-1] {
		case 'K', 'k':
			unit = 1_000
		case 'M':
			unit = 1_000_000
		case 'G':
			unit = 1_000_000_000
		}
		if unit > 1 {
			v = bytes.TrimSpace(v[:n-1])
		}
	}
	if unit == 1 {
		return parseCount(v)
	}
	if micros, ok := parseMicros(v); ok && micros >= 0 && micros < 1e12 {
		return micros * unit / 1e6
	}
	return traffic.Unknown
}

// fate says what became of a flow, by state and direction as Argus, Zeek or the flags
// tell them.
func (t *table) fate(f *traffic.Flow) {
	state, dir := t.v[colState], t.v[colDir]
	if t.has[colFlags] {
		f.Flags = letterFlags(t.v[colFlags])
	}
	switch {
	case f.OneWay:
		oneWayFate(f, 0)
		return
	case len(state) > 0 && zeekStates[string(state)]:
		f.State, f.Oriented = zeekState(state, f)
	case bytes.IndexByte(state, '_') >= 0 && f.Proto == traffic.TCP:
		orig, resp, _ := bytes.Cut(state, []byte("_"))
		ts, tc := letterFlags(orig), letterFlags(resp)
		f.Flags = ts | tc
		f.State = tcpFate(ts, tc, len(resp) > 0, len(resp) > 0 && tc&flagSYN == 0)
		f.Piece = (ts|tc)&(flagFIN|flagRST) == 0 && len(resp) > 0
	default:
		f.State = argusState(state, f)
	}
	f.Oriented = f.State != traffic.Midstream && f.State != traffic.StateUnknown
	t.turn(f, dir)
}

// turn obeys Argus' arrow: who began is on its blunt side, or isn't known.
func (t *table) turn(f *traffic.Flow, dir []byte) {
	switch {
	case len(dir) == 0:
		return
	case bytes.IndexByte(dir, '?') >= 0:
		f.Oriented = false
		if f.Proto == traffic.TCP && f.State == traffic.Established {
			f.State = traffic.Midstream
		}
	case string(dir) == "<-":
		f.Orig, f.Resp, f.OrigPort, f.RespPort = f.Resp, f.Orig, f.RespPort, f.OrigPort
		f.OrigBytes, f.RespBytes = f.RespBytes, f.OrigBytes
		f.OrigPackets, f.RespPackets = f.RespPackets, f.OrigPackets
		f.OrigPayload, f.RespPayload = f.RespPayload, f.OrigPayload
	}
}

// argusState reads Argus' words for a state (ra(1)).
func argusState(v []byte, f *traffic.Flow) traffic.State {
	switch string(v) {
	case "REQ":
		return traffic.Attempted
	case "RST":
		if f.RespBytes == 0 || f.RespPackets == 0 {
			return traffic.Attempted
		}
		return traffic.Reset
	case "URP", "URH", "URN", "URF", "URFIL", "URHPRO", "URO", "URNPRO":
		return traffic.Rejected
	case "CON", "EST", "FIN", "CLO", "ACC", "ECR", "TIM":
		if f.RespBytes != 0 || f.RespPackets > 0 {
			return traffic.Established
		}
		return traffic.Attempted
	case "INT":
		return traffic.Attempted
	}
	switch {
	case f.RespBytes > 0 || f.RespPackets > 0:
		return traffic.Established
	case f.RespBytes == 0 || f.RespPackets == 0:
		return traffic.Attempted
	}
	return traffic.StateUnknown
}

// letterFlags reads TCP flags as letters (".AP.SF", "FSPA") or as a number (27, 0x1b).
func letterFlags(v []byte) (flags uint8) {
	if n, ok := parseUint(v); ok && n < 256 {
		return uint8(n)
	}
	if len(v) > 2 && v[0] == '0' && v[1] == 'x' {
		return hexFlags(v[2:])
	}
	for _, c := range v {
		switch c {
		case 'F':
			flags |= flagFIN
		case 'S':
			flags |= flagSYN
		case 'R':
			flags |= flagRST
		case 'P':
			flags |= flagPSH
		case 'A':
			flags |= flagACK
		case 'U':
			flags |= 32
		}
	}
	return flags
}
