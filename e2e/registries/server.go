// Package registries runs real registries on loopback: distribution 3.1.2 and olareg inside the process, docker-registry
// 2.8.2, distribution 3.0.0 and Gitea as processes of their own. Tests, the demo and the benchmark share it.
package registries

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/crypto/bcrypt"
)

// Options say how a registry is set up. The zero value is a writable one without authentication that allows deletion.
type Options struct {
	DisableDelete bool
	ReadOnly      bool
	// MaxTags is tags.maxtags of 3.x, the most tags that a page holds; 0 is its default of 1000. 2.8 knows no pages.
	MaxTags int
	// Username and Password are wanted by basic authentication; an empty Username lets everybody in.
	Username, Password string
}

// Server is a registry that runs until it is closed.
type Server struct {
	URL  string // such as "http://127.0.0.1:41234"
	Host string // the same as it stands in an image reference
	Dir  string // the root of the storage; "" when it is in memory
	// Config is the configuration file, which garbage-collect reads; "" if the registry has no such file.
	Config string
	// Latency is that of each operation of the storage; nil when it is the storage's own.
	Latency *Latency

	// storage is the part of the configuration of a process that says where it stores; "" is a folder.
	storage string

	stops []func() error // last things first
}

// Start is how every registry of this package starts: with its storage in dir.
type Start func(dir string, o Options) (*Server, error)

// Close stops the registry and removes what it wrote outside of Dir.
func (s *Server) Close() error {
	var errs []error
	for i := len(s.stops) - 1; i >= 0; i-- {
		errs = append(errs, s.stops[i]())
	}
	s.stops = nil
	return errors.Join(errs...)
}

func (s *Server) onClose(stop func() error) { s.stops = append(s.stops, stop) }

// scratch makes a folder for files that go when the registry is closed.
func (s *Server) scratch() (string, error) {
	dir, err := os.MkdirTemp("", "regsweep-registry-")
	if err != nil {
		return "", err
	}
	s.onClose(func() error { return os.RemoveAll(dir) })
	return dir, nil
}

// htpasswd writes the file that both lines of distribution read accounts from.
func htpasswd(dir string, o Options) (string, error) {
	hash, err := bcrypt.GenerateFromPassword([]byte(o.Password), bcrypt.MinCost)
	if err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	file := filepath.Join(dir, "htpasswd")
	return file, os.WriteFile(file, fmt.Appendf(nil, "%s:%s\n", o.Username, hash), 0o600)
}

// ForTest starts a registry in a folder of the test and closes it when the test ends. Where the registry is not
// installed the test is skipped, unless REGSWEEP_CI=1 says that everything has to be there.
func ForTest(t testing.TB, start Start, o Options) *Server {
	t.Helper()
	return forTest(t, "REGSWEEP_CI", func() (*Server, error) { return start(t.TempDir(), o) })
}

// GiteaForTest is ForTest for [Gitea]. It takes minutes to build, so REGSWEEP_GITEA=1 says that it has to be there.
func GiteaForTest(t testing.TB) *GiteaServer {
	t.Helper()
	return forTest(t, "REGSWEEP_GITEA", func() (*GiteaServer, error) { return Gitea(t.TempDir()) })
}

// forTest starts a registry. One that is not installed is skipped, unless the variable is 1.
func forTest[S interface{ Close() error }](t testing.TB, mandatory string, start func() (S, error)) S {
	t.Helper()
	s, err := start()
	if errors.Is(err, ErrNotInstalled) && os.Getenv(mandatory) != "1" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error("close registry:", err)
		}
	})
	return s
}
