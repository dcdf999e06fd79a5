package schedule

import (
	"testing"
	"time"

	"charmd/internal/charm"
)

func TestWords(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"* * * * *":             "every minute",
		"*/15 * * * *":          "every 15 minutes",
		"0-59/20 * * * *":       "every 20 minutes",
		"*/7 * * * *":           "at minute 0, 7, 14, 21, 28, 35, 42, 49 and 56 of every hour",
		"30 * * * *":            "at minute 30 of every hour",
		"@hourly":               "at minute 0 of every hour",
		"*/10 8-17 * * *":       "every 10 minutes of the hours 8 to 17 every day",
		"5 */4 * * *":           "at minute 5 of the hours 0, 4, 8, 12, 16 and 20 every day",
		"* 2 * * *":             "every minute of the hour 2 every day",
		"0 9 * * *":             "at 09:00 every day",
		"0,30 9,17 * * mon-fri": "at 09:00, 09:30, 17:00 and 17:30 on Monday to Friday",
		"0 9 * * fri-sun":       "at 09:00 on Friday to Sunday",
		"0 9 * * 0,6":           "at 09:00 on Saturday and Sunday",
		"0 9 1,15 * *":          "at 09:00 on day 1 and 15 of the month",
		"0 9 13 * fri":          "at 09:00 on day 13 of the month or on Friday",
		"0 9 13 * 0-6":          "at 09:00 every day",
		"0 9 29 2 */7":          "at 09:00 on day 29 of the month if it is Sunday in February",
		"@yearly":               "at 00:00 on day 1 of the month in January",
		"* * * 6-8,12 *":        "every minute in June to August and December",
		"0 25 * * *":            "",
	} {
		if got := Words(charm.Schedule{Cron: text}); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if got := Words(charm.Schedule{Every: time.Minute}); got != "" {
		t.Errorf("an interval: %q", got)
	}
}
