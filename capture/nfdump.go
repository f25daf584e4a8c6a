package capture

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"encoding/binary"
	"fmt"
	"io"
	"net/netip"

	"github.com/klauspost/compress/zstd"

	"tocsin/casebook"
	"tocsin/traffic"
)

var _ = add(Format{Name: "nfdump", About: "files of nfdump 1.6 and 1.7 (nfcapd.*), plain or packed with LZO, LZ4, bzip2 or zstd",
	knows: knowsNfdump, open: openNfdump})

// The layouts of nfdump's files: 1 is that of 1.6, 2 that of 1.7 (nffile.h there).
const (
	nfMagic   = 0xa50c
	nfLayout1 = 1
	nfLayout2 = 2
	// How blocks are packed, by the numbers of layout 2.
	nfPlain = 0
	nfLZO   = 1
	nfBzip2 = 2
	nfLZ4   = 3
	nfZstd  = 4
	// maxNfBlock bounds a block: nfdump itself writes at most 5 MiB, unpacked.
	maxNfBlock = 16 << 20
	// maxNfExporters is how many exporters of a file are told apart.
	maxNfExporters = 65536
)

// nfdump reads blocks of records.
type nfdump struct {
	in        *bufio.Reader
	tally     *tally
	order     binary.ByteOrder
	layout    int
	packing   int
	blocks    uint32 // that are left
	packed    []byte
	plain     []byte // what is left of the block
	exporters map[uint16]nfExporter
	zstd      *zstd.Decoder
}

// nfExporter is what a file says of an exporter.
type nfExporter struct {
	point string
	rate  uint32
}

func knowsNfdump(head []byte) bool {
	return len(head) >= 4 && (binary.LittleEndian.Uint16(head) == nfMagic || binary.BigEndian.Uint16(head) == nfMagic)
}

func openNfdump(s source) (decoder, error) {
	n := &nfdump{in: s.in, tally: s.tally, order: binary.LittleEndian, exporters: make(map[uint16]nfExporter)}
	if binary.BigEndian.Uint16(s.head) == nfMagic {
		n.order = binary.BigEndian
	}
	n.layout = int(n.order.Uint16(s.head[2:]))
	switch n.layout {
	case nfLayout1:
		return n, n.header1()
	case nfLayout2:
		return n, n.header2()
	}
	return nil, fmt.Errorf("a file of layout %d, 1 and 2 are read: write it as CSV with the nfdump it came from: %w", n.layout, casebook.ErrInvalid)
}

// header1 reads the header of layout 1, and passes over its statistics.
func (n *nfdump) header1() error {
	var h [140 + 136]byte
	if _, err := io.ReadFull(n.in, h[:]); err != nil {
		return fmt.Errorf("the file header is cut short: %w", casebook.ErrInvalid)
	}
	n.blocks = n.order.Uint32(h[8:])
	switch n.order.Uint32(h[4:]) & 0x19 {
	case 0:
	case 0x01:
		n.packing = nfLZO
	case 0x08:
		n.packing = nfBzip2
	case 0x10:
		n.packing = nfLZ4
	default:
		return fmt.Errorf("it is packed in two ways at once: %w", casebook.ErrInvalid)
	}
	return nil
}

// header2 reads the header of layout 2.
func (n *nfdump) header2() error {
	var h [40]byte
	if _, err := io.ReadFull(n.in, h[:]); err != nil {
		return fmt.Errorf("the file header is cut short: %w", casebook.ErrInvalid)
	}
	n.packing, n.blocks = int(h[16]), n.order.Uint32(h[36:])
	switch {
	case h[17] != 0:
		return fmt.Errorf("it is encrypted: %w", casebook.ErrInvalid)
	case n.packing > nfZstd:
		return fmt.Errorf("it is packed in the way numbered %d, which isn't known: %w", n.packing, casebook.ErrInvalid)
	}
	return nil
}

func (n *nfdump) fill(b *traffic.Batch) error {
	for b.Len() < batchRecords {
		if len(n.plain) < 4 {
			if err := n.next(); err != nil {
				return err
			}
			continue
		}
		kind, size := n.order.Uint16(n.plain), int(n.order.Uint16(n.plain[2:]))
		if size < 4 || size > len(n.plain) {
			n.tally.Rows++
			n.tally.refusef(n.tally.Rows, 0, "", "a record says it has %d octets where %d of its block are left: the rest of the block is passed over", size, len(n.plain))
			n.plain = nil
			continue
		}
		n.take(kind, n.plain[:size], b)
		n.plain = n.plain[size:]
	}
	return nil
}

// next reads a block. A file that is still being written says it has none, and is read
// to its end.
func (n *nfdump) next() error {
	var h [12]byte
	if n.blocks == 0 && n.layout == nfLayout2 && n.tally.Rows > 0 {
		return io.EOF // an appendix follows
	}
	if _, err := io.ReadFull(n.in, h[:]); err != nil {
		if err == io.ErrUnexpectedEOF {
			return fmt.Errorf("a block's header behind record %d is cut short: %w", n.tally.Rows, casebook.ErrInvalid)
		}
		return err
	}
	if n.blocks > 0 {
		n.blocks--
	}
	size, kind, flags := n.order.Uint32(h[4:]), n.order.Uint16(h[8:]), n.order.Uint16(h[10:])
	if size > maxNfBlock {
		return fmt.Errorf("a block behind record %d says it has %d octets, the bound is %d: %w", n.tally.Rows, size, maxNfBlock, casebook.ErrInvalid)
	}
	if int(size) > cap(n.packed) {
		n.packed = make([]byte, size)
	}
	n.packed = n.packed[:size]
	if _, err := io.ReadFull(n.in, n.packed); err != nil {
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return fmt.Errorf("a block behind record %d is cut short: %w", n.tally.Rows, casebook.ErrInvalid)
		}
		return err
	}
	if kind != 2 && kind != 3 && kind != 1 {
		return nil // catalogs and the like
	}
	plain, err := n.unpack(flags)
	if err != nil {
		n.tally.Rows++
		n.tally.refusef(n.tally.Rows, 0, "", "a block's packing is broken: %v", err)
		return nil
	}
	n.plain = plain
	return nil
}

// unpack gives a block's records.
func (n *nfdump) unpack(flags uint16) ([]byte, error) {
	if n.layout == nfLayout2 && flags&1 != 0 {
		return n.packed, nil // marked as left plain
	}
	switch n.packing {
	case nfLZO:
		return lzo1x(n.packed, maxNfBlock)
	case nfLZ4:
		return lz4Block(n.packed, maxNfBlock)
	case nfBzip2:
		return io.ReadAll(io.LimitReader(bzip2.NewReader(bytes.NewReader(n.packed)), maxNfBlock))
	case nfZstd:
		if n.zstd == nil {
			var err error
			if n.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxNfBlock)); err != nil {
				return nil, err
			}
		}
		return n.zstd.DecodeAll(n.packed, nil)
	}
	return n.packed, nil
}

// Kinds of records.
const (
	nfExporterInfo = 7
	nfSampler1     = 9
	nfFlow1        = 10
	nfFlow3        = 11
	nfSampler3     = 15
)

// take reads a record.
func (n *nfdump) take(kind uint16, r []byte, b *traffic.Batch) {
	switch kind {
	case nfExporterInfo:
		n.exporter(r)
	case nfSampler1:
		if len(r) >= 16 {
			n.sampler(n.order.Uint16(r[14:]), n.order.Uint32(r[8:]), 0)
		}
	case nfSampler3:
		if len(r) >= 24 {
			n.sampler(n.order.Uint16(r[4:]), n.order.Uint32(r[16:]), n.order.Uint32(r[20:]))
		}
	case nfFlow1, 1:
		n.flow(r, b, kind == 1, n.flow1)
	case nfFlow3:
		n.flow(r, b, false, n.flow3)
	}
}

func (n *nfdump) flow(r []byte, b *traffic.Batch, old bool, read func([]byte, *traffic.Flow, bool) string) {
	n.tally.Rows++
	f := traffic.Flow{Duration: traffic.Unknown, OneWay: true, OrigBytes: traffic.Unknown, OrigPackets: traffic.Unknown,
		RespBytes: traffic.Unknown, RespPackets: traffic.Unknown, OrigPayload: traffic.Unknown, RespPayload: traffic.Unknown}
	if reason := read(r, &f, old); reason != "" {
		n.tally.refuse(n.tally.Rows, 0, "", reason)
		return
	}
	if f.Start < 0 || f.Start >= maxMoment {
		n.tally.refuse(n.tally.Rows, 0, "", "its moment isn't between 1970 and 2199")
		return
	}
	if f.Proto == traffic.ICMP || f.Proto == traffic.ICMPv6 { // type and code stand in the destination's port
		f.OrigPort, f.RespPort = f.RespPort>>8, f.RespPort&255
	}
	if f.OneWay {
		oneWayFate(&f, 0)
	}
	b.Flows = append(b.Flows, f)
}

// exporter keeps where records come from.
func (n *nfdump) exporter(r []byte) {
	if len(r) < 32 || len(n.exporters) >= maxNfExporters {
		return
	}
	addr := netip.AddrFrom4([4]byte{r[19], r[18], r[17], r[16]})
	if n.order == binary.BigEndian {
		addr = netip.AddrFrom4([4]byte(r[20:24]))
	}
	if n.order.Uint16(r[24:]) == 10 { // AF_INET6
		addr = n.addr6(r[8:24])
	}
	id := n.order.Uint16(r[26:])
	e := n.exporters[id]
	e.point = fmt.Sprintf("%v/%d", addr, n.order.Uint32(r[28:]))
	n.exporters[id] = e
}

func (n *nfdump) sampler(id uint16, interval, space uint32) {
	if len(n.exporters) >= maxNfExporters {
		return
	}
	e := n.exporters[id]
	e.rate = interval
	if space > 0 && interval > 0 {
		e.rate = (interval + space) / interval
	}
	n.exporters[id] = e
}

// addr6 reads an address that is kept as two numbers of 64 bits.
func (n *nfdump) addr6(v []byte) netip.Addr {
	var a [16]byte
	binary.BigEndian.PutUint64(a[:], n.order.Uint64(v))
	binary.BigEndian.PutUint64(a[8:], n.order.Uint64(v[8:]))
	return netip.AddrFrom16(a).Unmap()
}

func (n *nfdump) addr4(v []byte) netip.Addr {
	var a [4]byte
	binary.BigEndian.PutUint32(a[:], n.order.Uint32(v))
	return netip.AddrFrom4(a)
}

// origin sets where a record comes from. nfcapd multiplies the counts of sampled
// traffic: that is undone.
func (n *nfdump) origin(f *traffic.Flow, id uint16, multiplied bool) {
	e := n.exporters[id]
	f.Point, f.Sampling = e.point, e.rate
	if multiplied && e.rate > 1 {
		for _, count := range []*int64{&f.OrigBytes, &f.OrigPackets, &f.RespBytes, &f.RespPackets} {
			if *count > 0 {
				*count /= int64(e.rate)
			}
		}
	}
}
