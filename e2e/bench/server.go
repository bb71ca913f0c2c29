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
	// operation is what each operation of the storage takes longer while a contestant works; 0 is a folder in memory.
	operation time.Duration
}

var kinds = []kind{
	{"2.8.2", registries.DockerRegistry2, false, 0},
	{"3.1.2", registries.Distribution3, true, 0},
}

// server is a registry with storage that goes when it is closed. Contestants reach it through a relay that counts what
// they ask; what fills it and looks at it afterwards does not.
type server struct {
	*registries.Server
	relay    *relay.Relay
	requests *counter
}

// start starts an empty registry behind a relay.
func (b *bench) start(k kind, o relay.Options) (_ *server, err error) {
	dir, err := os.MkdirTemp(b.dir, "storage-")
	if err != nil {
		return nil, err
	}
	s := &server{requests: &counter{}}
	if s.Server, err = k.start(dir, registries.Options{}); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	o.Tap = s.requests.tap
	if s.relay, err = relay.Start(s.Host, o); err != nil {
		return nil, errors.Join(err, s.Close(), os.RemoveAll(dir))
	}
	return s, nil
}

func (s *server) close() error {
	return errors.Join(s.relay.Close(), s.Close(), os.RemoveAll(s.Dir))
}
