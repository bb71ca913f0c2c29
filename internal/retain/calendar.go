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
	name            func(time.Time) string
}

var periods = []period{
	{RuleHourly, "hour", "hourly", func(p Policy) int { return p.KeepHourly }, func(t time.Time) string { return t.Format("2006-01-02 15h") }},
	{RuleDaily, "day", "daily", func(p Policy) int { return p.KeepDaily }, func(t time.Time) string { return t.Format("2006-01-02") }},
	{RuleWeekly, "week", "weekly", func(p Policy) int { return p.KeepWeekly }, isoWeek},
	{RuleMonthly, "month", "monthly", func(p Policy) int { return p.KeepMonthly }, func(t time.Time) string { return t.Format("2006-01") }},
	{RuleYearly, "year", "yearly", func(p Policy) int { return p.KeepYearly }, func(t time.Time) string { return t.Format("2006") }},
}

// isoWeek names a week by the year that has its Thursday, as in 2026-W53 for the first of January 2027.
func isoWeek(t time.Time) string {
	year, week := t.ISOWeek()
	return fmt.Sprintf("%d-W%02d", year, week)
}
