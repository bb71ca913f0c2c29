package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"

	"github.com/regsweep/regsweep/e2e/registries"
)

// line is a line of distribution. Each of its registries is a process that can be killed.
type line string

const (
	line2 line = "2.8.2"
	line3 line = "3.1.2"
)

// serveVariable makes a process of this program, or of its tests, a registry of line 3 with the configuration in it. It is
// the harness's own way to start one, which a kill ends as it ends any registry.
const serveVariable = "REGSWEEP_CHAOS_SERVE"

// backend is a registry that runs until it is stopped.
type backend struct {
	line line
	dir  string

	mu   sync.Mutex
	url  string
	stop func() error
}

func startBackend(l line, dir string) (*backend, error) {
	b := &backend{line: l, dir: dir}
	return b, b.start()
}

func (b *backend) start() error {
	url, stop, err := launch(b.line, b.dir)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.url, b.stop = url, stop
	return nil
}

// address is where it listens now, "" while it is down.
func (b *backend) address() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.url
}

// kill ends the process at once, whatever it does.
func (b *backend) kill() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stop == nil {
		return nil
	}
	stop := b.stop
	b.url, b.stop = "", nil
	return stop()
}

func launch(l line, dir string) (url string, stop func() error, err error) {
	if l == line2 {
		s, err := registries.DockerRegistry2(dir, registries.Options{})
		if err != nil {
			return "", nil, err
		}
		return s.URL, s.Close, nil
	}
	return launch3(dir)
}

// launch3 starts this program again, as a registry.
func launch3(dir string) (string, func() error, error) {
	self, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), serveVariable+"="+dir, "GOMAXPROCS=2")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	in, err := cmd.StdinPipe() // its end tells the registry that the harness is gone
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	stop := func() error {
		err := cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
		return errors.Join(err, ignoreClosed(in.Close()))
	}
	url, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return "", nil, errors.Join(fmt.Errorf("start distribution 3: %w", err), stop())
	}
	return strings.TrimSpace(url), stop, nil
}

func ignoreClosed(err error) error {
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}

// serve is the process of such a registry. It ends when its standard input does, or by a kill.
func serve(dir string) error {
	signal.Ignore(os.Interrupt, syscall.SIGTERM) // these are for the harness, which ends its registries by itself
	s, err := registries.Distribution3(dir, registries.Options{})
	if err != nil {
		return err
	}
	fmt.Println(s.URL)
	_, _ = io.Copy(io.Discard, os.Stdin)
	return s.Close()
}
