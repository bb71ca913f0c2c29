package retain

import (
	"fmt"
	"time"
)

// period is a division of the calendar that a keep rule counts. All are in UTC, so that a pipeline's zone and daylight
// saving do not move an image from one into another; weeks are ISO 8601's, from Monday to Sunday.
type period struct {
	rule            Rule
	unit, adjective string
	count           func(Policy) int
	key             func(time.Time) int // tells periods apart; cheaper than their names
	name            func(time.Time) string
}

var periods = []period{
	{RuleHourly, "hour", "hourly", func(p Policy) int { return p.KeepHourly }, func(t time.Time) int { return yearDay(t)*24 + t.Hour() }, layout("2006-01-02 15h")},
	{RuleDaily, "day", "daily", func(p Policy) int { return p.KeepDaily }, yearDay, layout("2006-01-02")},
	{RuleWeekly, "week", "weekly", func(p Policy) int { return p.KeepWeekly }, isoWeek, func(t time.Time) string { return fmt.Sprintf("%d-W%02d", isoWeek(t)/100, isoWeek(t)%100) }},
	{RuleMonthly, "month", "monthly", func(p Policy) int { return p.KeepMonthly }, func(t time.Time) int { return t.Year()*100 + int(t.Month()) }, layout("2006-01")},
	{RuleYearly, "year", "yearly", func(p Policy) int { return p.KeepYearly }, time.Time.Year, layout("2006")},
}

func layout(l string) func(time.Time) string { return func(t time.Time) string { return t.Format(l) } }

func yearDay(t time.Time) int { return t.Year()*1000 + t.YearDay() }

// isoWeek returns year and week as 202653. A week belongs to the year that has its Thursday: the first of January 2027
// is in 2026-W53.
func isoWeek(t time.Time) int {
	year, week := t.ISOWeek()
	return year*100 + week
}
