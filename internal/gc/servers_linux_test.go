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

// The registry that serves tells its configuration and its variables; a dry run and a garbage collection get the same.
func TestProbeReadsTheRegistryThatServes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	config, other := filepath.Join(dir, "my config.yml"), filepath.Join(dir, "other.yml")
	for _, file := range []string{config, other} {
		if err := os.WriteFile(file, []byte("storage: {filesystem: {rootdirectory: /configured}}"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	process, _ := serves(t, []string{"REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY=/variable", "REGISTRY_LINES=a\nb", "OTHER=x"}, "serve", config)
	m := newMachine(t, `[ "$1" != --version ] || echo "registry github.com/docker/distribution 2.8.2"
[ "$1" = --version ] || printf '%s|' "$REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY" "$REGISTRY_LINES" "$REGISTRY_OWN"
`)
	m.target.env = append(os.Environ(), "REGISTRY_OWN=own", "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY=/own")
	for file, root := range map[string]string{config: "/variable", other: "/own"} {
		s, err := m.target.probe(t.Context(), Options{Binary: m.binary, Config: file})
		if err != nil || s.root != root || s.file != file || (s.environment != "") != (file == config) {
			t.Fatalf("%s: got %+v, %v", file, s, err)
		}
		want := "/variable|a\nb||"
		if file == other {
			want = "/own||own|"
		}
		for name, args := range map[string][]string{
			"dry run": script(dryRunScript, m.binary, "garbage-collect"), "collect": script(collectScript, filepath.Join(t.TempDir(), "x"), m.lock, "", "file", m.binary, "garbage-collect"),
		} {
			if out, err := m.target.withVariables(s, args).output(t.Context()); err != nil || !strings.HasSuffix(out, want) || (name == "dry run" && out != want) {
				t.Errorf("%s: got %q, %v, want %q", name, out, err, want)
			}
		}
	}
	out, err := m.target.withVariables(site{environment: "environment\n"}, script(dryRunScript, m.binary, "garbage-collect")).output(t.Context())
	if err != nil || out != "|||" {
		t.Errorf("without variables: got %q, %v", out, err)
	}

	// Without a configuration by name, the one registry's counts; several have to be told apart.
	list := "list='" + process + " " + config + "'; servers() { echo \"$list\"; }\n"
	h, text, err := m.run(list+probeScript, m.binary, "", "/no/such")
	m.must(err)
	if h.one("config") != config || h.one("process") != process || text != "storage: {filesystem: {rootdirectory: /configured}}" {
		t.Errorf("got %q, %q", h, text)
	}
	h, _, err = m.run("servers() { printf '1 /a.yml\\n2 /b b.yml\\n3 /a.yml\\n'; }\n"+probeScript, m.binary, "", "/no/such")
	m.must(err)
	if got := strings.Join(h["serving"], ","); got != "/a.yml,/b b.yml" {
		t.Errorf("got %q", h)
	}
	h, _, err = m.run("servers() { :; }\n"+probeScript, m.binary, "", "/no/such", other)
	m.must(err)
	if h.one("config") != other || strings.Join(h["tried"], ",") != "/no/such,"+other {
		t.Errorf("got %q", h)
	}
	h, _, err = m.run("servers() { :; }\nREGISTRY_CONFIGURATION_PATH="+other+"\n"+probeScript, m.binary, "", config)
	m.must(err)
	if h.one("config") != other {
		t.Errorf("got %q", h)
	}
}
