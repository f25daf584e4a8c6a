package demo

import (
	"log/slog"
	"net"
	"os"
	"testing"
)

// TestMain keeps the platform's log to what goes wrong.
func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	os.Exit(m.Run())
}

// openCountry opens a country whose story is told as fast as the machine can.
func openCountry(t *testing.T, seed uint64) *Country {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n, err := Open(Config{Dir: t.TempDir(), Version: "test", Seed: seed, Listener: l})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

func TestStory(t *testing.T) {
	n := openCountry(t, 1)
	err := n.Run(t.Context())
	s := n.player.Scene("en")
	for i := len(s.Past) - 1; i >= 0; i-- {
		t.Logf("%s  %-10s %s  %s", s.Past[i].At.In(local).Format("2 Jan 15:04:05"), s.Past[i].Who.Account, s.Past[i].Text, s.Past[i].Page)
	}
	for _, l := range s.Letters {
		t.Logf("%s  %s: %s", l.At.In(local).Format("2 Jan 15:04:05"), l.To, l.Subject)
	}
	if err != nil {
		t.Fatal(err)
	}
}
