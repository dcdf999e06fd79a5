package explain

import "testing"

func TestFigures(t *testing.T) {
	t.Parallel()
	for ms, want := range map[float64]string{0.04: "0.0 ms", 9.96: "10.0 ms", 123.4: "123 ms", 12_345: "12.3 s"} {
		if got := Took(ms); got != want {
			t.Errorf("%v is %q, want %q", ms, got, want)
		}
	}
	for bytes, want := range map[int64]string{0: "0 B", 999: "999 B", 1500: "1.5 kB", 2_500_000: "2.5 MB", 7_000_000_000: "7.0 GB"} {
		if got := Size(bytes); got != want {
			t.Errorf("%d is %q, want %q", bytes, got, want)
		}
	}
	if got := Count(1, "run") + Count(int64(0), "run"); got != "1 run0 runs" {
		t.Errorf("got %q", got)
	}
}
