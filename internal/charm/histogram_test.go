package charm_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"charmd/internal/charm"
)

func TestHistogramQuantiles(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for _, most := range []time.Duration{time.Second, time.Hour, 20 * 24 * time.Hour} {
		var h charm.Histogram
		var all []time.Duration
		for range 10_000 {
			d := time.Duration(random.Int64N(int64(most)))
			all = append(all, d)
			h = h.Add(d)
		}
		slices.Sort(all)
		for _, q := range []float64{0.01, 0.5, 0.95, 0.99, 1} {
			exact := all[int(q*float64(len(all)-1))]
			if got := h.Quantile(q); float64(got) < 0.8*float64(exact) || float64(got) > 1.25*float64(exact) {
				t.Errorf("up to %v: quantile %v is %v, want about %v", most, q, got, exact)
			}
		}
	}
}

func TestHistogramEdges(t *testing.T) {
	t.Parallel()
	var h charm.Histogram
	if h.Quantile(0.5) != 0 || h.Count() != 0 {
		t.Error("nothing has a quantile")
	}
	h = h.Add(-time.Hour).Add(0).Add(999 * time.Microsecond)
	if len(h) != 1 || h.Quantile(1) > time.Millisecond {
		t.Errorf("under a millisecond: %v", h)
	}
	// What is longer than the last bucket is counted in it.
	h = h.Add(1 << 62).Add(365 * 24 * time.Hour)
	if h.Count() != 5 || h[len(h)-1] != 2 {
		t.Errorf("over 30 days: %v", h)
	}
	// The bounds belong to the bucket that they begin.
	for _, d := range []time.Duration{time.Millisecond, 2 * time.Millisecond, 1024 * time.Millisecond} {
		below, from := len(charm.Histogram{}.Add(d-1)), len(charm.Histogram{}.Add(d))
		if from != below+1 {
			t.Errorf("%v is in bucket %d, what is shorter in %d", d, from, below)
		}
	}
}

func TestHistogramMerge(t *testing.T) {
	t.Parallel()
	a := charm.Histogram{1, 2}
	b := charm.Histogram{0, 1, 5}
	if got := (charm.Histogram{}).Merge(a).Merge(b); !slices.Equal(got, charm.Histogram{1, 3, 5}) {
		t.Errorf("added up %v", got)
	}
	if got := (charm.Histogram{}).Merge(b).Merge(a); !slices.Equal(got, charm.Histogram{1, 3, 5}) {
		t.Errorf("the other way round %v", got)
	}
}
