package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/regsweep/regsweep/e2e/registries"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// line is a line of the registry, as the program that its own images and packages have.
type line struct {
	name    string
	version string // as the report has to name it
	binary  func(t *testing.T) string
}

var lines = []line{
	{"2.8.2", "2.8.2+ds1", func(t *testing.T) string { return installed(t, "docker-registry", "docker-registry") }},
	{"3.1.2", "v3.1.2+unknown", func(t *testing.T) string {
		t.Helper()
		binary, err := distribution3()
		if err != nil && os.Getenv("REGSWEEP_CI") != "1" {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		return binary
	}},
}

// distribution3 builds the registry of 3.1.2 once for all tests.
var distribution3 = sync.OnceValues(func() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	binary, err := registries.BuildDistribution3(ctx, filepath.Join(program, "distribution"))
	if err != nil {
		return "", err
	}
	version, err := exec.CommandContext(ctx, binary, "--version").Output()
	if want := "github.com/distribution/distribution/v3 v3.1.2"; err == nil && !strings.Contains(string(version), want) {
		err = fmt.Errorf("built %q, want %s", version, want)
	}
	return binary, err
})

// installed finds a program, and skips the test without it where not everything has to be there.
func installed(t *testing.T, name, pkg string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if errors.Is(err, exec.ErrNotFound) {
		if _, err = os.Stat("/usr/sbin/" + name); err == nil {
			path = "/usr/sbin/" + name
		}
	}
	switch {
	case err == nil:
		return path
	case os.Getenv("REGSWEEP_CI") == "1":
		t.Fatalf("%s is not installed (apt-get install %s)", name, pkg)
	}
	t.Skipf("%s is not installed (apt-get install %s)", name, pkg)
	return ""
}

// depot is a real registry that regsweep stops, collects and starts.
type depot struct {
	*registries.Operated
	t   *testing.T
	env []string // of regsweep, beside the ordinary
	// state is the state folder of runs that need one.
	state string
}

func newDepot(t *testing.T, l line) *depot {
	t.Helper()
	return openDepot(t, l.binary(t), t.TempDir(), registries.Options{})
}

func openDepot(t *testing.T, binary, dir string, o registries.Options) *depot {
	t.Helper()
	r, err := registries.Operate(binary, dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error("close registry:", err)
		}
	})
	return &depot{Operated: r, t: t}
}

// eachLine runs f for both lines of the registry.
func eachLine(t *testing.T, f func(t *testing.T, d *depot)) {
	t.Helper()
	for _, l := range lines {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			f(t, newDepot(t, l))
		})
	}
}

// builds pushes b1 to b<n>, the last one the newest, each with a layer of its own.
func (d *depot) builds(path string, n, size int) {
	d.t.Helper()
	var images []fixture.Image
	for i := range n {
		images = append(images, fixture.Image{
			Tags: []string{"b" + strconv.Itoa(i+1)}, Seed: path + strconv.Itoa(i), Size: size,
			Created: time.Now().Add(time.Duration(i-n) * time.Hour).Truncate(time.Second),
		})
	}
	d.pusher(path).Images(images)
}

func (d *depot) pusher(path string) fixture.Tester {
	d.t.Helper()
	return fixture.ForTest(d.t, fixture.New(d.URL, path))
}

// byHand are the flags of a registry that this machine's shell stops and starts.
func (d *depot) byHand() []string {
	return []string{"--gc-via", "local:", "--gc-stop", d.Stop, "--gc-start", d.Start, "--gc-binary", d.Binary, "--gc-config", d.Config}
}

// told is what a run has said.
type told struct {
	code           int
	stdout, stderr string
	gc             *collected
}

// collected is the report's section, as a program reads it.
type collected struct {
	Via, Mode, Version, Lock      string
	BlobsMarked                   int     `json:"blobs_marked"`
	BlobsDeleted                  int     `json:"blobs_deleted"`
	ManifestsDeleted              int     `json:"manifests_deleted"`
	FreedBytes                    int64   `json:"freed_bytes"`
	StorageFreed                  int64   `json:"storage_freed_bytes"`
	AwaySeconds                   float64 `json:"away_seconds"`
	CollectSeconds                float64 `json:"collect_seconds"`
	VerifiedImages                int     `json:"verified_images"`
	Collected, Stopped, Restarted bool
	LogIncomplete                 bool `json:"log_incomplete"`
	Verified                      bool
	Error, Skipped                *string
	Missing                       []struct{ Repository, Digest string }
	Repositories                  []struct{ Repository string }
}

// command is a run of regsweep with a report, to be started.
func (d *depot) command(args ...string) (*exec.Cmd, *bytes.Buffer, *bytes.Buffer, string) {
	d.t.Helper()
	report := filepath.Join(d.t.TempDir(), "report.json")
	cmd := sweep(d.t, append(slices.Clone(args), "--report", report)...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + d.t.TempDir()}, d.env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	return cmd, &stdout, &stderr, report
}

// regsweep runs regsweep to its end.
func (d *depot) regsweep(args ...string) told {
	d.t.Helper()
	cmd, stdout, stderr, report := d.command(args...)
	return d.told(cmd.Run(), stdout, stderr, report)
}

// told reads what a run that ended so has said.
func (d *depot) told(err error, stdout, stderr *bytes.Buffer, report string) told {
	d.t.Helper()
	out := told{stdout: stdout.String(), stderr: stderr.String()}
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		out.code = exit.ExitCode()
	case err != nil:
		d.t.Fatal(err)
	}
	if text, err := os.ReadFile(report); err == nil && len(text) > 0 {
		var parsed struct{ GC *collected }
		if err := json.Unmarshal(text, &parsed); err != nil {
			d.t.Fatal(err)
		}
		out.gc = parsed.GC
	}
	if out.gc == nil {
		out.gc = &collected{}
	}
	return out
}

// want checks the exit code and what was said on standard error, each text in a line of its own.
func (d *depot) want(got told, code int, says ...string) {
	d.t.Helper()
	if got.code != code {
		d.t.Errorf("exit %d, want %d\n%s%s", got.code, code, got.stdout, got.stderr)
	}
	for _, s := range says {
		if !strings.Contains(got.stderr, s) {
			d.t.Errorf("stderr lacks %q:\n%s", s, got.stderr)
		}
	}
	for l := range strings.Lines(got.stderr) {
		if !strings.HasPrefix(l, "regsweep: ") {
			d.t.Errorf("stderr has the line %q", l)
		}
	}
}

// healthy checks that the registry serves, that everything of the tags can be pulled, and that no lock is left.
func (d *depot) healthy(path string, tags ...string) {
	d.t.Helper()
	if !d.Answers() {
		d.t.Fatal("the registry does not serve")
	}
	w := wire{T: d.t, Server: server{URL: d.URL, Host: d.Host}, Path: path, Push: d.pusher(path)}
	for _, tag := range tags {
		err := registrytest.Pullable(func(p string) (int, []byte) {
			a := w.Do("GET", p)
			return a.Status, []byte(a.Body)
		}, tag)
		if err != nil {
			d.t.Error(err)
		}
	}
	if _, err := os.Stat(filepath.Join(d.Dir, ".regsweep-gc-lock")); err == nil {
		d.t.Error("the lock is left behind")
	}
}

// serving is the process that serves.
func (d *depot) serving() int {
	d.t.Helper()
	pid, err := d.PID()
	if err != nil {
		d.t.Fatal(err)
	}
	return pid
}
