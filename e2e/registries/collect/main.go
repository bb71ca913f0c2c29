// Command collect makes a dry run of distribution's garbage collection over a folder, as `registry garbage-collect
// --dry-run` does: it calls the same function, which prints to standard output.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/distribution/distribution/v3/registry/storage"
	"github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
)

func main() {
	if err := collect(os.Args[1]); err != nil {
		fmt.Fprintf(os.Stderr, "failed to garbage collect: %v", err)
		os.Exit(1)
	}
}

func collect(dir string) error {
	ctx := context.Background()
	driver, err := filesystem.FromParameters(map[string]any{"rootdirectory": dir})
	if err != nil {
		return err
	}
	registry, err := storage.NewRegistry(ctx, driver)
	if err != nil {
		return err
	}
	return storage.MarkAndSweep(ctx, driver, registry, storage.GCOpts{DryRun: true})
}
