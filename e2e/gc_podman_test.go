package e2e

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/e2e/registries"
)

// docker:// and docker+ssh:// on a real engine: podman behind docker's name, with the registries in containers of their own.

// engineName puts podman behind docker's name and returns the folder of that.
func (e engine) engineName() string {
	e.t.Helper()
	dir := e.t.TempDir()
	// The network is this machine's, where the tests are. The limits are below those of the machine.
	must(e.t, os.WriteFile(filepath.Join(dir, "containers.conf"), []byte("[containers]\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=8192:8192\"]\nnetns = \"host\"\n"), 0o600))
	text := fmt.Sprintf("#!/bin/sh\nexport CONTAINERS_CONF=%s/containers.conf\nexec %s %s \"$@\"\n", dir, installed(e.t, "podman", "podman"), strings.Join(e.flags, " "))
	must(e.t, os.WriteFile(filepath.Join(dir, "docker"), []byte(text), 0o700))
	return dir
}

// tools are what an image needs beside the registry: what the official images and every distribution have.
var tools = []string{"sh", "sleep", "du", "ls", "df", "awk", "sed", "tail", "grep", "tr", "cut", "cat", "mkdir", "rm", "ln", "readlink", "date", "wc", "env", "sort", "find", "mv", "head"}

// image makes an image of a registry's program and the tools of this machine.
func (e engine) image(registry string) string {
	e.t.Helper()
	root := e.t.TempDir()
	add := func(from, to string) {
		must(e.t, os.MkdirAll(filepath.Dir(root+to), 0o755))
		text, err := os.ReadFile(from)
		must(e.t, err)
		must(e.t, os.WriteFile(root+to, text, 0o755))
	}
	libraries := regexp.MustCompile(`/\S+`)
	program := func(from, name string) {
		add(from, "/bin/"+name)
		list, _ := exec.Command("ldd", from).Output() // fails for a program without libraries
		for _, l := range libraries.FindAllString(string(list), -1) {
			add(l, l)
		}
	}
	program(registry, "registry")
	for _, name := range tools {
		from, err := exec.LookPath(name)
		must(e.t, err)
		program(from, name)
	}
	for _, dir := range []string{"/tmp", "/var/tmp", "/etc", "/proc", "/dev"} {
		must(e.t, os.MkdirAll(root+dir, 0o755))
		must(e.t, os.Chmod(root+dir, 0o1777))
	}
	tar := filepath.Join(e.t.TempDir(), "image.tar")
	must(e.t, bounded(e.t, "tar", "-C", root, "-cf", tar, ".").Run())
	e.must("import", tar, "localhost/registry:test")
	return "localhost/registry:test"
}

// contained is a registry in a container, as the depot that the other tests have.
type contained struct {
	*depot
	e    engine
	name string
	dir  string // of docker
}

// contain starts a registry in a container. Its storage is a volume at /data, which the variable in the environment says
// and the configuration does not.
func contain(t *testing.T, l line, flags ...string) *contained {
	t.Helper()
	asRoot(t, "podman's containers need root where these tests run")
	e := newPodman(t)
	dir := e.engineName()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	host := listener.Addr().String()
	must(t, listener.Close())
	storage := t.TempDir()
	config := filepath.Join(t.TempDir(), "config.yml")
	text := fmt.Sprintf("version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\nstorage:\n  filesystem: {rootdirectory: /elsewhere}\n  delete: {enabled: true}\n  cache: {blobdescriptor: inmemory}\nhttp: {addr: %s}\n", host)
	must(t, os.WriteFile(config, []byte(text), 0o644))
	c := &contained{&depot{Operated: &registries.Operated{Server: &registries.Server{URL: "http://" + host, Host: host, Dir: storage}}, t: t}, e, "team-registry-1", dir}
	c.env = []string{"PATH=" + dir + string(os.PathListSeparator) + os.Getenv("PATH")}
	image := e.image(l.binary(t))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if out, err := exec.CommandContext(ctx, filepath.Join(dir, "docker"), "rm", "--force", "--all", "--time", "1").CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
	args := append([]string{
		"run", "--detach", "--name", c.name, "--volume", storage + ":/data", "--volume", config + ":/etc/my registry:ro",
		"--env", "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY=/data", "--env", "REGISTRY_HTTP_SECRET=s3cret",
	}, flags...)
	c.docker(append(args, image, "registry", "serve", "/etc/my registry")...)
	eventually(t, c.Answers)
	return c
}

// docker runs docker and returns what it prints.
func (c *contained) docker(args ...string) string {
	c.t.Helper()
	out, err := bounded(c.t, filepath.Join(c.dir, "docker"), args...).CombinedOutput()
	if err != nil {
		c.t.Fatalf("docker %q: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// started is when the container was started last.
func (c *contained) started() string {
	return c.docker("inspect", "--format", "{{.State.StartedAt}}", c.name)
}

// alone checks that no container is left but the registry's own.
func (c *contained) alone() {
	c.t.Helper()
	if got := c.docker("ps", "--all", "--format", "{{.Names}}"); got != c.name {
		c.t.Errorf("the containers are %q", got)
	}
}

func TestGCPodmanCollects(t *testing.T) {
	t.Parallel()
	for _, l := range lines {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			c := contain(t, l)
			c.builds("team/app", 8, 1000)
			before := c.started()
			got := c.regsweep(c.Host+"/team/app", "--keep-last", "2", "--gc", "--gc-via", "docker://"+c.name)
			c.want(got, 0)
			if g := got.gc; !g.Collected || g.BlobsDeleted != 18 || g.FreedBytes < 6000 || !g.Restarted || g.VerifiedImages != 2 || g.Version != l.version {
				t.Errorf("got %+v", *g)
			}
			if c.started() == before {
				t.Error("the container was not restarted")
			}
			c.healthy("team/app", "b7", "b8")
			c.alone()
			ranked := c.regsweep("rank", "--gc-via", "docker://"+c.name)
			c.want(ranked, 0)
			if !strings.Contains(ranked.stdout, "team/app") {
				t.Errorf("got %s", ranked.stdout)
			}
			c.alone()
		})
	}
}

// docker+ssh:// finds docker on the PATH that sshd gives to commands, and says when it is not there.
func TestGCPodmanBySSH(t *testing.T) {
	t.Parallel()
	c := contain(t, lines[0])
	c.builds("team/app", 8, 1000)
	c.want(c.regsweep(c.Host+"/team/app", "--keep-last", "2"), 0)
	run := func(s *sshd, container string) told {
		t.Helper()
		return c.regsweep("gc", c.Host+"/team/app", "--gc-via", "docker+ssh://root@127.0.0.1:"+s.port+"/"+container, "--gc-ssh-key", s.key, "--gc-known-hosts", s.knownHosts)
	}
	c.want(run(newSSHD(t, "SetEnv PATH=/no/such/folder"), c.name), 4, "find the container team-registry-1: ssh exited with 127", "hint: docker is not on the PATH that ssh gives to commands there")
	s := newSSHD(t, "SetEnv PATH="+c.dir+":/usr/bin:/bin:/usr/sbin:/sbin")
	c.want(run(s, "registry"), 4, "find the container registry: ssh exited with 125", "hint: --gc-via names a container as docker ps does; there it lists team-registry-1")
	got := run(s, c.name)
	c.want(got, 0)
	if g := got.gc; g.BlobsDeleted != 18 || !g.Restarted || g.VerifiedImages != 2 {
		t.Errorf("got %+v", *g)
	}
	c.healthy("team/app", "b7", "b8")
	c.alone()
}

// What cannot be started again, or was begun by another run, is refused while the registry serves.
func TestGCPodmanRefuses(t *testing.T) {
	t.Parallel()
	t.Run("made with --rm", func(t *testing.T) {
		t.Parallel()
		c := contain(t, lines[0], "--rm")
		c.builds("team/app", 1, 1000)
		c.want(c.regsweep("gc", c.Host+"/team/app", "--gc-via", "docker://"+c.name), 3, "was made with --rm: it is removed when it is stopped", "hint: make the container without --rm")
		c.healthy("team/app", "b1")
		c.alone()
	})
	t.Run("a helper of another run", func(t *testing.T) {
		t.Parallel()
		c := contain(t, lines[0])
		c.builds("team/app", 1, 1000)
		c.docker("run", "--detach", "--name", "regsweep-gc-"+c.name, "--entrypoint", "sleep", "localhost/registry:test", strconv.Itoa(600))
		c.want(c.regsweep("gc", c.Host+"/team/app", "--gc-via", "docker://"+c.name), 3, "the helper container regsweep-gc-team-registry-1 exists", "hint: if no other run of regsweep uses it, remove it: docker rm -f regsweep-gc-team-registry-1")
		c.healthy("team/app", "b1")
	})
	t.Run("a storage in no volume", func(t *testing.T) {
		t.Parallel()
		c := contain(t, lines[0], "--env", "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY=/tmp/inside")
		c.builds("team/app", 1, 1000)
		c.want(c.regsweep("gc", c.Host+"/team/app", "--gc-via", "docker://"+c.name), 3, "the storage /tmp/inside is not in a volume")
		c.alone()
	})
}

// The recipe of docs/garbage-collection.md for a registry that a service manager makes anew at each start, with the program
// as the page has it.
func TestGCPodmanByTheRecipe(t *testing.T) {
	t.Parallel()
	c := contain(t, lines[1])
	c.builds("team/app", 8, 1000)
	c.want(c.regsweep(c.Host+"/team/app", "--keep-last", "2"), 0)
	page := file(t, "docs/garbage-collection.md")
	_, text, found := strings.Cut(page, "/usr/local/bin/registry-program\n")
	text, _, ended := strings.Cut(text, "EOF\n")
	if !found || !ended {
		t.Fatal("the page has no such program")
	}
	config := filepath.Join(t.TempDir(), "config.yml")
	must(t, os.WriteFile(config, fmt.Appendf(nil, "version: 0.1\nlog: {level: error}\nstorage:\n  filesystem: {rootdirectory: %s}\n  delete: {enabled: true}\nhttp: {addr: %s}\n", c.Dir, c.Host), 0o600))
	docker := filepath.Join(c.dir, "docker")
	program := filepath.Join(t.TempDir(), "registry-program")
	for _, r := range [][2]string{{"podman", docker}, {"/var/lib/registry", c.Dir}, {"/etc/registry.yml", config}, {"docker.io/library/registry:3", "localhost/registry:test"}} {
		if !strings.Contains(text, r[0]) {
			t.Fatalf("the program has no %s:\n%s", r[0], text)
		}
		text = strings.ReplaceAll(text, r[0], r[1])
	}
	must(t, os.WriteFile(program, []byte(text), 0o700))
	c.docker("rm", "--force", "--time", "1", c.name)
	start := fmt.Sprintf("%s run --detach --rm --name %s --volume %s:%[3]s --volume %s:%[4]s:ro localhost/registry:test registry serve %[4]s", docker, c.name, c.Dir, config)
	must(t, bounded(t, "sh", "-c", start).Run())
	eventually(t, c.Answers)
	got := c.regsweep("gc", c.Host+"/team/app", "--gc-via", "local:", "--gc-stop", docker+" stop --time 5 "+c.name, "--gc-start", start, "--gc-binary", program, "--gc-config", config)
	c.want(got, 0)
	if g := got.gc; g.BlobsDeleted != 18 || !g.Restarted || g.VerifiedImages != 2 || g.FreedBytes < 6000 {
		t.Errorf("got %+v", *g)
	}
	c.healthy("team/app", "b7", "b8")
	c.alone()
}
