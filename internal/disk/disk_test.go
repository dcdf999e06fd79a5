package disk

import (
	"strings"
	"testing"

	"charmd/internal/config"
)

func TestLack(t *testing.T) {
	t.Parallel()
	const mb = 1_000_000
	c := config.Config{DataDir: "/data", DiskBudget: 160 * mb, MinFree: 32 * mb}
	unlimited := config.Config{MinFree: 0}
	for _, tt := range []struct {
		name       string
		config     config.Config
		size, free int64
		was        bool
		says       string // "" for room
	}{
		{"room", c, 10 * mb, 1000 * mb, false, ""},
		{"at the budget", c, 160 * mb, 1000 * mb, false, ""},
		{"beyond the budget", c, 160*mb + 1, 1000 * mb, false, "160.0 MB of a disk budget of 160.0 MB"},
		{"not far enough below it", c, 155 * mb, 1000 * mb, true, "disk budget"},
		{"far enough below it", c, 150 * mb, 1000 * mb, true, ""},
		{"just enough is free", c, 0, 32 * mb, false, ""},
		{"too little is free", c, 0, 31 * mb, false, "only 31.0 MB are free in /data, less than --min-free (32.0 MB)"},
		{"not enough more is free", c, 0, 33 * mb, true, "33.0 MB are free"},
		{"enough more is free", c, 0, 34 * mb, true, ""},
		{"what is free is not known", c, 0, -1, true, ""},
		{"nothing is asked for", unlimited, 1 << 60, 0, true, ""},
	} {
		got := lack(tt.config, tt.size, tt.free, tt.was)
		if (got == Lack{}) != (tt.says == "") || !strings.Contains(got.What, tt.says) || (got.Fix == "") != (tt.says == "") {
			t.Errorf("%s: %+v, want %q", tt.name, got, tt.says)
		}
	}
}

func TestMeasure(t *testing.T) {
	t.Parallel()
	c := config.Config{DataDir: t.TempDir(), MinFree: 1 << 62}
	_, err := Free(c.DataDir)
	if got := Measure(c, 0, false); (got == Lack{}) != (err != nil) {
		t.Errorf("what is free: %v; missing: %+v", err, got)
	}
	c.DataDir += "/gone" // nobody knows what is free there
	if got := Measure(c, 0, false); got != (Lack{}) {
		t.Errorf("missing: %+v", got)
	}
}
