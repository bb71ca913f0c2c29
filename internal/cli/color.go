package cli

import "github.com/regsweep/regsweep/internal/publish"

// color reports whether standard output gets colours. NO_COLOR (https://no-color.org), CLICOLOR and CLICOLOR_FORCE
// (https://bixense.com/clicolors) count where the flag leaves the choice.
func (r reporting) color(w World) bool {
	switch {
	case r.Color == "always", r.Color == "never":
		return r.Color == "always"
	case w.Getenv("NO_COLOR") != "":
		return false
	case w.Getenv("CLICOLOR_FORCE") != "" && w.Getenv("CLICOLOR_FORCE") != "0":
		return true
	}
	isTerminal := w.IsTerminal
	if isTerminal == nil {
		isTerminal = publish.IsTerminal
	}
	return w.Getenv("CLICOLOR") != "0" && w.Getenv("TERM") != "dumb" && isTerminal(w.Stdout)
}
