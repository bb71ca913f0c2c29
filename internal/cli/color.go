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
	return w.Getenv("CLICOLOR") != "0" && w.Getenv("TERM") != "dumb" && w.terminal(w.Stdout)
}

// terminal reports whether a stream is a terminal.
func (w World) terminal(stream any) bool {
	if w.IsTerminal != nil {
		return w.IsTerminal(stream)
	}
	return publish.IsTerminal(stream)
}
