package main

import (
	"errors"
	"os"
	"time"

	"github.com/regsweep/regsweep/e2e/registries"
	"github.com/regsweep/regsweep/e2e/relay"
)

// kind is a registry that contestants meet on.
type kind struct {
	name        string
	start       registries.Start
	deletesTags bool // else only digests
	referrers   bool // it serves the referrers API, and reads no tags for a deletion
	// operated starts the same registry as one that commands stop and start; nil where the benchmark has no such.
	operated func(dir string) (*registries.Operated, error)
	// operation is what each operation of the storage takes longer while a contestant works; 0 is a folder in memory.
	operation time.Duration
}

var distributions = []kind{
	{name: "2.8.2", start: registries.DockerRegistry2, operated: registries.OperateDockerRegistry2},
	{name: "3.1.2", start: registries.Distribution3, deletesTags: true},
}

// server is a registry with storage that goes when it is closed. Contestants reach it through a relay that counts what
// they ask; what fills it and looks at it afterwards does not.
type server struct {
	*registries.Server
	relay    *relay.Relay
	requests *counter
	collect  []string // flags with which its garbage collection is run; none where that cannot be
}

// start starts an empty registry behind a relay.
func (b *bench) start(k kind, o relay.Options) (*server, error) { return b.startOn("", k, o) }

// startOn starts a registry on a copy of a storage; "" is an empty one.
func (b *bench) startOn(storage string, k kind, o relay.Options) (*server, error) {
	return b.behind(storage, o, func(dir string) (*server, error) {
		s, err := k.start(dir, registries.Options{})
		return &server{Server: s}, err
	})
}

// startOperated starts one that commands stop and start.
func (b *bench) startOperated(storage string, k kind, o relay.Options) (*server, error) {
	return b.behind(storage, o, func(dir string) (*server, error) {
		r, err := k.operated(dir)
		if err != nil {
			return nil, err
		}
		return &server{Server: r.Server, collect: []string{
			"--gc", "--gc-via", "local:", "--gc-stop", r.Stop, "--gc-start", r.Start, "--gc-binary", r.Binary, "--gc-config", r.Config,
		}}, nil
	})
}

// behind starts a registry with a storage of its own and a relay in front of it.
func (b *bench) behind(storage string, o relay.Options, start func(dir string) (*server, error)) (_ *server, err error) {
	dir, err := os.MkdirTemp(b.dir, "storage-")
	if err == nil && storage != "" {
		err = os.CopyFS(dir, os.DirFS(storage))
	}
	if err != nil {
		return nil, err
	}
	s, err := start(dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	s.requests = &counter{}
	o.Tap = s.requests.tap
	if s.relay, err = relay.Start(s.Host, o); err != nil {
		return nil, errors.Join(err, s.Close(), os.RemoveAll(dir))
	}
	return s, nil
}

func (s *server) close() error {
	return errors.Join(s.relay.Close(), s.Close(), os.RemoveAll(s.Dir))
}
