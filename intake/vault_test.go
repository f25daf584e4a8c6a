package intake

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"tocsin/casebook"
)

// deliveries are some of every sort: plain, packed, empty, short, longer than a buffer.
func deliveries() [][]byte {
	long := bytes.Repeat([]byte("2026-11-23 00:00:00,192.0.2.7,examplebot\n"), 20_000)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write(long)
	z.Close()
	return [][]byte{long, packed.Bytes(), {}, []byte("x"), []byte("a,b\n1,2\n"), long[:100_000]}
}

func read(t *testing.T, v *Vault, d casebook.Digest) []byte {
	t.Helper()
	r, err := v.Open(d)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAPowerCutAtAnyOperationLosesNothingAccepted(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for failAt := 1; ; failAt++ {
		disk := newFaultDisk()
		disk.failAt, disk.err = failAt, errPowerCut
		var accepted []Kept
		var contents [][]byte
		v, err := NewVault(disk, 0)
		if err == nil {
			for _, content := range deliveries() {
				k, err := v.Put(t.Context(), bytes.NewReader(content))
				if err != nil {
					break
				}
				accepted, contents = append(accepted, k), append(contents, content)
			}
		}
		// Whatever the disk happened to keep beyond its duty, the same must hold.
		for _, keepMore := range []func() bool{
			func() bool { return false },
			func() bool { return true },
			func() bool { return random.IntN(2) == 0 },
		} {
			after := disk.cut(keepMore)
			v, err := NewVault(after, 0)
			if err != nil {
				t.Fatalf("cut at operation %d: %v", failAt, err)
			}
			for i, k := range accepted {
				if err := v.Verify(t.Context(), k.Digest); err != nil {
					t.Fatalf("cut at operation %d: accepted and lost: %v", failAt, err)
				}
				if got := read(t, v, k.Digest); !bytes.Equal(got, contents[i]) {
					t.Fatalf("cut at operation %d: %d bytes, want %d", failAt, len(got), len(contents[i]))
				}
			}
			for _, name := range after.whole() {
				if err := v.Verify(t.Context(), casebook.Digest(unhex(t, name))); err != nil {
					t.Fatalf("cut at operation %d: half a delivery is visible: %v", failAt, err)
				}
			}
			if left, _ := after.List(incoming); len(left) > 0 {
				t.Fatalf("cut at operation %d: left over: %v", failAt, left)
			}
		}
		if failAt > disk.ops {
			if len(accepted) != len(deliveries()) {
				t.Fatalf("an uncut run took %d of %d", len(accepted), len(deliveries()))
			}
			t.Logf("cut at each of %d operations", disk.ops)
			return
		}
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	var b []byte
	if _, err := fmt.Sscanf(s, "%x", &b); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAnErrorAtAnyOperationIsToldAndTheNextDeliveryIsTaken(t *testing.T) {
	t.Parallel()
	for _, fault := range []error{syscall.ENOSPC, syscall.EIO} {
		for failAt := 1; ; failAt++ {
			disk := newFaultDisk()
			v, err := NewVault(disk, 0)
			if err != nil {
				t.Fatal(err)
			}
			disk.failAt, disk.err = disk.ops+failAt, fault
			content := deliveries()[0]
			k, err := v.Put(t.Context(), bytes.NewReader(content))
			if disk.ops < disk.failAt {
				if err != nil {
					t.Fatal(err)
				}
				break
			}
			if !errors.Is(err, fault) {
				t.Fatalf("%v at operation %d was answered with %v", fault, failAt, err)
			}
			for _, name := range disk.whole() {
				if err := v.Verify(t.Context(), casebook.Digest(unhex(t, name))); err != nil {
					t.Fatalf("%v at operation %d: half a delivery is visible: %v", fault, failAt, err)
				}
			}
			if left, _ := disk.List(incoming); len(left) > 0 {
				t.Fatalf("%v at operation %d: left over: %v", fault, failAt, left)
			}
			if k, err = v.Put(t.Context(), bytes.NewReader(content)); err != nil {
				t.Fatalf("the delivery after %v at operation %d: %v", fault, failAt, err)
			}
			if got := read(t, v, k.Digest); !bytes.Equal(got, content) {
				t.Fatalf("%d bytes, want %d", len(got), len(content))
			}
		}
	}
}

func TestADeliveryIsKeptOnceAsItCame(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	v, err := NewVault(Folder(dir), 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, content := range deliveries() {
		for range 2 {
			k, err := v.Put(t.Context(), bytes.NewReader(content))
			if err != nil {
				t.Fatal(err)
			}
			if k.Digest != sha256.Sum256(content) || k.Bytes != int64(len(content)) {
				t.Errorf("kept %s of %d bytes, want the digest of %d", k.Digest, k.Bytes, len(content))
			}
			if got := read(t, v, k.Digest); !bytes.Equal(got, content) {
				t.Errorf("reads %d bytes, want %d", len(got), len(content))
			}
			if err := v.Verify(t.Context(), k.Digest); err != nil {
				t.Error(err)
			}
			name, err := Find(Folder(dir), k.Digest)
			if err != nil {
				t.Fatal(err)
			}
			if packed := isPacked(string(content)); packed == strings.HasSuffix(name, ".zst") {
				t.Errorf("packed %v is kept as %s", packed, name)
			}
		}
	}
	files, _ := filepath.Glob(filepath.Join(dir, "??", "*"))
	if len(files) != len(deliveries()) {
		t.Errorf("%d files for %d contents", len(files), len(deliveries()))
	}
}

func TestAPackedDeliveryCanBeReadOutOfOrder(t *testing.T) {
	t.Parallel()
	v, err := NewVault(Folder(t.TempDir()), 0)
	if err != nil {
		t.Fatal(err)
	}
	packed := deliveries()[1]
	k, err := v.Put(t.Context(), bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	r, err := v.Open(k.Digest)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	f, ok := r.(ReadFile)
	if !ok || f.Size() != int64(len(packed)) {
		t.Fatalf("a packed delivery opens as %T", r)
	}
	tail := make([]byte, 8)
	if _, err := f.ReadAt(tail, f.Size()-8); err != nil || !bytes.Equal(tail, packed[len(packed)-8:]) {
		t.Errorf("its end reads %x (%v), want %x", tail, err, packed[len(packed)-8:])
	}
}

func TestADeliveryOverTheBoundIsRefused(t *testing.T) {
	t.Parallel()
	disk := newFaultDisk()
	v, err := NewVault(disk, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Put(t.Context(), bytes.NewReader(make([]byte, 1000))); err != nil {
		t.Errorf("at the bound: %v", err)
	}
	kept := len(disk.whole())
	if _, err := v.Put(t.Context(), bytes.NewReader(make([]byte, 1001))); !errors.Is(err, casebook.ErrTooLarge) {
		t.Errorf("over the bound: %v, want ErrTooLarge", err)
	}
	if left, _ := disk.List(incoming); len(left) > 0 || len(disk.whole()) != kept {
		t.Errorf("left over: %v", left)
	}
}

func TestACallerWhoGoesLeavesNothing(t *testing.T) {
	t.Parallel()
	disk := newFaultDisk()
	v, err := NewVault(disk, 0)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	body := io.MultiReader(strings.NewReader("first part,"), readerFunc(func([]byte) (int, error) { cancel(); return 0, nil }))
	if _, err := v.Put(ctx, body); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want a cancelled call", err)
	}
	if left, _ := disk.List(incoming); len(left) > 0 || len(disk.whole()) > 0 {
		t.Errorf("left over: %v, %v", left, disk.whole())
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestVerifyNoticesEveryFlippedByteAndAMissingFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	v, err := NewVault(Folder(dir), 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, content := range [][]byte{deliveries()[4], deliveries()[1]} {
		k, err := v.Put(t.Context(), bytes.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		name, err := Find(Folder(dir), k.Digest)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, name)
		whole, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(whole); i += 1 + len(whole)/100 {
			bad := bytes.Clone(whole)
			bad[i] ^= 1
			if err := os.WriteFile(file, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			err := v.Verify(t.Context(), k.Digest)
			// Some octets of a packed file say nothing of its content; then it reads the same.
			if same, readErr := reads(v, k.Digest); readErr == nil && bytes.Equal(same, content) {
				continue
			}
			if !errors.Is(err, casebook.ErrConflict) {
				t.Fatalf("byte %d of %d flipped: %v, want ErrConflict", i, len(whole), err)
			}
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		if err := v.Verify(t.Context(), k.Digest); !errors.Is(err, casebook.ErrNotFound) {
			t.Errorf("file gone: %v, want ErrNotFound", err)
		}
	}
}

func reads(v *Vault, d casebook.Digest) ([]byte, error) {
	r, err := v.Open(d)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

func BenchmarkPut(b *testing.B) {
	v, err := NewVault(Folder(b.TempDir()), 0)
	if err != nil {
		b.Fatal(err)
	}
	content := deliveries()[0]
	b.SetBytes(int64(len(content)))
	for b.Loop() {
		if _, err := v.Put(b.Context(), bytes.NewReader(content)); err != nil {
			b.Fatal(err)
		}
	}
}
