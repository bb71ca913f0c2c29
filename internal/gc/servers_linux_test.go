package gc

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestMain makes this program a registry that serves until its standard input ends, when it is started by such a name.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "registry" {
		_, _ = io.Copy(io.Discard, os.Stdin)
		return
	}
	os.Exit(m.Run())
}

// serves starts this program as a registry and returns what ends it.
func serves(t *testing.T, env []string, args ...string) (process string, end func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Args, cmd.Env, cmd.Dir = append([]string{"/usr/bin/registry"}, args...), env, t.TempDir()
	in, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	end = func() {
		_ = in.Close()
		_ = cmd.Wait()
	}
	t.Cleanup(end)
	return fmt.Sprint(cmd.Process.Pid), end
}

// The registries that serve are found with their configuration, however it is named.
func TestServersScript(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "")
	one, _ := serves(t, nil, "serve", "/etc/my config.yml")
	two, _ := serves(t, nil, "serve", "--quiet", "conf")
	three, _ := serves(t, []string{"REGISTRY_CONFIGURATION_PATH=/etc/env.yml", "REGISTRY_X=y"}, "serve")
	other, _ := serves(t, nil, "garbage-collect", "/etc/my.yml")
	h, _, err := m.run("servers | sed 's/^/server=/'; echo")
	m.must(err)
	found := map[string]string{}
	for _, line := range h["server"] {
		process, config, _ := strings.Cut(line, " ")
		found[process] = config
	}
	if found[one] != "/etc/my config.yml" || !strings.HasSuffix(found[two], "/conf") || !strings.HasPrefix(found[two], "/") || found[three] != "/etc/env.yml" {
		t.Errorf("got %q", found)
	}
	if config, is := found[other]; is {
		t.Errorf("a garbage collection is taken for a registry with %q", config)
	}
}

func TestServedScript(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "")
	config := filepath.Join(m.root, "config.yml")
	_, end := serves(t, nil, "serve", config)
	done := make(chan head, 1)
	go func() {
		h, _, _ := m.run(servedScript, "/bin/registry", config)
		done <- h
	}()
	end()
	if h := <-done; h.one("left") != "" {
		t.Errorf("got %q", h)
	}
}
