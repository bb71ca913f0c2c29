package registries

import (
	"bytes"
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

// ErrNotInstalled is wrapped when a registry's binary is not on this machine.
var ErrNotInstalled = errors.New("docker-registry is not installed (apt-get install docker-registry)")

// startTimeout is how long a registry may take until it answers; it needs a fraction of a second.
const startTimeout = 30 * time.Second

// DockerRegistry2 runs Debian's docker-registry, which is distribution 2.8, with its storage in dir.
func DockerRegistry2(dir string, o Options) (*Server, error) {
	binary, err := exec.LookPath("docker-registry")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotInstalled, err)
	}
	// The port is free when it is chosen and may be taken when it is used: then another one is tried.
	for attempt := 1; ; attempt++ {
		s := &Server{Dir: dir}
		err := s.run(binary, o)
		if err == nil {
			return s, nil
		}
		if err = s.abandon(err); attempt == 3 || !strings.Contains(err.Error(), "address already in use") {
			return nil, err
		}
	}
}

// run starts the process and waits until it answers.
func (s *Server) run(binary string, o Options) error {
	scratch, err := s.scratch()
	if err != nil {
		return err
	}
	if s.Host, err = freeAddress(); err != nil {
		return err
	}
	s.URL = "http://" + s.Host
	s.Config = filepath.Join(scratch, "config.yml")
	text, err := s.yaml(scratch, o)
	if err != nil {
		return err
	}
	if err := os.WriteFile(s.Config, []byte(text), 0o600); err != nil {
		return err
	}
	var stderr bytes.Buffer
	cmd := exec.Command(binary, "serve", s.Config)
	cmd.Stderr = &stderr
	// A REGISTRY_ variable would override the file.
	cmd.Env = slices.DeleteFunc(os.Environ(), func(e string) bool { return strings.HasPrefix(e, "REGISTRY_") })
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
			return fmt.Errorf("docker-registry ended by itself: %s", stderr.String())
		}
		return err
	})
	if err := answers(s.URL, exited); err != nil {
		_ = s.Close()
		return fmt.Errorf("%w: %s", err, stderr.String())
	}
	return nil
}

// yaml is the configuration file. Go's quoted strings are strings in YAML too.
func (s *Server) yaml(scratch string, o Options) (string, error) {
	text := fmt.Sprintf(`version: 0.1
log: {level: warn, accesslog: {disabled: true}}
storage:
  filesystem: {rootdirectory: %q}
  cache: {blobdescriptor: inmemory}
  delete: {enabled: %t}
  maintenance: {uploadpurging: {enabled: false}, readonly: {enabled: %t}}
http: {addr: %q, secret: regsweep}
`, s.Dir, !o.DisableDelete, o.ReadOnly, s.Host)
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

// answers waits until the registry answers, with 200 or with 401.
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
		if resp, err := http.DefaultClient.Do(req); err == nil {
			return resp.Body.Close()
		}
		select {
		case <-exited:
			return errors.New("docker-registry ended")
		case <-ctx.Done():
			return fmt.Errorf("wait for docker-registry: %w", ctx.Err())
		case <-tick.C:
		}
	}
}
