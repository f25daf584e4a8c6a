package capture

import (
	"encoding/hex"
	"testing"
)

// The worked example of JA4's specification (technical_details/JA4.md).
func TestJA4OfTheSpecificationsExample(t *testing.T) {
	c := clientHello{
		legacy: 0x0303, versions: []uint16{0x2a2a, 0x0304, 0x0303}, hasName: true, hasALPN: true, alpn: []byte("h2"),
		ciphers: []uint16{0xdada, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035},
		exts: []uint16{0x4a4a, 0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d, 0x0005, 0x0023, 0x0012, 0x002b, 0xff01, 0x000b,
			0x000a, 0x0015, 0x1a1a},
		sigs: []uint16{0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601},
	}
	if got, want := c.makeJA4('t'), "t13d1516h2_8daaf6152771_e5627efa2ab1"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestJA4ALPN(t *testing.T) {
	for name, want := range map[string]string{"": "00", "h2": "h2", "http/1.1": "h1", "x": "xx", "\xab": "ab", "\xab\xcd": "ad", "0\xab": "3b", "\x0a\x0a": "0a", "h\x00": "60"} {
		if got := ja4ALPN([]byte(name)); got != want {
			t.Errorf("%q: got %s, want %s", name, got, want)
		}
	}
}

func TestGREASE(t *testing.T) {
	for n, want := range map[uint16]bool{0x0a0a: true, 0xfafa: true, 0x0a1a: false, 0x1301: false, 0x1a0a: false} {
		if got := grease(n); got != want {
			t.Errorf("%04x: got %v, want %v", n, got, want)
		}
	}
}

// The keys of RFC 9001, appendix A.1.
func TestQUICKeysOfTheRFC(t *testing.T) {
	dcid, _ := hex.DecodeString("8394c8f03e515708")
	_, iv, _, ok := quicKeys(quicVersions[1], dcid)
	if got, want := hex.EncodeToString(iv), "fa044b2f42a3fd3b46fb255c"; !ok || got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
