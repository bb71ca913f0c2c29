package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/e2e/bench/product"
	"github.com/regsweep/regsweep/e2e/registries"
)

// The collection frees what it says, and everything that was kept can be pulled.
func TestDemoCollects(t *testing.T) {
	const layer = 16 << 10
	dir := t.TempDir()
	program, err := product.Build(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	binary, err := registryBinary(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	registry, err := registries.Operate(binary, filepath.Join(dir, "storage"), registries.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := registry.Close(); err != nil {
			t.Error("close registry:", err)
		}
	})
	if err := pushAll(t.Context(), registry.Server, layer); err != nil {
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

// Whatever happens, here bad input to regsweep, no process and no file is left.
func TestDemoLeavesNoRegistryBehind(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	var stdout, stderr bytes.Buffer
	code, err := demo{[]string{"--gc", "--no-such-flag"}, &stdout, &stderr}.run(t.Context())
	if err != nil || code == 0 || !strings.Contains(stderr.String(), "no-such-flag") {
		t.Errorf("got code %d, %v, %s", code, err, stderr.String())
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	host := regexp.MustCompile(`127\.0\.0\.1:\d+`).FindString(stdout.String())
	if host == "" {
		t.Fatalf("no registry in\n%s", stdout.String())
	}
	for { // it was killed, which takes a moment
		c, err := net.Dial("tcp", host)
		if err != nil {
			break
		}
		_ = c.Close()
		if t.Context().Err() != nil {
			t.Fatal("the registry still listens")
		}
	}
}
