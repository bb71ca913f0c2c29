//go:build unix

package gc

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// machine is this one, with a folder as the storage and a shell script as the registry's program.
type machine struct {
	t                  *testing.T
	target             *Target
	root, lock, binary string
}

func newMachine(t *testing.T, program string) *machine {
	t.Helper()
	root := t.TempDir()
	m := &machine{t: t, target: &Target{text: "local:", host: &shellHost{via: localMachine{}}, exec: runProcess}, root: root, lock: filepath.Join(root, lockName), binary: filepath.Join(root, "registry")}
	blob := filepath.Join(root, "docker/registry/v2/blobs/sha256/11", fakeHex)
	m.must(os.MkdirAll(blob, 0o700))
	m.must(os.WriteFile(filepath.Join(blob, "data"), make([]byte, 1000), 0o600))
	m.must(os.WriteFile(m.binary, []byte("#!/bin/sh\n"+program), 0o700))
	return m
}

func (m *machine) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

// run runs a script and returns its head and what comes after it.
func (m *machine) run(text string, args ...string) (head, string, error) {
	m.t.Helper()
	out, err := m.target.onHost(script(text, args...)).output(m.t.Context())
	if err != nil || out == "" {
		return nil, out, err
	}
	in := bufio.NewReader(strings.NewReader(out))
	h, err := readHead(in)
	m.must(err)
	rest := new(strings.Builder)
	_, err = in.WriteTo(rest)
	m.must(err)
	return h, rest.String(), nil
}

func (m *machine) take(owner, how string) head {
	m.t.Helper()
	h, _, err := m.run(lockScript, m.lock, owner, how)
	m.must(err)
	return h
}

// The garbage collection's log, its exit code and what was measured come back, whichever way the log goes.
func TestCollectScript(t *testing.T) {
	t.Parallel()
	for _, log := range []string{"file", "stream"} {
		t.Run(log, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t, `[ "$1 $2" = "garbage-collect /x.yml" ] || exit 9
rm -r "${0%/*}"/docker/registry/v2/blobs/sha256/11
cat <<'LOG'
`+fakeLog+"LOG\necho a warning >&2\n")
			m.take("ci-7", "")
			folder := filepath.Join(t.TempDir(), "regsweep-gc-0123")
			h, text, err := m.run(collectScript, folder, m.lock, m.root, log, m.binary, "garbage-collect", "/x.yml")
			m.must(err)
			if log == "stream" {
				if text != fakeLog+"a warning\n" || h.one("stream") != "yes" {
					t.Errorf("got %q, %q", h, text)
				}
				h, _, err = m.run(resumeScript, folder)
				m.must(err)
			} else if text != fakeLog || h.one("err") != "a warning" {
				t.Errorf("got %q, %q", h, text)
			}
			if h.one("exit") != "0" || h.one("full") != "" || h.one("began") == "" || h.one("pid") == "" {
				t.Errorf("got %q", h)
			}
			for _, key := range []string{"before.disk", "after.disk", "before.free", "after.free"} {
				if _, ok := h.number(key); !ok {
					t.Errorf("no %s in %q", key, h)
				}
			}
			if h.one("before.content") != "1000" || h.one("after.content") != "0" {
				t.Errorf("got %q", h)
			}
			if to, err := os.Readlink(filepath.Join(m.lock, "run-0123")); err != nil || to != folder {
				t.Errorf("the lock says %q, %v", to, err)
			}
			if h := m.take("ci-8", ""); h.one("lock") != "held" || h.one("owner") != "ci-7" || h.one("running") != "" {
				t.Errorf("got %q", h)
			}
			_, _, err = m.run(unlockScript, m.lock, folder)
			m.must(err)
			if h := m.take("ci-8", ""); h.one("lock") != "taken" {
				t.Errorf("got %q", h)
			}
			if _, err := os.Stat(folder); err == nil {
				t.Error("the run's folder is left")
			}
		})
	}
}

// A garbage collection that goes on, and what it has started, is found and ended, also when it does not want to.
func TestHaltScript(t *testing.T) {
	t.Parallel()
	begun := filepath.Join(t.TempDir(), "begun")
	if err := exec.Command("mkfifo", begun).Run(); err != nil {
		t.Fatal(err)
	}
	m := newMachine(t, "sleep 600 & printf $! >"+begun+"; wait\n")
	m.take("ci-7", "")
	folder := filepath.Join(m.lock, "run-0123")
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		ended <- m.target.onHost(script(collectScript, folder, m.lock, m.root, "file", m.binary, "garbage-collect", "/x.yml")).run(ctx)
	}()
	child, err := os.ReadFile(begun) // when it has begun
	m.must(err)
	if h := m.take("ci-8", "break"); h.one("lock") != "held" || h.one("running") != "yes" {
		t.Errorf("got %q", h)
	}
	_, _, err = m.run(haltScript, folder)
	m.must(err)
	m.must(<-ended)
	if text, err := os.ReadFile("/proc/" + string(child) + "/cmdline"); err == nil && len(text) > 0 {
		t.Errorf("its child %s is running: %q", child, text)
	}
	if h, _, err := m.run(resumeScript, folder); err != nil || h.one("exit") == "0" || h.one("exit") == "" {
		t.Errorf("got %q, %v", h, err)
	}
	if h := m.take("ci-8", "break"); h.one("lock") != "taken" {
		t.Errorf("got %q", h)
	}
}

// A garbage collection that was ended before it began does not begin.
func TestHaltScriptBeforeTheCollection(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "touch begun\n")
	m.take("ci-7", "")
	folder := filepath.Join(m.lock, "run-0123")
	_, _, err := m.run(haltScript, folder)
	m.must(err)
	if _, _, err := m.run(collectScript, folder, m.lock, m.root, "file", m.binary, "garbage-collect", "/x.yml"); err == nil {
		t.Error("it began")
	}
	if _, _, err := m.run(resumeScript, folder); err == nil {
		t.Error("it can be followed")
	}
	// Where the folder is gone, nothing can be said.
	if _, _, err := m.run(haltScript, filepath.Join(m.root, "no/such/folder")); err == nil {
		t.Error("it is said to be over")
	}
}

// What a killed run has left says whether its garbage collection may be running. An empty number does not mean that none is.
func TestLockScriptReadsWhatWasLeft(t *testing.T) {
	t.Parallel()
	dead := strconv.Itoa(1 << 30)
	for name, c := range map[string]struct {
		files   map[string]string
		running string
	}{
		"nothing":                  {nil, ""},
		"it was not launched":      {map[string]string{"run-1/before.disk=1": ""}, ""},
		"no number":                {map[string]string{"run-1/launched": ""}, "unknown"},
		"an empty number":          {map[string]string{"run-1/launched": "", "run-1/pid": "", "run-1/wrapper": ""}, "unknown"},
		"a number that is over":    {map[string]string{"run-1/launched": "", "run-1/pid=" + dead: ""}, ""},
		"an old number":            {map[string]string{"run-1/launched": "", "run-1/pid": dead + "\n"}, ""},
		"it has ended":             {map[string]string{"run-1/launched": "", "run-1/exit=0": ""}, ""},
		"it was told to end":       {map[string]string{"run-1/launched": "", "run-1/halted": ""}, ""},
		"it is about to begin":     {map[string]string{"run-1/launched": "", "run-1/wrapper=" + strconv.Itoa(os.Getpid()): ""}, "yes"},
		"another process's number": {map[string]string{"run-1/launched": "", "run-1/pid=" + strconv.Itoa(os.Getpid()): ""}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t, "")
			m.must(os.Mkdir(m.lock, 0o700))
			for file, text := range c.files {
				file = filepath.Join(m.lock, file)
				m.must(os.MkdirAll(filepath.Dir(file), 0o700))
				m.must(os.WriteFile(file, []byte(text), 0o600))
			}
			if h := m.take("ci-8", ""); h.one("lock") != "held" || h.one("running") != c.running {
				t.Errorf("got %q, want %q", h, c.running)
			}
			if h := m.take("ci-8", "break"); (h.one("lock") == "taken") != (c.running == "") {
				t.Errorf("with break: got %q", h)
			}
		})
	}
	m := newMachine(t, "")
	if _, _, err := m.run(lockScript, filepath.Join(m.root, "no/such/folder"), "ci-8", ""); err == nil {
		t.Error("a lock in no folder is taken")
	}
}

func TestRoomScript(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "")
	other := filepath.Join(t.TempDir(), "an other")
	m.must(os.Mkdir(other, 0o700))
	h, _, err := m.run(roomScript, m.root, filepath.Join(m.root, "no"), m.root, other)
	m.must(err)
	if n, ok := h.number("blobs"); !ok || n < 1 || len(h["room"]) != 2 {
		t.Fatalf("got %q", h)
	}
	for i, folder := range []string{m.root, other} {
		var free int
		if _, err := fmt.Sscanf(h["room"][i], "%d yes", &free); err != nil || free == 0 || !strings.HasSuffix(h["room"][i], " yes "+folder) {
			t.Errorf("got %q, %v", h["room"][i], err)
		}
	}
	if left, err := filepath.Glob(other + "/*"); err != nil || len(left) > 0 {
		t.Errorf("left %q, %v", left, err)
	}
}

func TestStorageScript(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "")
	link := filepath.Join(m.root, "docker/registry/v2/repositories/team/app/_manifests/revisions/sha256", fakeHex, "link")
	m.must(os.MkdirAll(filepath.Dir(link), 0o700))
	m.must(os.WriteFile(link, nil, 0o600))
	here, there := "team/app@sha256:"+fakeHex, "team/app@sha256:"+strings.Repeat("2", 64)
	h, _, err := m.run(storageScript, m.root, here, "team/app", there, "team/other", "other@sha512:"+fakeHex)
	m.must(err)
	if free, known := h.number("free"); !known || free < 0 {
		t.Errorf("got %q kilobytes", h["free"])
	}
	if h.one("root") != "yes" || h.one("repositories") != "1" || !slices.Equal(h["lacks"], []string{there, "team/other", "other@sha512:" + fakeHex}) {
		t.Errorf("got %q", h)
	}
	h, _, err = m.run(storageScript, filepath.Join(m.root, "no"))
	m.must(err)
	if h.one("root") != "" || h.one("repositories") != "0" {
		t.Errorf("got %q", h)
	}
}
