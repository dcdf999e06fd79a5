package schedule

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"charmd/internal/charm"
)

// cron is a parsed expression: of each field the values it names, one bit each.
type cron struct {
	minute, hour, day, month, weekday uint64
	// either: both day fields are restricted, and a day that one of them names is
	// enough. A field that begins with * is not restricted.
	either bool
	// everyHour: no hour is told from another, so the expression means an interval
	// and follows real time. All others name times of the wall clock.
	everyHour bool
}

// field is one of the five parts of an expression.
type field struct {
	name        string
	least, most int
	names       []string // of the values from least on
}

var fields = [...]field{
	{name: "minute", most: 59},
	{name: "hour", most: 23},
	{name: "day-of-month", least: 1, most: 31},
	{name: "month", least: 1, most: 12, names: []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
	{name: "day-of-week", most: sunday, names: []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}},
}

// sunday is its second number; the first is 0.
const sunday = 7

const fiveFields = "minute hour day-of-month month day-of-week"

// nicknames stand for whole expressions.
var nicknames = map[string]string{
	"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
	"@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
}

// parseCron reads an expression: five fields or a nickname.
func parseCron(text string) (cron, error) {
	var c cron
	if len(text) > charm.MaxCronBytes {
		return c, charm.Errorf(charm.CodeUsage, "the cron expression has %d bytes; at most %d are read", len(text), charm.MaxCronBytes)
	}
	parts := strings.Fields(text)
	if strings.HasPrefix(text, "@") {
		long, known := nicknames[strings.ToLower(text)]
		if !known {
			return c, unknownNickname(text)
		}
		parts = strings.Fields(long)
	}
	if len(parts) != len(fields) {
		return c, wrongNumber(text, len(parts))
	}
	for i, set := range []*uint64{&c.minute, &c.hour, &c.day, &c.month, &c.weekday} {
		var err error
		if *set, err = fields[i].parse(parts[i]); err != nil {
			return c, charm.Errorf(charm.CodeUsage, "cron expression %q: the %s field %q: %w", text, fields[i].name, parts[i], err).
				WithHint("the fields are: %s, like 0 9 * * mon-fri", fiveFields)
		}
	}
	c.either = parts[2][0] != '*' && parts[4][0] != '*'
	c.everyHour = c.hour == 1<<24-1
	if !c.either && !c.hasDay() {
		return c, charm.Errorf(charm.CodeUsage, "cron expression %q never comes: no month it names has a day-of-month it names", text).
			WithHint("the last day of each month cannot be written; 28 is in all of them")
	}
	return c, nil
}

func unknownNickname(text string) error {
	e := charm.Errorf(charm.CodeUsage, "cron expression %q: there is no such word", text)
	if strings.HasPrefix(strings.ToLower(text), "@every") {
		return e.WithHint("an interval is given by --every, like --every 5m")
	}
	return e.WithHint("there are @hourly, @daily, @weekly, @monthly and @yearly")
}

func wrongNumber(text string, n int) error {
	e := charm.Errorf(charm.CodeUsage, "cron expression %q has %d fields, it takes 5: %s", text, n, fiveFields)
	if n > len(fields) {
		return e.WithHint("there is no field for seconds or years")
	}
	return e.WithHint("like 0 9 * * mon-fri, nine o'clock on workdays")
}

// parse is the set of values that the text of the field names: a list of values
// and ranges, which may have steps.
func (f field) parse(text string) (set uint64, err error) {
	for item := range strings.SplitSeq(text, ",") {
		low, high, step, err := f.item(item)
		if err != nil {
			return 0, err
		}
		for v := low; v <= high; v += step {
			if f.most == sunday && v == sunday {
				set |= 1
			} else {
				set |= 1 << v
			}
		}
	}
	return set, nil
}

// item is one item of a list: *, a value, or a range, the first and the last of
// them perhaps with a step.
func (f field) item(text string) (low, high, step int, err error) {
	span, stepText, stepped := strings.Cut(text, "/")
	first, last, ranged := strings.Cut(span, "-")
	switch {
	case span == "*":
		low, high, ranged = f.least, f.most, true
		if f.most == sunday {
			high-- // 0 is in it
		}
	default:
		if low, err = f.value(first); err != nil {
			return 0, 0, 0, err
		}
		high = low
	}
	if ranged && span != "*" {
		if high, err = f.value(last); err != nil {
			return 0, 0, 0, err
		}
		if f.most == sunday && high == 0 && low > 0 {
			high = sunday // fri-sun
		}
	}
	if low > high {
		return 0, 0, 0, fmt.Errorf("%s runs backwards; write it as two ranges", span)
	}
	if !stepped {
		return low, high, 1, nil
	}
	if !ranged {
		return 0, 0, 0, fmt.Errorf("a step needs a range; write %s-%d/%s", first, f.most, stepText)
	}
	step, err = number(stepText)
	if err != nil || step < 1 || step > f.most {
		return 0, 0, 0, fmt.Errorf("the step %q is not from 1 to %d", stepText, f.most)
	}
	return low, high, step, nil
}

func (f field) value(text string) (int, error) {
	for i, name := range f.names {
		if strings.EqualFold(text, name) {
			return f.least + i, nil
		}
	}
	v, err := number(text)
	switch {
	case text == "":
		return 0, errors.New("a value is missing")
	case err != nil && f.names != nil:
		return 0, fmt.Errorf("%q is neither a number nor one of %s", text, strings.Join(f.names, " "))
	case err != nil:
		return 0, fmt.Errorf("%q is not a number", text)
	case v < f.least || v > f.most:
		return 0, fmt.Errorf("%d is not from %d to %d", v, f.least, f.most)
	}
	return v, nil
}

// number reads digits alone, at most a few of them.
func number(text string) (int, error) {
	v, err := strconv.ParseUint(text, 10, 16)
	return int(v), err
}

// hasDay reports whether a month that is named has a day that is named.
func (c *cron) hasDay() bool {
	longest := [...]int{1: 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}
	for m := 1; m <= 12; m++ {
		if has(c.month, m) && c.day&(1<<(longest[m]+1)-1) != 0 {
			return true
		}
	}
	return false
}

func has(set uint64, v int) bool { return set>>v&1 != 0 }
