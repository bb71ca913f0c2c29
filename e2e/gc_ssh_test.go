package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// sshd is a real one on loopback with throw-away keys.
type sshd struct {
	t                         *testing.T
	dir, port                 string
	key, knownHosts, wrongKey string
	wrongHosts                string
	pid                       int
}

func newSSHD(t *testing.T, options ...string) *sshd {
	t.Helper()
	binary := installed(t, "sshd", "openssh-server")
	installed(t, "ssh-keygen", "openssh-client")
	asRoot(t, "sshd lets nobody in but its own user, who has to be root here")
	dir := filepath.Join(t.TempDir(), "keys of 'CI'") // every path has a space and quotes
	must(t, os.MkdirAll("/run/sshd", 0o755))
	must(t, os.MkdirAll(dir, 0o700))
	s := &sshd{t: t, dir: dir, key: filepath.Join(dir, "key"), knownHosts: filepath.Join(dir, "known hosts"), wrongKey: filepath.Join(dir, "wrong"), wrongHosts: filepath.Join(dir, "wrong hosts")}
	for _, name := range []string{"key", "host", "wrong"} {
		must(t, bounded(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(dir, name)).Run())
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	_, s.port, err = net.SplitHostPort(l.Addr().String())
	must(t, err)
	must(t, l.Close())
	for file, key := range map[string]string{s.knownHosts: "host.pub", s.wrongHosts: "wrong.pub"} {
		text, err := os.ReadFile(filepath.Join(dir, key))
		must(t, err)
		must(t, os.WriteFile(file, fmt.Appendf(nil, "[127.0.0.1]:%s %s", s.port, text), 0o600))
	}
	allowed, err := os.ReadFile(s.key + ".pub")
	must(t, err)
	// sshd's own configuration has another quoting, so that its files are where no quoting is needed.
	plain := t.TempDir()
	must(t, os.WriteFile(filepath.Join(plain, "authorized"), allowed, 0o600))
	must(t, bounded(t, "cp", filepath.Join(dir, "host"), filepath.Join(plain, "host")).Run())
	config := fmt.Sprintf("Port %s\nListenAddress 127.0.0.1\nHostKey %s/host\nPidFile %[2]s/pid\nAuthorizedKeysFile %[2]s/authorized\n"+
		"PermitRootLogin prohibit-password\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nUsePAM no\nStrictModes no\n", s.port, plain)
	for _, o := range options {
		config += o + "\n"
	}
	must(t, os.WriteFile(filepath.Join(plain, "config"), []byte(config), 0o600))
	cmd := exec.Command(binary, "-D", "-e", "-f", filepath.Join(plain, "config"))
	var said bytes.Buffer
	cmd.Stderr = &said
	must(t, cmd.Start())
	s.pid = cmd.Process.Pid
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	eventually(t, func() bool {
		c, err := net.Dial("tcp", "127.0.0.1:"+s.port)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually waits for what another process does.
func eventually(t *testing.T, done func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(time.Minute)
	for !done() {
		select {
		case <-deadline:
			t.Fatal("waited for a minute")
		case <-tick.C:
		}
	}
}

// flags are those of a registry behind the sshd.
func (s *sshd) flags(d *depot) []string {
	flags := d.byHand()
	flags[1] = "ssh://root@127.0.0.1:" + s.port
	return append(flags, "--gc-ssh-key", s.key, "--gc-known-hosts", s.knownHosts)
}

// cut kills the processes of the sshd that serve connections, and not what runs in them.
func (s *sshd) cut() {
	s.t.Helper()
	parents := map[int]int{}
	names := map[int]string{}
	entries, err := fs.Glob(os.DirFS("/proc"), "[0-9]*/stat")
	must(s.t, err)
	for _, e := range entries {
		text, err := os.ReadFile("/proc/" + e)
		if err != nil {
			continue // it has ended
		}
		open, end := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
		pid, _ := strconv.Atoi(string(bytes.TrimSpace(text[:open])))
		parents[pid], _ = strconv.Atoi(strings.Fields(string(text[end+1:]))[1])
		names[pid] = string(text[open+1 : end])
	}
	killed := 0
	for pid, name := range names {
		if !strings.HasPrefix(name, "sshd") || pid == s.pid {
			continue
		}
		for p := parents[pid]; p > 1; p = parents[p] {
			if p == s.pid {
				if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
					s.t.Fatal(err)
				}
				killed++
			}
		}
	}
	if killed == 0 {
		s.t.Fatal("no connection to cut")
	}
}

// A registry behind ssh is collected as one on this machine is.
func TestSSHCollects(t *testing.T) {
	t.Parallel()
	s := newSSHD(t)
	eachLine(t, func(t *testing.T, d *depot) {
		d.builds("team/app", 8, 1000)
		before := d.serving()
		got := d.regsweep(append(s.flags(d), d.Host+"/team/app", "--keep-last", "2", "--gc")...)
		d.want(got, 0)
		d.healthy("team/app", "b7", "b8")
		if g := got.gc; g.BlobsDeleted != 18 || !g.Restarted || g.VerifiedImages != 2 || d.serving() == before {
			t.Errorf("got %+v", *g)
		}
		t.Logf("away %.2f s, of which the registry's own collection %.2f s", got.gc.AwaySeconds, got.gc.CollectSeconds)
	})
}

// A key that is not the right one ends the run before anything is stopped.
func TestSSHChecksTheKeys(t *testing.T) {
	t.Parallel()
	s := newSSHD(t)
	d := newDepot(t, lines[0])
	before := d.serving()
	for name, c := range map[string]struct{ right, wrong, says string }{
		"the host's":   {s.knownHosts, s.wrongHosts, "Host key verification failed"},
		"the client's": {s.key, s.wrongKey, "Permission denied"},
	} {
		flags := s.flags(d)
		flags[slices.Index(flags, c.right)] = c.wrong
		got := d.regsweep(append([]string{"gc", d.Host}, flags...)...)
		d.want(got, 4, c.says)
		if got.gc.Stopped {
			t.Errorf("%s key: the registry was stopped", name)
		}
	}
	if d.serving() != before {
		t.Error("the registry was restarted")
	}
}

// A connection that is cut while the registry collects does not end the collection, and the registry is started when that
// is over, not before.
func TestSSHIsCutDuringTheCollection(t *testing.T) {
	t.Parallel()
	for _, l := range lines {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			s := newSSHD(t) // of its own, since all of its connections are cut
			d := newDepot(t, l)
			gate := d.slow()
			d.builds("team/app", 8, 1000)
			d.want(d.regsweep(d.Host+"/team/app", "--keep-last", "2"), 0)
			cmd, stdout, stderr, report := d.command(append([]string{"gc", d.Host + "/team/app"}, s.flags(d)...)...)
			must(t, cmd.Start())
			gate.reached()
			s.cut()
			if d.Answers() {
				t.Error("the registry serves while it is collected")
			}
			gate.open()
			got := d.told(cmd.Wait(), stdout, stderr, report)
			d.want(got, 0, "lost the connection to the garbage collection, reconnecting: ssh exited with 255")
			if g := got.gc; !g.Collected || g.BlobsDeleted != 18 || !g.Restarted || g.VerifiedImages != 2 {
				t.Errorf("got %+v", *g)
			}
			gate.never()
			d.healthy("team/app", "b7", "b8")
		})
	}
}

// Names with spaces, quotes and commands in them arrive as they are.
func TestSSHQuotes(t *testing.T) {
	t.Parallel()
	s := newSSHD(t)
	d := newDepot(t, lines[0])
	d.builds("team/app", 3, 1000)
	victim := filepath.Join(t.TempDir(), "victim")
	must(t, os.WriteFile(victim, nil, 0o600))
	text, err := os.ReadFile(d.Config)
	must(t, err)
	dir := filepath.Join(t.TempDir(), `it's a "$(touch x)" ; rm -rf `+strings.ReplaceAll(victim, "/", "_"))
	must(t, os.MkdirAll(dir, 0o700))
	config := filepath.Join(dir, "config; rm -f $VICTIM `id` \\ ' \" *.yml")
	must(t, os.WriteFile(config, text, 0o600))
	flags := s.flags(d)
	flags[slices.Index(flags, d.Config)] = config
	d.want(d.regsweep(append([]string{"gc", d.Host + "/team/app"}, flags...)...), 0)
	flags[slices.Index(flags, config)] = "/no such'; rm -f " + victim + "; '.yml"
	d.want(d.regsweep(append([]string{"gc", d.Host}, flags...)...), 4, "tried /no such'; rm -f")
	if _, err := os.Stat(victim); err != nil {
		t.Error(err)
	}
	d.healthy("team/app", "b1", "b2", "b3")
}
