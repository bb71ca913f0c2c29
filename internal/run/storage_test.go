package run

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/gc"
	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
)

// folder stands for the folder of a registry of the 2.x line, with a program that prints what a dry run with
// --delete-untagged prints there.
type folder struct {
	t                    *testing.T
	root, binary, config string
	runs                 int
}

// storageOf makes the storage of repositories of the double.
func storageOf(t *testing.T, reg *registrytest.Registry, paths ...string) *folder {
	t.Helper()
	s := &folder{t: t, root: t.TempDir()}
	s.binary, s.config = filepath.Join(s.root, "registry"), filepath.Join(s.root, "config.yml")
	var log strings.Builder
	named := 0
	for _, path := range paths {
		tagged := slices.Collect(maps.Values(reg.Tags(path)))
		fmt.Fprintln(&log, path)
		for _, d := range reg.Manifests(path) {
			s.link(path, d, 40*24*time.Hour)
			if slices.Contains(tagged, d) {
				fmt.Fprintf(&log, "%s: marking manifest %s \n", path, d)
				continue
			}
			named++
			fmt.Fprintf(&log, "manifest eligible for deletion: %s\n", d)
		}
	}
	fmt.Fprintf(&log, "\n9 blobs marked, 9 blobs and %d manifests eligible for deletion\n", named)
	s.write(s.config, "storage: {filesystem: {rootdirectory: "+s.root+"}}\n")
	s.write(filepath.Join(s.root, "log"), log.String())
	s.write(s.binary, "#!/bin/sh\n[ \"$1\" = --version ] && echo registry github.com/docker/distribution v2.8.2 && exit\ncat "+filepath.Join(s.root, "log")+"\n")
	return s
}

func (s *folder) write(file, text string) {
	s.t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o700); err != nil {
		s.t.Fatal(err)
	}
}

// link is what a registry writes when a manifest is pushed.
func (s *folder) link(path string, d oci.Digest, age time.Duration) {
	s.t.Helper()
	file := filepath.Join(s.root, "docker/registry/v2/repositories", path, "_manifests/revisions", strings.ReplaceAll(d.String(), ":", "/"), "link")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		s.t.Fatal(err)
	}
	s.write(file, d.String())
	at := time.Now().Add(-age)
	if err := os.Chtimes(file, at, at); err != nil {
		s.t.Fatal(err)
	}
}

// edit changes what the dry run prints.
func (s *folder) edit(change func(log string) string) {
	s.t.Helper()
	file := filepath.Join(s.root, "log")
	log, err := os.ReadFile(file)
	if err != nil {
		s.t.Fatal(err)
	}
	s.write(file, change(string(log)))
}

// job is a collection of that storage, which does nothing but verify.
func (s *folder) job() *GCJob {
	s.t.Helper()
	target, err := gc.ParseTarget("local:", gc.TargetOptions{DryRun: true})
	if err != nil {
		s.t.Fatal(err)
	}
	return &GCJob{
		Via: "local:", Options: gc.Options{Binary: s.binary, Config: s.config},
		Run: func(ctx context.Context, c gc.Client, _ gc.Options) gc.Result {
			check, err := c.Verify(ctx)
			return gc.Result{Collected: true, Check: check, Err: err}
		},
		ListUntagged: func(ctx context.Context, o gc.Options, held []gc.Held) (gc.Listing, error) {
			s.runs++
			return gc.ListUntagged(ctx, target, o, held)
		},
	}
}
