package main

import "runtime/debug"

// version is set by the linker for a release.
var version = ""

// versionString returns the release's version, else what Go recorded when it built the binary.
func versionString() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "development"
}
