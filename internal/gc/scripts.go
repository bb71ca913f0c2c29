package gc

import _ "embed" // the scripts

// The scripts are constant; what differs from run to run are their arguments.
var (
	//go:embed scripts/lib.sh
	libScript string
	//go:embed scripts/follow.sh
	followScript string
	//go:embed scripts/servers.sh
	serversScript string

	//go:embed scripts/probe.sh
	probeScript string
	//go:embed scripts/dryrun.sh
	dryRunScript string
	//go:embed scripts/pushed.sh
	pushedScript string
	//go:embed scripts/lock.sh
	lockScript string
	//go:embed scripts/unlock.sh
	unlockScript string
	//go:embed scripts/storage.sh
	storageScript string
	//go:embed scripts/served.sh
	servedScript string
	//go:embed scripts/room.sh
	roomScript string
	//go:embed scripts/collect.sh
	collectScript string
	//go:embed scripts/resume.sh
	resumeScript string
	//go:embed scripts/halt.sh
	haltScript string
	//go:embed scripts/operate.sh
	operateScript string
	//go:embed scripts/stored.sh
	storedScript string
	//go:embed scripts/remove.sh
	removeScript string
	//go:embed scripts/tidy.sh
	tidyScript string
)

// script is the argument list that runs a script with arguments.
func script(text string, args ...string) []string {
	return append([]string{"sh", "-c", libScript + followScript + serversScript + text, "regsweep"}, args...)
}
