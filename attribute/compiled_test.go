package attribute_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"testing"

	"tocsin/attribute"
	"tocsin/casebook"
)

// smallTable has something of everything that a table can hold.
func smallTable(t testing.TB) *attribute.Table {
	return build(t, []casebook.Holding{
		held("192.0.2.0/24", casebook.Holding{ASN: 64500, Holder: "One", From: spring, To: autumn}),
		held("192.0.2.10-192.0.2.20", casebook.Holding{Party: "two"}),
		held("192.0.2.15-192.0.2.30", casebook.Holding{Region: "DE"}),
		held("2001:db8::/32", casebook.Holding{ASN: 64501}),
		held("example", casebook.Holding{Holder: "Registry"}),
		held("shop.example", casebook.Holding{Party: "shop"}),
	})
}

var questions = []string{"192.0.2.1", "192.0.2.17", "192.0.2.16/30", "0.0.0.0", "255.255.255.255", "2001:db8::1", "2001:db8::/33", "::", "www.shop.example", "shop.example", "net"}

func TestNoChangedOctetOfACompiledTableIsTaken(t *testing.T) {
	form := compiled(t, smallTable(t))
	for i := range form {
		form[i] ^= 0x10
		_, err := attribute.Load(form)
		if !errors.Is(err, casebook.ErrInvalid) {
			t.Errorf("octet %d changed: got %v, want ErrInvalid", i, err)
		}
		form[i] ^= 0x10
	}
	for i := range form {
		if _, err := attribute.Load(form[:i]); !errors.Is(err, casebook.ErrInvalid) {
			t.Errorf("cut after %d octets: got %v, want ErrInvalid", i, err)
		}
	}
	if _, err := attribute.Load(append(form, 0)); !errors.Is(err, casebook.ErrInvalid) {
		t.Errorf("an octet more: got %v, want ErrInvalid", err)
	}
}

// sealed gives the octets the checksum that they need to be looked at.
func sealed(b []byte) []byte {
	b = bytes.Clone(b)
	if len(b) >= 4 {
		body := b[:len(b)-4]
		binary.LittleEndian.PutUint32(b[len(body):], crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)))
	}
	return b
}

// loadForged reads octets with a right checksum and puts every question to what
// comes of it.
func loadForged(t testing.TB, b []byte) (taken bool) {
	table, err := attribute.Load(sealed(b))
	if err != nil {
		if !errors.Is(err, casebook.ErrInvalid) {
			t.Fatalf("%v isn't ErrInvalid", err)
		}
		return false
	}
	for _, q := range questions {
		if got := table.At(asset(q), summer); got.By < -1 || int(got.By) >= table.Len() {
			t.Fatalf("%s: holding %d of %d", q, got.By, table.Len())
		}
	}
	return true
}

func TestForgedTablesNeverPanic(t *testing.T) {
	form := compiled(t, smallTable(t))
	changed, refused := 0, 0
	for i := range form[:len(form)-4] {
		for _, v := range []byte{0, 1, 0x80, 0xff} {
			if form[i] == v {
				continue
			}
			forged := bytes.Clone(form)
			forged[i] = v
			changed++
			if !loadForged(t, forged) {
				refused++
			}
		}
	}
	// What is left are other addresses, ASNs, moments and holders: wrong, not broken.
	if refused < changed/2 {
		t.Errorf("of %d forgeries only %d were refused", changed, refused)
	}
}

func TestSameHoldingsGiveTheSameOctets(t *testing.T) {
	if !bytes.Equal(compiled(t, smallTable(t)), compiled(t, smallTable(t))) {
		t.Error("two builds of the same holdings differ")
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(compiled(f, smallTable(f)))
	f.Add(compiled(f, build(f, nil)))
	f.Add([]byte("tocsin holdings\x01"))
	f.Fuzz(func(t *testing.T, b []byte) { loadForged(t, b) })
}

type fullDisk struct{}

var errFull = errors.New("full")

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

func TestAFullDiskIsTold(t *testing.T) {
	if n, err := smallTable(t).WriteTo(fullDisk{}); n != 0 || !errors.Is(err, errFull) {
		t.Errorf("got %d octets, %v; want 0 and %v", n, err, errFull)
	}
}
