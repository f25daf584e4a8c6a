package unpack

// lzmaState is what LZMA learns and remembers from octet to octet.
type lzmaState struct {
	lc, lp, pb uint
	state      uint32
	reps       [4]uint32 // the last distances, less one

	isMatch    [12][16]uint16
	isRep      [12]uint16
	isRep0     [12]uint16
	isRep1     [12]uint16
	isRep2     [12]uint16
	isRepLong  [12][16]uint16
	slots      [4][64]uint16
	specials   [116]uint16
	align      [16]uint16
	length     lengths
	repLength  lengths
	literals   [0x300 << 4]uint16
	literalEnd int
}

// lengths decodes lengths of matches, less two.
type lengths struct {
	choice, choice2 uint16
	low, mid        [16][8]uint16
	high            [256]uint16
}

func (l *lengths) decode(r *rangeDecoder, pos uint32) uint32 {
	switch {
	case r.bit(&l.choice) == 0:
		return r.tree(l.low[pos][:], 3)
	case r.bit(&l.choice2) == 0:
		return 8 + r.tree(l.mid[pos][:], 3)
	}
	return 16 + r.tree(l.high[:], 8)
}

// properties sets lc, lp and pb; LZMA2 allows lc+lp up to 4.
func (s *lzmaState) properties(b byte) bool {
	if b >= 9*5*5 {
		return false
	}
	s.lc, s.lp, s.pb = uint(b%9), uint(b/9%5), uint(b/45)
	s.literalEnd = 0x300 << (s.lc + s.lp)
	return s.lc+s.lp <= 4
}

// reset forgets all that was learned.
func (s *lzmaState) reset() {
	lc, lp, pb, end := s.lc, s.lp, s.pb, s.literalEnd
	*s = lzmaState{lc: lc, lp: lp, pb: pb, literalEnd: end}
	fill := func(list []uint16) {
		for i := range list {
			list[i] = probHalf
		}
	}
	for i := range s.isMatch {
		fill(s.isMatch[i][:])
		fill(s.isRepLong[i][:])
	}
	for i := range s.slots {
		fill(s.slots[i][:])
	}
	for _, list := range [][]uint16{s.isRep[:], s.isRep0[:], s.isRep1[:], s.isRep2[:], s.specials[:], s.align[:], s.literals[:end]} {
		fill(list)
	}
	for _, l := range [...]*lengths{&s.length, &s.repLength} {
		l.choice, l.choice2 = probHalf, probHalf
		for i := range l.low {
			fill(l.low[i][:])
			fill(l.mid[i][:])
		}
		fill(l.high[:])
	}
}

// decode unpacks a chunk of a size behind the end of z's buffer; false if it is broken.
func (s *lzmaState) decode(z *lzma2, size int) bool {
	r := &z.ranges
	buf := z.buf[:z.end+size]
	mask := uint32(1)<<s.pb - 1
	for at := z.end; at < len(buf); {
		if r.over {
			return false
		}
		total := z.since + int64(at-z.end)
		pos := uint32(total) & mask
		if r.bit(&s.isMatch[s.state][pos]) == 0 {
			s.literal(r, buf, at, total)
			at++
			continue
		}
		n, short := s.match(r, pos)
		back := int64(s.reps[0]) + 1
		if short {
			n = 1
		}
		if back > total || back > int64(z.window) || n > len(buf)-at {
			return false
		}
		from := at - int(back)
		if int(back) >= n {
			copy(buf[at:at+n], buf[from:from+n])
		} else {
			for i := range n {
				buf[at+i] = buf[from+i]
			}
		}
		at += n
	}
	return !r.over
}

// literal decodes one octet.
func (s *lzmaState) literal(r *rangeDecoder, buf []byte, at int, total int64) {
	before := uint32(0)
	if total > 0 {
		before = uint32(buf[at-1])
	}
	context := (uint32(total)&(1<<s.lp-1))<<s.lc | before>>(8-s.lc)
	probs := s.literals[0x300*context : 0x300*context+0x300]
	symbol := uint32(1)
	if s.state >= 7 && total > int64(s.reps[0]) {
		symbol = matched(r, probs, uint32(buf[at-int(s.reps[0])-1]))
	}
	// The range decoder's own words, written out: most of the time goes by here.
	width, code := r.width, r.code
	for symbol < 0x100 {
		p := uint32(probs[symbol])
		bound := (width >> probBits) * p
		if code < bound {
			width = bound
			probs[symbol] = uint16(p + (1<<probBits-p)>>probMove)
			symbol <<= 1
		} else {
			width -= bound
			code -= bound
			probs[symbol] = uint16(p - p>>probMove)
			symbol = symbol<<1 | 1
		}
		if width < topWidth {
			width <<= 8
			code <<= 8
			if r.at < len(r.in) {
				code |= uint32(r.in[r.at])
				r.at++
			} else {
				r.over = true
			}
		}
	}
	r.width, r.code = width, code
	buf[at] = byte(symbol)
	switch {
	case s.state < 4:
		s.state = 0
	case s.state < 10:
		s.state -= 3
	default:
		s.state -= 6
	}
}

// matched decodes the bits of an octet as long as they are those of the one that the
// last match would go on with; it gives the bits so far, with a one in front.
func matched(r *rangeDecoder, probs []uint16, like uint32) uint32 {
	symbol := uint32(1)
	for symbol < 0x100 {
		like <<= 1
		want := like >> 8 & 1
		b := r.bit(&probs[0x100+want<<8+symbol])
		symbol = symbol<<1 | b
		if b != want {
			break
		}
	}
	return symbol
}

// match decodes a match: its length, and its distance into reps[0]. short is a match
// of one octet.
func (s *lzmaState) match(r *rangeDecoder, pos uint32) (n int, short bool) {
	if r.bit(&s.isRep[s.state]) == 0 {
		s.reps[3], s.reps[2], s.reps[1] = s.reps[2], s.reps[1], s.reps[0]
		length := s.length.decode(r, pos)
		s.state = after(s.state, 7, 10)
		s.reps[0] = s.distance(r, length)
		return int(length) + 2, false
	}
	if r.bit(&s.isRep0[s.state]) == 0 {
		if r.bit(&s.isRepLong[s.state][pos]) == 0 {
			s.state = after(s.state, 9, 11)
			return 1, true
		}
	} else {
		back := s.reps[1]
		if r.bit(&s.isRep1[s.state]) != 0 {
			if r.bit(&s.isRep2[s.state]) == 0 {
				back = s.reps[2]
			} else {
				back, s.reps[3] = s.reps[3], s.reps[2]
			}
			s.reps[2] = s.reps[1]
		}
		s.reps[1], s.reps[0] = s.reps[0], back
	}
	length := s.repLength.decode(r, pos)
	s.state = after(s.state, 8, 11)
	return int(length) + 2, false
}

func after(state, literal, match uint32) uint32 {
	if state < 7 {
		return literal
	}
	return match
}

// distance decodes how far back a match is, less one.
func (s *lzmaState) distance(r *rangeDecoder, length uint32) uint32 {
	slot := r.tree(s.slots[min(length, 3)][:], 6)
	if slot < 4 {
		return slot
	}
	bits := uint(slot>>1) - 1
	back := (2 | slot&1) << bits
	if slot < 14 {
		return back + r.backward(s.specials[back-slot:], bits)
	}
	back += r.direct(bits-4) << 4
	return back + r.backward(s.align[:], 4)
}
