package retain

import (
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Age is a length of time as people give it: 90m, 12h, 14d, 6w, 3mo, 1y. Months and years are those of the calendar.
type Age struct {
	n    int
	unit string
}

// ageUnits maps a unit to its name and to the largest number of it that is accepted, about a hundred years. Without
// the bound, 999999d overflows and means "everything" (https://github.com/Azure/acr-cli/issues/83 and /560).
var ageUnits = map[string]struct {
	name string
	most int
}{
	"m": {"minute", 100 * 366 * 24 * 60}, "h": {"hour", 100 * 366 * 24}, "d": {"day", 100 * 366},
	"w": {"week", 100 * 53}, "mo": {"month", 100 * 12}, "y": {"year", 100},
}

// ParseAge reads an age such as 90m, 12h, 14d, 6w, 3mo or 1y. A bare number, zero, a negative or a fractional number,
// an unknown unit and more than a hundred years are errors.
func ParseAge(text string) (Age, error) {
	i := 0
	for i < len(text) && '0' <= text[i] && text[i] <= '9' {
		i++
	}
	number, unit := text[:i], text[i:]
	const units = "m, h, d, w, mo or y"
	if number == "" {
		return Age{}, fmt.Errorf("%q is not an age: give a whole number followed by %s, as in 14d", text, units)
	}
	if unit == "" {
		return Age{}, fmt.Errorf("%q has no unit: add %s, as in %sd for days", text, units, number)
	}
	u, ok := ageUnits[unit]
	if !ok {
		return Age{}, fmt.Errorf("%q has the unknown unit %q: use %s", text, unit, units)
	}
	n, err := strconv.Atoi(number)
	switch {
	case errors.Is(err, strconv.ErrRange) || n > u.most:
		return Age{}, fmt.Errorf("%q is more than a hundred years", text)
	case n == 0:
		return Age{}, fmt.Errorf("%q is too short: the least is 1%s", text, unit)
	}
	return Age{n, unit}, nil
}

// UnmarshalText is [ParseAge].
func (a *Age) UnmarshalText(text []byte) (err error) {
	*a, err = ParseAge(string(text))
	return err
}

// IsZero reports whether no age was given.
func (a Age) IsZero() bool { return a.n == 0 }

// String returns the age in words, such as "14 days".
func (a Age) String() string { return plural(a.n, ageUnits[a.unit].name) }

// Before returns the moment that lies the age before now, in UTC. A month before the 31st is the last day of a
// shorter month, never the first days of the next: that would keep less than was asked.
func (a Age) Before(now time.Time) time.Time {
	now = now.UTC()
	switch a.unit {
	case "m":
		return now.Add(-time.Duration(a.n) * time.Minute)
	case "h":
		return now.Add(-time.Duration(a.n) * time.Hour)
	case "d":
		return now.AddDate(0, 0, -a.n)
	case "w":
		return now.AddDate(0, 0, -7*a.n)
	case "mo":
		return monthsBefore(now, a.n)
	case "y":
		return monthsBefore(now, 12*a.n)
	}
	return now
}

func monthsBefore(now time.Time, n int) time.Time {
	t := now.AddDate(0, -n, 0)
	if t.Day() != now.Day() { // it ran over the end of a shorter month
		t = t.AddDate(0, 0, -t.Day())
	}
	return t
}

// Elapsed says a duration in words, one unit, rounded down: "2 minutes", "3 hours", "41 days", "3 years".
func Elapsed(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < 0:
		return "in the future"
	case d < time.Minute:
		return plural(int(d/time.Second), "second")
	case d < time.Hour:
		return plural(int(d/time.Minute), "minute")
	case d < day:
		return plural(int(d/time.Hour), "hour")
	case d < 3*366*day:
		return plural(int(d/day), "day")
	}
	return plural(int(d/(365*day)), "year")
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}
