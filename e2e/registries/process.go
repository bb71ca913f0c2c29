package registries

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// ErrNotInstalled is wrapped when a registry's program is not on this machine.
var ErrNotInstalled = errors.New("the registry is not installed")

// startTimeout is how long a registry may take until it answers; distribution needs a fraction of a second, Gitea some
// seconds.
const startTimeout = 60 * time.Second

// DockerRegistry2 runs Debian's docker-registry, which is distribution 2.8, with its storage in dir.
func DockerRegistry2(dir string, o Options) (*Server, error) {
	binary, err := dockerRegistry()
	if err != nil {
		return nil, err
	}
	return onFreePort(dir, func(s *Server) error { return s.distribution(binary, o, "") })
}

// dockerRegistry is the path of Debian's docker-registry.
func dockerRegistry() (string, error) {
	binary, err := exec.LookPath("docker-registry")
	if err != nil {
		return "", fmt.Errorf("%w: apt-get install docker-registry", ErrNotInstalled)
	}
	return binary, nil
}

// OperateDockerRegistry2 is [DockerRegistry2] as a registry that commands stop and start.
func OperateDockerRegistry2(dir string) (*Operated, error) {
	binary, err := dockerRegistry()
	if err != nil {
		return nil, err
	}
	return Operate(binary, dir, Options{})
}

// Distribution300 runs distribution 3.0.0, the program that "make tools" builds, with its storage in dir.
func Distribution300(dir string, o Options) (*Server, error) {
	binary, err := tool("distribution-3.0.0", "tools")
	if err != nil {
		return nil, err
	}
	return onFreePort(dir, func(s *Server) error {
		return s.distribution(binary, o, fmt.Sprintf("tags: {maxtags: %d}\n", cmp.Or(o.MaxTags, 1000)))
	})
}

// tool returns a program that a target of make has put into .tools/bin of the checkout that the working folder is in.
func tool(name, target string) (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		path := filepath.Join(dir, ".tools", "bin", name)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%w: %s is not in .tools/bin: make %s", ErrNotInstalled, name, target)
}

// onFreePort starts a process. The port is free when it is chosen and may be taken when it is used: then start is called
// again.
func onFreePort(dir string, start func(s *Server) error) (*Server, error) {
	for attempt := 1; ; attempt++ {
		s := &Server{Dir: dir}
		host, err := freeAddress()
		if err == nil {
			s.URL, s.Host = "http://"+host, host
			err = start(s)
		}
		if err == nil {
			return s, nil
		}
		if err = s.abandon(err); attempt == 3 || !strings.Contains(err.Error(), "address already in use") {
			return nil, err
		}
	}
}

// distribution starts the registry of either line. more is added to its configuration.
func (s *Server) distribution(binary string, o Options, more string) error {
	scratch, err := s.scratch()
	if err != nil {
		return err
	}
	s.Config = filepath.Join(scratch, "config.yml")
	text, err := s.yaml(scratch, o)
	if err != nil {
		return err
	}
	if err := os.WriteFile(s.Config, []byte(text+more), 0o600); err != nil {
		return err
	}
	cmd := exec.Command(binary, "serve", s.Config)
	// A REGISTRY_ variable would override the file, an AWS_ one what it says of an S3 storage.
	cmd.Env = slices.DeleteFunc(os.Environ(), func(e string) bool { return strings.HasPrefix(e, "REGISTRY_") || strings.HasPrefix(e, "AWS_") })
	return s.launch(cmd)
}

// launch starts a process that ends when the registry is closed, and waits until it answers.
func (s *Server) launch(cmd *exec.Cmd) error {
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		return err
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait() // its end is always violent
		close(exited)
	}()
	s.onClose(func() error {
		err := cmd.Process.Kill()
		<-exited
		if errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("%s ended by itself: %s", filepath.Base(cmd.Path), said.String())
		}
		return err
	})
	if err := answers(s.URL, exited); err != nil {
		_ = s.Close()
		return fmt.Errorf("%w: %s", err, said.String())
	}
	return nil
}

// yaml is the configuration file. Go's quoted strings are strings in YAML too.
func (s *Server) yaml(scratch string, o Options) (string, error) {
	text := fmt.Sprintf(`version: 0.1
log: {level: warn, accesslog: {disabled: true}}
storage:
  %s
  cache: {blobdescriptor: inmemory}
  delete: {enabled: %t}
  maintenance: {uploadpurging: {enabled: false}, readonly: {enabled: %t}}
http: {addr: %q, secret: regsweep}
`, cmp.Or(s.storage, fmt.Sprintf("filesystem: {rootdirectory: %q}", s.Dir)), !o.DisableDelete, o.ReadOnly, s.Host)
	if o.Username == "" {
		return text, nil
	}
	accounts, err := htpasswd(scratch, o)
	return text + fmt.Sprintf("auth: {htpasswd: {realm: regsweep, path: %q}}\n", accounts), err
}

// freeAddress returns an address on loopback that nobody listens on.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// answers waits until the registry answers, with 200 or with 401. Any other answer may be from a server that got the address
// first; then the registry ends.
func answers(url string, exited <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/v2/", nil)
		if err != nil {
			return err
		}
		if serves(req) {
			return nil
		}
		select {
		case <-exited:
			return errors.New("the registry ended")
		case <-ctx.Done():
			return fmt.Errorf("wait for the registry: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

// serves reports whether a registry answers a request for /v2/.
func serves(req *http.Request) bool {
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusUnauthorized
}
