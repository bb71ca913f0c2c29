package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/e2e/bench/product"
	"github.com/regsweep/regsweep/e2e/registries"
)

// The collection frees what it says, and everything that was kept can be pulled.
func TestDemoCollects(t *testing.T) {
	const layer = 16 << 10
	small := slices.Clone(team)
	for i := range small {
		small[i].builds, small[i].layer = 6, layer
	}
	dir := t.TempDir()
	program, err := product.Build(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	binary := registryForTest(t, dir)
	registry, err := registries.Operate(binary, filepath.Join(dir, "storage"), registries.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := registry.Close(); err != nil {
			t.Error("close registry:", err)
		}
	})
	if err := pushAll(t.Context(), registry.Server, small); err != nil {
		t.Fatal(err)
	}
	before := weighed(t, registry.Dir)
	var stdout, stderr bytes.Buffer
	code, err := collection{demo{nil, &stdout, &stderr}, program, dir, registry}.run(t.Context())
	if err != nil || code != 0 {
		t.Fatalf("got code %d, %v, %s%s", code, err, stdout.String(), stderr.String())
	}
	after := weighed(t, registry.Dir)

	text, err := os.ReadFile(filepath.Join(dir, reportName))
	if err != nil {
		t.Fatal(err)
	}
	var report struct {
		Repositories []struct {
			Repository string
			Deleted    int
			Images     []struct{ Digest, Verdict string }
		}
		GC struct {
			FreedBytes int64 `json:"freed_bytes"`
			Verified   bool
			Missing    []any
		}
	}
	if err := json.Unmarshal(text, &report); err != nil {
		t.Fatal(err)
	}
	deleted, kept := 0, 0
	for _, r := range report.Repositories {
		_, path, _ := strings.Cut(r.Repository, "/")
		deleted += r.Deleted
		for _, i := range r.Images {
			if i.Verdict == "keep" {
				kept++
				pull(t, registry.URL+"/v2/"+path, i.Digest)
			}
		}
	}
	// Every repository keeps two builds at least, and every deleted one had a layer of its own.
	if kept < 2*len(team) || len(report.Repositories) != len(team) || deleted == 0 {
		t.Errorf("kept %d and deleted %d of %d repositories", kept, deleted, len(report.Repositories))
	}
	if freed := report.GC.FreedBytes; freed < int64(deleted*layer) || !report.GC.Verified || len(report.GC.Missing) > 0 {
		t.Errorf("got %+v of %d deleted images", report.GC, deleted)
	}
	if before-after < report.GC.FreedBytes {
		t.Errorf("the folder has %d bytes, had %d; %d were freed", after, before, report.GC.FreedBytes)
	}
	for _, want := range []string{
		"$ regsweep rank " + registry.Host + "\n", `--gc-stop '` + registry.Stop + `'`, `--gc-start "` + registry.Start + `"`,
		fmt.Sprintf("%.1f MiB before, %.1f MiB after.", mebibytes(before), mebibytes(after)), "freed by garbage collection",
	} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("want %q, got\n%s", want, stdout.String())
		}
	}
}

// With --untagged, the images go whose tags were pushed again; without it they stay, and the demo says so.
func TestDemoCollectsOverwrittenTags(t *testing.T) {
	dir := t.TempDir()
	program, err := product.Build(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	registry, err := registries.Operate(registryForTest(t, dir), filepath.Join(dir, "storage"), registries.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := registry.Close(); err != nil {
			t.Error("close registry:", err)
		}
	})
	few := team[4] // of which little is pushed
	if err := errors.Join(pushAll(t.Context(), registry.Server, []pipeline{few}), overwriteTags(t.Context(), registry.Server)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args  []string
		left  int
		freed int64
		says  string
	}{
		{nil, nights, 0, fmt.Sprintf("The storage has %d of these images.\nThe others have no tag", nights)},
		{[]string{"--untagged", "1d"}, 1, (nights - 1) * 512 << 10, "The storage has 1 of these images.\n\n"},
	} {
		before := weighed(t, registry.Dir)
		var stdout, stderr bytes.Buffer
		code, err := collection{demo{c.args, &stdout, &stderr}, program, dir, registry}.run(t.Context())
		left, counted := overwritten(registry.Dir)
		if freed := before - weighed(t, registry.Dir); err != nil || counted != nil || code != 0 || left != c.left || freed < c.freed || !strings.Contains(stdout.String(), c.says) {
			t.Errorf("%q: code %d, %v, %d are left, %d bytes freed\n%s%s", c.args, code, errors.Join(err, counted), left, freed, stdout.String(), stderr.String())
		}
	}
}

// registryForTest skips the test where there is no registry, unless everything has to be there.
func registryForTest(t *testing.T, dir string) string {
	t.Helper()
	binary, err := registryBinary(t.Context(), dir)
	if err != nil && os.Getenv("REGSWEEP_CI") != "1" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

func weighed(t *testing.T, dir string) int64 {
	t.Helper()
	n, err := weigh(dir)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// pull asks for a manifest and for all that it names, whole.
func pull(t *testing.T, repository, digest string) {
	t.Helper()
	type descriptor struct{ Digest string }
	var manifest struct {
		Config    *descriptor
		Layers    []descriptor
		Manifests []descriptor
	}
	if err := json.Unmarshal(fetch(t, repository+"/manifests/"+digest), &manifest); err != nil {
		t.Fatal(err)
	}
	for _, child := range manifest.Manifests {
		pull(t, repository, child.Digest)
	}
	if manifest.Config != nil {
		manifest.Layers = append(manifest.Layers, *manifest.Config)
	}
	for _, blob := range manifest.Layers {
		fetch(t, repository+"/blobs/"+blob.Digest)
	}
}

func fetch(t *testing.T, url string) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Add("Accept", "application/vnd.docker.distribution.manifest.v2+json")
	req.Header.Add("Accept", "application/vnd.oci.image.manifest.v1+json")
	req.Header.Add("Accept", "application/vnd.oci.image.index.v1+json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("get %s: %s, %v", url, resp.Status, err)
	}
	return body
}

// Whatever happens, here an interrupt while it is filled, no registry and no file of it is left.
func TestDemoStopsItsRegistry(t *testing.T) {
	dir, temp := t.TempDir(), t.TempDir()
	binary := registryForTest(t, dir)
	t.Setenv("TMPDIR", temp)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (demo{nil, io.Discard, io.Discard}).collect(ctx, "no program", binary, dir); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "push ") {
		t.Fatalf("got %v, want an interrupt of what the registry is filled with", err)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	patience, done := context.WithTimeout(t.Context(), 10*time.Second)
	defer done()
	for runs(t, temp) { // it was killed, which takes a moment
		if patience.Err() != nil {
			t.Fatal("the registry still runs")
		}
	}
}

// runs reports whether a process has a folder among its arguments.
func runs(t *testing.T, folder string) bool {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(all, func(p string) bool {
		text, err := os.ReadFile(p)
		return err == nil && bytes.Contains(text, []byte(folder))
	})
}
