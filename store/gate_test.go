package store

import (
	"context"
	"errors"
	"reflect"
	"runtime"
	"sync"
	"testing"
)

// queued waits until so many wait for the gate.
func queued(g *gate, want int) {
	for n := -1; n != want; runtime.Gosched() {
		g.mu.Lock()
		n = len(g.waiting[0]) + len(g.waiting[1])
		g.mu.Unlock()
	}
}

func TestCaseWorkOvertakesBulkWorkThatWaits(t *testing.T) {
	var g gate
	if err := g.enter(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	var order []string // the gate guards it
	var all sync.WaitGroup
	for i, name := range []string{"bulk 1", "bulk 2", "case 1", "case 2"} {
		all.Go(func() {
			if err := g.enter(t.Context(), i < 2); err != nil {
				t.Error(err)
				return
			}
			order = append(order, name)
			g.leave()
		})
		queued(&g, i+1)
	}
	g.leave()
	all.Wait()
	if want := []string{"case 1", "case 2", "bulk 1", "bulk 2"}; !reflect.DeepEqual(order, want) {
		t.Errorf("got %q, want %q", order, want)
	}
}

func TestWhoStopsWaitingLeavesTheGateUsable(t *testing.T) {
	var g gate
	if err := g.enter(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var gone, stayed sync.WaitGroup
	for range 8 {
		gone.Go(func() {
			if err := g.enter(ctx, true); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want a cancelled call", err)
			}
		})
	}
	queued(&g, 8)
	passed := 0
	for range 2 {
		stayed.Go(func() {
			if err := g.enter(t.Context(), true); err != nil {
				t.Error(err)
			}
			passed++
			g.leave()
		})
	}
	queued(&g, 10)
	cancel()
	gone.Wait()
	g.leave()
	stayed.Wait()
	if passed != 2 || g.busy || len(g.waiting[1]) > 0 {
		t.Errorf("%d of 2 passed, busy %v, %d wait", passed, g.busy, len(g.waiting[1]))
	}
}

func TestATurnThatComesWithTheCancellationIsPassedOn(t *testing.T) {
	for range 100 {
		var g gate
		if err := g.enter(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var waiter sync.WaitGroup
		waiter.Go(func() {
			if g.enter(ctx, true) == nil {
				g.leave()
			}
		})
		queued(&g, 1)
		g.mu.Lock() // the waiter can't step back before its turn comes
		cancel()
		for range 100 {
			runtime.Gosched()
		}
		g.next()
		g.mu.Unlock()
		waiter.Wait()
		if g.busy {
			t.Fatal("nobody is in and the gate is closed")
		}
	}
}
