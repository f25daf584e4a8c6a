package casebook

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"slices"
	"strings"
	"time"
)

// Observation is one immutable claim by one source about one asset: a feed's row
// or a detector's finding.
type Observation struct {
	Key        Key    // what makes it this claim and no other; see Keyer
	Source     string // who claims: the feed, and its report type if it has several ("shadowserver/event4_sinkhole")
	Type       Type
	Role       Role // what Asset plays
	Severity   Severity
	Confidence uint16 // 0 to 1000 for 0 to 1
	TLP        TLP
	Identifier string // the source's own word for the kind of finding ("open-telnet"), "" if none
	Family     string // malware or botnet, as the source writes it, "" if not told
	Asset      Asset
	Port       uint16 // of Asset, 0 if not told
	Transport  Transport
	Peer       Asset // the other end: a sinkhole, a controller, a victim
	PeerPort   uint16
	ObservedAt time.Time // by the source's clock, UTC, to the microsecond
	Row        int64     // the record's number in its delivery; the first is 1
	Extra      []Field   // every other thing that the row says, sorted by name
}

// Field is a named value as the source wrote it.
type Field struct {
	Name  string
	Value []byte
}

// FamilyKey folds a family's spelling into the word by which it is compared:
// lower case, outer white space gone, runs of white space one blank.
func FamilyKey(family string) string {
	return strings.Join(strings.Fields(strings.ToLower(family)), " ")
}

// Key is the first 16 octets of SHA-256 over an observation's source, type and
// canonical fields sorted by name. A row taken again has the same key, and so
// has one whose columns were reordered.
type Key [16]byte

// Compare orders keys as octets.
func (k Key) Compare(other Key) int { return bytes.Compare(k[:], other[:]) }

// A Keyer computes keys without allocating. The zero value is ready; it serves
// one goroutine.
type Keyer struct {
	sha hash.Hash
	buf []byte
	sum [sha256.Size]byte
}

// Key hashes what the observation claims: not its Key and Row, nor the Role and
// TLP that we gave it. It sorts o.Extra by name. Fields that say nothing don't
// count, so that a column which a source adds empty changes no key.
func (k *Keyer) Key(o *Observation) Key {
	if k.sha == nil {
		k.sha = sha256.New()
	}
	b := k.buf[:0]
	b = appendField(b, "source", o.Source)
	b = appendField(b, "type", o.Type.String())
	b = append(b, byte(o.Severity), byte(o.Transport), byte(o.Asset.Kind), byte(o.Peer.Kind))
	b = binary.BigEndian.AppendUint16(b, o.Confidence)
	b = binary.BigEndian.AppendUint16(b, o.Port)
	b = binary.BigEndian.AppendUint16(b, o.PeerPort)
	b = binary.BigEndian.AppendUint64(b, uint64(o.ObservedAt.UnixMicro()))
	b = appendAsset(b, o.Asset)
	b = appendAsset(b, o.Peer)
	b = appendField(b, "identifier", o.Identifier)
	b = appendField(b, "family", o.Family)
	byName := func(a, b Field) int { return strings.Compare(a.Name, b.Name) }
	if !slices.IsSortedFunc(o.Extra, byName) {
		slices.SortStableFunc(o.Extra, byName)
	}
	for _, f := range o.Extra {
		if len(f.Value) == 0 {
			continue
		}
		b = binary.AppendUvarint(b, uint64(len(f.Name)))
		b = append(b, f.Name...)
		b = binary.AppendUvarint(b, uint64(len(f.Value)))
		b = append(b, f.Value...)
	}
	k.buf = b
	k.sha.Reset()
	k.sha.Write(b)
	return Key(k.sha.Sum(k.sum[:0])[:16])
}

func appendField(b []byte, name, value string) []byte {
	b = binary.AppendUvarint(b, uint64(len(name)))
	b = append(b, name...)
	b = binary.AppendUvarint(b, uint64(len(value)))
	return append(b, value...)
}

func appendAsset(b []byte, a Asset) []byte {
	at := len(b)
	b = append(b, 0, 0, 0, 0)
	b = a.AppendCanonical(b)
	binary.BigEndian.PutUint32(b[at:], uint32(len(b)-at-4))
	return b
}
