package sensor_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tocsin/sensor"
)

var three = time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)

func openSpool(t *testing.T, dir string, max int64) *sensor.Spool {
	t.Helper()
	s, err := sensor.OpenSpool(dir, max)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSpoolKeepsOrder sends the oldest first, also what an earlier sensor left.
func TestSpoolKeepsOrder(t *testing.T) {
	dir := t.TempDir()
	for i, text := range []string{"one", "two", "three"} {
		if err := openSpool(t, dir, 0).Put(three.Add(time.Duration(i)*time.Hour), []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	s := openSpool(t, dir, 0)
	var sent []string
	err := s.Flush(t.Context(), func(_ context.Context, name string, body []byte) error {
		sent = append(sent, string(body))
		return nil
	})
	if n, octets, lost := s.Waiting(); err != nil || !slices.Equal(sent, []string{"one", "two", "three"}) || n != 0 || octets != 0 || lost != 0 {
		t.Errorf("%q %v; %d waiting, %d octets, %d lost", sent, err, n, octets, lost)
	}
}

// TestSpoolBacksOff waits longer from failure to failure, and no longer than five
// minutes, and sends at once what comes after a success.
func TestSpoolBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openSpool(t, t.TempDir(), 0)
		if err := s.Put(three, []byte("one")); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		begun := time.Now()
		var at []int
		fails, told := 12, 0
		done := make(chan struct{})
		go func() {
			defer close(done)
			s.Forward(ctx, func(context.Context, string, []byte) error {
				at = append(at, int(time.Since(begun)/time.Second))
				if fails--; fails >= 0 {
					return errors.New("nobody there")
				}
				return nil
			}, func(string, error) { told++ })
		}()
		time.Sleep(time.Hour)
		synctest.Wait()
		if want := []int{0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 811, 1111, 1411}; !slices.Equal(at, want) || told != 12 {
			t.Errorf("tried at %v, %d told; want %v", at, told, want)
		}
		if err := s.Put(three, []byte("two")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if n := len(at); n != 14 || at[13] != 3600 {
			t.Errorf("tried at %v", at)
		}
		cancel()
		<-done
	})
}

// TestSpoolPutsAside keeps what the platform won't take apart, and goes on.
func TestSpoolPutsAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s := openSpool(t, dir, 0)
		for _, text := range []string{"bad", "good"} {
			if err := s.Put(three, []byte(text)); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		var sent []string
		done := make(chan struct{})
		go func() {
			defer close(done)
			s.Forward(ctx, func(_ context.Context, _ string, body []byte) error {
				if string(body) == "bad" {
					return fmt.Errorf("row 1: %w", sensor.ErrRejected)
				}
				sent = append(sent, string(body))
				return nil
			}, func(string, error) {})
		}()
		time.Sleep(time.Minute)
		cancel()
		<-done
		aside, _ := filepath.Glob(filepath.Join(dir, "rejected", "*"))
		if len(aside) != 1 || !slices.Equal(sent, []string{"good"}) {
			t.Errorf("aside %q, sent %q", aside, sent)
		}
	})
}

// TestSpoolIsBounded loses the oldest, and counts it.
func TestSpoolIsBounded(t *testing.T) {
	s := openSpool(t, t.TempDir(), 100)
	for i := range 10 {
		if err := s.Put(three.Add(time.Duration(i)*time.Second), []byte(strings.Repeat(fmt.Sprint(i), 30))); err != nil {
			t.Fatal(err)
		}
	}
	var sent []string
	s.Flush(t.Context(), func(_ context.Context, _ string, body []byte) error {
		sent = append(sent, string(body[:1]))
		return nil
	})
	if _, _, lost := s.Waiting(); !slices.Equal(sent, []string{"7", "8", "9"}) || lost != 7 {
		t.Errorf("sent %q, lost %d", sent, lost)
	}
	if _, err := sensor.OpenSpool(filepath.Join(t.TempDir(), "x", "\x00"), 0); err == nil {
		t.Error("a folder that can't be is opened")
	}
}

// TestSpoolLeavesNothingHalf sees no file that wasn't written whole.
func TestSpoolLeavesNothingHalf(t *testing.T) {
	dir := t.TempDir()
	s := openSpool(t, dir, 0)
	if err := os.WriteFile(filepath.Join(dir, ".new-1"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if n, _, _ := s.Waiting(); n != 0 {
		t.Errorf("%d waiting", n)
	}
}
