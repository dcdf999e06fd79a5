package charm

import (
	"testing"
	"time"
)

func TestShortDuration(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "0s", time.Millisecond: "1ms", 10 * time.Second: "10s", time.Minute: "1m", 10 * time.Minute: "10m", 90 * time.Second: "1m30s",
		time.Hour: "1h", 800 * time.Hour: "800h", 90 * time.Minute: "1h30m", time.Hour + time.Second: "1h0m1s", -time.Hour: "-1h",
	} {
		if got := ShortDuration(d); got != want {
			t.Errorf("%v is %s, want %s", d, got, want)
		}
	}
	if got := (Schedule{Every: time.Minute}).String(); got != "every 1m" {
		t.Errorf("a schedule is %q", got)
	}
}
