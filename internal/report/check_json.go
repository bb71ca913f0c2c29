package report

import (
	"fmt"
	"io"
)

type (
	jsonChecks struct {
		Schema         string      `json:"schema"`
		Started        *string     `json:"started"`
		ElapsedSeconds float64     `json:"elapsed_seconds"`
		ExitCode       int         `json:"exit_code"`
		Probed         bool        `json:"probed"`
		NotLookedAt    int         `json:"not_looked_at"` // repositories that match as well
		Checks         []jsonCheck `json:"checks"`
	}
	jsonCheck struct {
		About           CheckAbout      `json:"about"`
		Name            string          `json:"name"`
		RegistryKind    *string         `json:"registry_kind"` // null where no registry was recognized
		RegistryProduct *string         `json:"registry_product"`
		Lines           []jsonCheckLine `json:"lines"`
	}
	jsonCheckLine struct {
		Topic CheckTopic `json:"topic"`
		State CheckState `json:"state"`
		Text  string     `json:"text"`
		Hint  string     `json:"hint"`
		Count *int64     `json:"count"` // null where the line is not about a number
		Of    *int64     `json:"of"`
	}
)

// writeChecksJSON writes the check for programs, as a report of schema regsweep/v1 with the key checks.
func writeChecksJSON(w io.Writer, c Checks) error {
	out := jsonChecks{
		Schema: Schema, Started: moment(c.Started), ElapsedSeconds: thousandths(c.Elapsed), ExitCode: c.ExitCode,
		Probed: c.Probed, NotLookedAt: c.NotLookedAt, Checks: make([]jsonCheck, 0, len(c.Sections)),
	}
	for _, s := range c.Sections {
		one := jsonCheck{About: s.About, Name: s.Name, Lines: make([]jsonCheckLine, 0, len(s.Lines))}
		if s.Kind != "" {
			one.RegistryKind, one.RegistryProduct = &s.Kind, &s.Product
		}
		for _, l := range s.Lines {
			one.Lines = append(one.Lines, jsonCheckLine{l.Topic, l.State, l.Text, l.Hint(), l.Count, l.Of})
		}
		out.Checks = append(out.Checks, one)
	}
	text, err := encodeJSON(out, "")
	if err != nil {
		return fmt.Errorf("encode JSON of the check: %w", err)
	}
	return write(w, "check", text)
}
