package e2e

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// engine is podman with a storage of its own. It stands for docker, whose daemon needs more than a test can bring along:
// it starts containers by the same runtime, and is told to leave /etc/passwd alone as docker does. Its build is buildah.
type engine struct {
	t     *testing.T
	flags []string
}

func newEngine(t *testing.T) engine {
	t.Helper()
	installed(t, "mmdebstrap", "mmdebstrap")
	asRoot(t, "a Debian is made by root")
	return newPodman(t)
}

// asRoot skips a test that needs root where not everything has to be there.
func asRoot(t *testing.T, why string) {
	t.Helper()
	switch {
	case os.Getuid() == 0:
	case os.Getenv("REGSWEEP_CI") == "1":
		t.Fatal(why)
	default:
		t.Skip(why)
	}
}

// newPodman is an engine without an image.
func newPodman(t *testing.T) engine {
	t.Helper()
	installed(t, "podman", "podman")
	dir, err := os.MkdirTemp("", "podman") // podman takes no long names
	must(t, err)
	t.Cleanup(func() {
		_ = syscall.Unmount(dir+"/root/overlay", syscall.MNT_DETACH) // podman's own mount, which may stay
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	e := engine{t, []string{
		"--root", dir + "/root", "--runroot", dir + "/run", "--tmpdir", dir + "/tmp",
		"--cgroup-manager", "cgroupfs", "--events-backend", "file", // which need no systemd and no journal
	}}
	if _, err := exec.LookPath("runc"); err == nil {
		e.flags = append(e.flags, "--runtime", "runc") // crun wants nothing of the second version among the first's cgroups
	}
	e.flags = append(e.flags, "--storage-driver", "overlay")
	if e.podman("", "info").code != 0 { // inside of some containers there is none; copies take five times as long
		e.flags[len(e.flags)-1] = "vfs"
	}
	return e
}

// said is what a command has written and how it ended.
type said struct {
	stdout, stderr string
	code           int
}

func (e engine) podman(stdin string, args ...string) said {
	e.t.Helper()
	cmd := bounded(e.t, "podman", slices.Concat(e.flags, args)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		e.t.Fatal(err)
	}
	return said{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// must is a command that does what it should, and returns what it prints.
func (e engine) must(args ...string) string {
	e.t.Helper()
	got := e.podman("", args...)
	if got.code != 0 {
		e.t.Fatalf("podman %q: exit %d\n%s%s", args, got.code, got.stdout, got.stderr)
	}
	return strings.TrimSpace(got.stdout)
}

// container is the beginning of a command that starts a container as "docker run" does without being told: an unknown user
// gets no entry in /etc/passwd. The network is this machine's, where the registries are. The limits are below those of
// the machine, which podman would raise, and root cannot everywhere.
func container(flags ...string) []string {
	return append([]string{"run", "--network", "host", "--passwd=false", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=8192:8192"}, flags...)
}

// run starts a container, with flags and the image's name before the command, and waits for its end.
func (e engine) run(stdin string, flags []string, command ...string) said {
	e.t.Helper()
	return e.podman(stdin, slices.Concat(container("--rm", "--interactive"), flags, command)...)
}

// base makes Debian's slim image of Debian's packages: the release that the Dockerfile names, and without what dpkg leaves
// out of that image and of all that is installed on top.
func (e engine) base() string {
	e.t.Helper()
	suite := regexp.MustCompile(`(?m)^ARG BASE=docker\.io/library/debian:(\w+)-slim$`).FindStringSubmatch(file(e.t, "Dockerfile"))
	if suite == nil {
		e.t.Fatal("the Dockerfile's base is no slim Debian")
	}
	started := time.Now()
	tar := filepath.Join(e.t.TempDir(), "base.tar")
	args := []string{"--mode=root", "--variant=minbase", "--quiet"}
	for _, o := range []string{
		"force-unsafe-io",
		"path-exclude=/usr/share/doc/*", "path-include=/usr/share/doc/*/copyright", "path-exclude=/usr/share/groff/*",
		"path-exclude=/usr/share/info/*", "path-exclude=/usr/share/linda/*", "path-exclude=/usr/share/lintian/*",
		"path-exclude=/usr/share/locale/*", "path-exclude=/usr/share/man/*",
	} {
		args = append(args, "--dpkgopt="+o)
	}
	cmd := bounded(e.t, "mmdebstrap", append(args, suite[1], tar)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		e.t.Fatalf("%v\n%s", err, out)
	}
	e.must("import", tar, "localhost/debian:slim")
	e.t.Logf("made the base in %.1f s", time.Since(started).Seconds())
	return "localhost/debian:slim"
}
