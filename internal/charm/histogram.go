package charm

import (
	"math"
	"time"
)

// Histogram counts durations in buckets, each a fifth wider than the one before
// it: bucket 0 holds what is under a millisecond, the next four what is under
// two, and so on. Histograms can be added up, so percentiles of an hour and of a
// day come from the same counts. Buckets at the end that are empty are left out.
type Histogram []int64

const (
	bucketsPerDoubling = 4
	mostBuckets        = 32 * bucketsPerDoubling // the last holds what is over 30 days or so
)

// Add counts one duration, a negative one as none; h may be changed.
func (h Histogram) Add(d time.Duration) Histogram {
	return h.Merge(append(make(Histogram, bucketOf(d)), 1))
}

// Merge adds up two histograms; h may be changed.
func (h Histogram) Merge(other Histogram) Histogram {
	if len(h) < len(other) {
		h = append(h, make(Histogram, len(other)-len(h))...)
	}
	for i, n := range other {
		h[i] += n
	}
	return h
}

// Count is how many durations were counted.
func (h Histogram) Count() (sum int64) {
	for _, n := range h {
		sum += n
	}
	return sum
}

// Quantile is the duration that the share q (0 to 1) of all is not longer than,
// to within the width of a bucket; 0 when nothing was counted.
func (h Histogram) Quantile(q float64) time.Duration {
	rank, before := q*float64(h.Count()), 0.0
	for i, n := range h {
		if n == 0 {
			continue
		}
		if here := float64(n); before+here >= rank {
			low, high := boundOf(i-1), boundOf(i)
			return low + time.Duration(float64(high-low)*(rank-before)/here)
		}
		before += float64(n)
	}
	return 0
}

func bucketOf(d time.Duration) int {
	if d < time.Millisecond {
		return 0
	}
	n := int(bucketsPerDoubling * math.Log2(float64(d)/float64(time.Millisecond)))
	return min(n+1, mostBuckets-1)
}

// boundOf is where a bucket ends and the next one begins.
func boundOf(bucket int) time.Duration {
	if bucket < 0 {
		return 0
	}
	return time.Duration(math.Exp2(float64(bucket)/bucketsPerDoubling) * float64(time.Millisecond))
}
