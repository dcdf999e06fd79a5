package main

import "testing"

// TestStoreStaysSmall runs the counter of `bench store` and extrapolates what a
// million runs leave: less than 100 MB. Of a run that is forgotten the store
// keeps what chains its commit, and what lies around in half-empty pages.
func TestStoreStaysSmall(t *testing.T) {
	t.Parallel()
	size := func(runs int) float64 {
		r, err := benchStore(settings{runs: runs})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range r {
			if f.Name == "bytes_after" {
				return float64(f.Value.(int64))
			}
		}
		t.Fatal("the size is not told")
		return 0
	}
	const some, more = 2000, 8000
	half, whole := size(some), size(more)
	each := (whole - half) / (more - some)
	million := whole + each*(1e6-more)
	t.Logf("%.0f bytes after %d runs, %.0f after %d, %.1f with each: %.1f MB after a million", half, some, whole, more, each, million/1e6)
	if million >= 100e6 {
		t.Errorf("a million runs leave %.1f MB", million/1e6)
	}
}
