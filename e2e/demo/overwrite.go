package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/regsweep/regsweep/e2e/registries"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// nightly is a pipeline that pushes the same two tags each night, so that all its images but the last have no tag any more.
const (
	nightly = "zdtest/nightly"
	nights  = 40
)

// overwriteTags leaves behind what that pipeline has pushed. The times in the storage are those of the nights, because they
// tell how old a manifest without a tag is.
func overwriteTags(ctx context.Context, s *registries.Server) error {
	pusher, now := fixture.New(s.URL, nightly), time.Now()
	pusher.BaseSize = sharedLayer
	for n := nights; n > 0; n-- {
		at := now.Add(-time.Duration(n) * day).Truncate(time.Second)
		image := fixture.Image{Tags: []string{"latest", "main"}, Seed: fmt.Sprint(nightly, n), Size: 512 << 10, Created: at}
		d, err := pusher.Image(ctx, image)
		if err != nil {
			return fmt.Errorf("push %s: %w", nightly, err)
		}
		link := filepath.Join(s.Dir, "docker/registry/v2/repositories", nightly, "_manifests/revisions", strings.ReplaceAll(d.String(), ":", "/"), "link")
		if err := os.Chtimes(link, at, at); err != nil {
			return err
		}
	}
	return nil
}

// overwritten counts the manifests of that pipeline in the storage.
func overwritten(storage string) (int, error) {
	n := 0
	root := filepath.Join(storage, "docker/registry/v2/repositories", nightly, "_manifests/revisions")
	err := filepath.WalkDir(root, func(_ string, e fs.DirEntry, err error) error {
		if err == nil && e.Name() == "link" {
			n++
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	return n, err
}
