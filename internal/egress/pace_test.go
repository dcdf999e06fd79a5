package egress

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestPace(t *testing.T) {
	t.Parallel()
	p, now := newPace(10), time.Unix(1e9, 0)
	for n := range 50 { // 20 at once, then one each tenth of a second
		if wait, want := p.due(now, "a"), time.Duration(n-20)*100*time.Millisecond; wait != want {
			t.Fatalf("request %d waits %v, want %v", n, wait, want)
		}
	}
	if wait := p.due(now, "b"); wait > 0 {
		t.Errorf("another host waits %v", wait)
	}
	now = now.Add(time.Hour)
	if wait := p.due(now, "a"); wait > 0 {
		t.Errorf("after an hour a request waits %v", wait)
	}
	for n := range 2 * mostPaced {
		p.due(now, fmt.Sprint(n))
		now = now.Add(time.Second)
	}
	if len(p.next) > mostPaced {
		t.Errorf("%d hosts are kept", len(p.next))
	}
}

func TestPaceIsWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, began := newPace(1), time.Now()
		for range 4 {
			if !p.wait(t.Context(), "a") {
				t.Fatal("not let through")
			}
		}
		if took := time.Since(began); took != time.Second {
			t.Errorf("4 requests took %v", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if p.wait(ctx, "a") {
			t.Error("let through although its time was over")
		}
	})
}
