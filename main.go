// Command regsweep is the step after docker push: it keeps the images that a repository needs, deletes the rest from
// the registry, and says what it did and why.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/regsweep/regsweep/internal/cli"
	"github.com/regsweep/regsweep/internal/heap"
)

// version is set by the linker for a release.
var version = ""

func main() {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		heap.Tune()
	}
	signal.Ignore(syscall.SIGPIPE) // whoever reads the output may leave; the reports are still written
	ctx, hurry := signals(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	host, err := os.Hostname()
	if err != nil {
		host = "an unnamed host"
	}
	os.Exit(cli.Main(ctx, cli.World{
		Args: os.Args[1:], Getenv: os.Getenv, Environ: os.Environ, Now: time.Now,
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Hurry: hurry,
		Version: version, Process: fmt.Sprintf("process %d on %s", os.Getpid(), host),
	}))
}

// signals returns a context that the first signal cancels, and a channel that the second one closes: some CI systems send
// two, and the reports are still to be written. The third ends the process at once.
func signals(which ...os.Signal) (context.Context, <-chan struct{}) {
	ctx, stop := signal.NotifyContext(context.Background(), which...)
	hurry := make(chan struct{})
	context.AfterFunc(ctx, func() {
		second, restore := signal.NotifyContext(context.Background(), which...)
		stop()
		<-second.Done()
		restore()
		close(hurry)
	})
	return ctx, hurry
}
