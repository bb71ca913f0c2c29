package gc

import "context"

// host is what differs between the kinds of target. The engine knows nothing else of them.
type host interface {
	// open makes sure that commands can be run; it is called first of all, and again when the registry was stopped.
	open(ctx context.Context) error
	// settle makes the place where the garbage collection will be run, if that can be there before the registry is stopped;
	// folder is true for storage that is a folder, which one pod alone may be able to mount.
	settle(ctx context.Context, folder bool) error
	// facts are what is known of the host once it is open.
	facts() facts
	// wrap returns what to run on this machine so that args are run on the host.
	wrap(args []string) []string
	// feed is wrap for a program that reads standard input. One that is run in a container gets none from wrap.
	feed(args []string) []string
	// stop and start return when the registry's processes are gone, or begin to run. What the operator's own commands
	// print goes into a file in the folder.
	stop(ctx context.Context, folder string) error
	start(ctx context.Context, folder string) error
	// restarts names what may start the registry by itself there.
	restarts() string
	// startCommand is how the registry is started, for a person who has to do it by hand.
	startCommand() string
	// close ends everything that open has made, with all that still runs in it.
	close(ctx context.Context) error
}

// facts are what a container's or deployment's definition says.
type facts struct {
	// config is the configuration file that the registry's arguments name; "" when they name none.
	config string
	// volumes are the only folders that commands share with the registry; nil means that they share all.
	volumes []string
	// ephemeral are the kinds of those folders whose content may be lost when the registry is stopped.
	ephemeral map[string]string
	// scratch is a folder that is there wherever the garbage collection of a stopped registry is run; "" when none is.
	scratch string
	// noRestart is why a registry that is stopped could not be started again; nil when it can.
	noRestart *Refusal
	// disposable is true when commands run in something that close ends together with them.
	disposable bool
}

// transport brings an argument list to a machine.
type transport interface{ wrap(args []string) []string }
