package main

import (
	"errors"
	"os"

	"github.com/regsweep/regsweep/e2e/registries"
	"github.com/regsweep/regsweep/e2e/relay"
)

// kind is a registry that contestants meet on.
type kind struct {
	name        string
	start       registries.Start
	deletesTags bool // else only digests
}

var kinds = []kind{
	{"2.8.2", registries.DockerRegistry2, false},
	{"3.1.2", registries.Distribution3, true},
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
