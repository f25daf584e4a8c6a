package casebook_test

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tocsin/casebook"
)

func TestEveryKindOfAssetHasOneCanonicalForm(t *testing.T) {
	for _, c := range one {
		want := []byte(c.canonical)
		if _, isRange := c.asset.Prefix(); isRange {
			want, _ = hex.DecodeString(c.canonical)
		}
		got := c.asset.AppendCanonical([]byte("to "))
		if !bytes.Equal(got, append([]byte("to "), want...)) {
			t.Errorf("%s: got %x, want %x", c.word, got[3:], want)
		}
		if back, err := casebook.CanonicalAsset(c.kind, want); err != nil || back != c.asset {
			t.Errorf("%s: got %v, %v back, want %v", c.word, back, err, c.asset)
		}
	}
}

func drawAsset(t *rapid.T, label string) casebook.Asset {
	switch kind := rapid.SampledFrom(one).Draw(t, label+" kind").kind; kind {
	case casebook.NoAsset:
		return casebook.Asset{}
	case casebook.IPv4Addr, casebook.IPv6Addr:
		return casebook.AddrAsset(drawAddr(t, label))
	case casebook.IPv4Prefix, casebook.IPv6Prefix:
		return casebook.PrefixAsset(drawPrefix(t, label))
	case casebook.DomainName:
		a, _ := casebook.DomainAsset(rapid.StringMatching(`[a-zA-Z0-9_-]{1,63}(\.[a-zA-Z0-9_-]{1,20}){0,4}\.?`).Draw(t, label))
		return a
	case casebook.FileHash:
		a, _ := casebook.HashAsset(rapid.StringMatching(`[0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{64}|[0-9a-fA-F]{128}`).Draw(t, label))
		return a
	default:
		return named(kind, rapid.StringN(1, 60, -1).Draw(t, label))
	}
}

func TestAnAssetIsReadBackFromItsCanonicalForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := drawAsset(t, "asset")
		if got, err := casebook.CanonicalAsset(a.Kind, a.AppendCanonical(nil)); err != nil || got != a {
			t.Fatalf("got %v, %v, want %v", got, err, a)
		}
	})
}

func TestCanonicalFormsSortAsTheirAssets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawAsset(t, "a"), drawAsset(t, "b")
		if a.Kind != b.Kind {
			t.Skip("assets are ordered within their kind")
		}
		want := cmp.Compare(a.Name, b.Name)
		if p, isRange := a.Prefix(); isRange {
			q, _ := b.Prefix()
			want = cmp.Or(p.Addr().Compare(q.Addr()), casebook.LastAddr(p).Compare(casebook.LastAddr(q)))
		}
		if got := bytes.Compare(a.AppendCanonical(nil), b.AppendCanonical(nil)); got != want {
			t.Fatalf("%v and %v: got %d, want %d", a, b, got, want)
		}
	})
}

func TestOctetsThatNoAssetHasAreRefused(t *testing.T) {
	of := func(assets ...casebook.Asset) string {
		var b []byte
		for _, a := range assets {
			b = a.AppendCanonical(b)
		}
		return string(b)
	}
	v4, v6 := addr("192.0.2.0"), addr("2001:db8::")
	cases := []struct {
		name   string
		kind   casebook.AssetKind
		octets string
	}{
		{"something for no asset", casebook.NoAsset, "x"},
		{"an address of four octets", casebook.IPv4Addr, "\xc0\x00\x02\x07"},
		{"an address of 15 octets", casebook.IPv6Addr, of(v6)[1:]},
		{"no address", casebook.IPv4Addr, ""},
		{"an IPv6 address as IPv4", casebook.IPv4Addr, of(v6)},
		{"an IPv4 address as IPv6", casebook.IPv6Addr, of(v4)},
		{"an IPv6 prefix as IPv4", casebook.IPv4Prefix, of(prefix("2001:db8::/32"))},
		{"an IPv4 prefix as IPv6", casebook.IPv6Prefix, of(prefix("192.0.2.0/24"))},
		{"a prefix of one address", casebook.IPv4Prefix, of(v4, v4)},
		{"half a prefix", casebook.IPv4Prefix, of(v4)},
		{"a range that no prefix covers", casebook.IPv4Prefix, of(v4, addr("192.0.2.2"))},
		{"a range whose start lies inside", casebook.IPv4Prefix, of(addr("192.0.2.1"), addr("192.0.2.255"))},
		{"a range turned round", casebook.IPv6Prefix, of(addr("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"), v6)},
		{"a range over both families", casebook.IPv4Prefix, of(v4, addr("ffff::"))},
		{"a domain in capitals", casebook.DomainName, "Example.net"},
		{"a domain with its last dot", casebook.DomainName, "example.net."},
		{"a domain that is none", casebook.DomainName, "a b"},
		{"a hash in capitals", casebook.FileHash, strings.Repeat("A9", 16)},
		{"a hash that is none", casebook.FileHash, "a9"},
		{"an address without name", casebook.EmailAddr, ""},
		{"a kind that nobody knows", casebook.AssetKind(len(one)), "x"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := casebook.CanonicalAsset(c.kind, []byte(c.octets))
			if !errors.Is(err, casebook.ErrInvalid) || !got.IsZero() {
				t.Errorf("%x: got %v, %v, want ErrInvalid", c.octets, got, err)
			}
		})
	}
}

func FuzzCanonicalAsset(f *testing.F) {
	for _, c := range one {
		f.Add(uint8(c.kind), c.asset.AppendCanonical(nil))
	}
	f.Fuzz(func(t *testing.T, kind uint8, octets []byte) {
		a, err := casebook.CanonicalAsset(casebook.AssetKind(kind), octets)
		if err != nil {
			if !errors.Is(err, casebook.ErrInvalid) {
				t.Fatalf("%d, %x: got %v, want ErrInvalid", kind, octets, err)
			}
			return
		}
		if got := a.AppendCanonical(nil); a.Kind != casebook.AssetKind(kind) || !bytes.Equal(got, octets) {
			t.Fatalf("got %d, %x, want %d, %x", a.Kind, got, kind, octets)
		}
	})
}
