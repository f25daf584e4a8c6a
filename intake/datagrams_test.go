package intake_test

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"tocsin/casebook"
	"tocsin/intake"
)

func TestDatagrams(t *testing.T) {
	moment := time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)
	door, err := intake.ListenDatagrams("127.0.0.1:0", func() time.Time { return moment })
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("udp", door.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, text := range []string{"one", "two", ""} {
		if _, err := conn.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"one", "two", ""} {
		g, ok, err := door.Fetch(10 * time.Second)
		if !ok || err != nil || string(g.Body) != want || g.From.String() != conn.LocalAddr().String() || g.Received != moment.UnixMicro() {
			t.Errorf("%+v %t %v, want %q", g, ok, err, want)
		}
	}
	if _, ok, err := door.Fetch(0); ok || err != nil {
		t.Errorf("an empty queue gives %t, %v", ok, err)
	}
	if received, dropped := door.Counts(); received != 3 || dropped != 0 {
		t.Errorf("%d received, %d dropped", received, dropped)
	}
	door.Close()
	if _, ok, err := door.Fetch(10 * time.Second); ok || err != io.EOF {
		t.Errorf("a closed door gives %t, %v", ok, err)
	}
	if _, err := intake.ListenDatagrams("nowhere", time.Now); !errors.Is(err, casebook.ErrInvalid) {
		t.Errorf("an address that is none gives %v", err)
	}
}

// TestDatagramsFull sends more than is kept, and wants the rest counted.
func TestDatagramsFull(t *testing.T) {
	door, err := intake.ListenDatagrams("127.0.0.1:0", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer door.Close()
	conn, err := net.Dial("udp", door.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	body := make([]byte, 60_000)
	const sent = 1500 // 90 MB, over the 64 MiB that are kept
	for range sent {
		if _, err := conn.Write(body); err != nil {
			t.Fatal(err)
		}
	}
	fetched := int64(0)
	for {
		_, ok, err := door.Fetch(500 * time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			break
		}
		fetched++
	}
	if _, dropped := door.Counts(); fetched+dropped != sent || dropped == 0 {
		t.Errorf("%d fetched, %d dropped, of %d", fetched, dropped, sent)
	}
}
