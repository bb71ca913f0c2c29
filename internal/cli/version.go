package cli

import "runtime/debug"

// version returns the release's version, else what Go recorded when it built the program.
func (w World) version() string {
	if w.Version != "" {
		return w.Version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "development"
}
