package registries

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http/httptest"
	"strings"
	"sync"

	"github.com/distribution/distribution/v3/configuration"
	"github.com/distribution/distribution/v3/registry/handlers"
	"github.com/sirupsen/logrus"

	_ "github.com/distribution/distribution/v3/registry/auth/htpasswd"             // the accounts of Options
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem" // storage in a folder
	_ "github.com/distribution/distribution/v3/registry/storage/driver/inmemory"   // storage in memory
)

// quiet silences distribution, which logs to logrus' only standard logger.
var quiet = sync.OnceFunc(func() {
	logrus.SetOutput(io.Discard)
	logrus.SetLevel(logrus.PanicLevel)
})

// Distribution3 runs distribution 3.1.2 in this process with its storage in dir, or in memory when dir is "".
func Distribution3(dir string, o Options) (*Server, error) {
	s := &Server{Dir: dir}
	conf, err := s.configure(o)
	if err != nil {
		return nil, s.abandon(err)
	}
	return s.serve(conf)
}

// Configured runs distribution 3.1.2 in this process with the text of a configuration file.
func Configured(text string) (*Server, error) {
	conf, err := configuration.Parse(strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	return new(Server).serve(conf)
}

func (s *Server) serve(conf *configuration.Configuration) (*Server, error) {
	quiet()
	app, err := newApp(conf)
	if err != nil {
		return nil, s.abandon(err)
	}
	s.onClose(app.Shutdown)
	front := httptest.NewServer(app)
	s.onClose(func() error { front.Close(); return nil })
	s.URL, s.Host = front.URL, strings.TrimPrefix(front.URL, "http://")
	return s, nil
}

// Distribution3InMemory is Distribution3 without a folder.
func Distribution3InMemory(_ string, o Options) (*Server, error) { return Distribution3("", o) }

// abandon closes what a failed start has left behind and returns the error that it failed with.
func (s *Server) abandon(err error) error {
	_ = s.Close() // the first error says more
	return fmt.Errorf("start registry: %w", err)
}

// configure makes a configuration as the official image has it, with the descriptor cache that makes a garbage
// collection behind the server's back go wrong.
func (s *Server) configure(o Options) (*configuration.Configuration, error) {
	off := map[any]any{"enabled": false}
	conf := &configuration.Configuration{
		Storage: configuration.Storage{
			"delete":      {"enabled": !o.DisableDelete},
			"cache":       {"blobdescriptor": "inmemory"},
			"maintenance": {"uploadpurging": off, "readonly": map[any]any{"enabled": o.ReadOnly}},
		},
	}
	if s.Dir == "" {
		conf.Storage["inmemory"] = configuration.Parameters{}
	} else {
		conf.Storage["filesystem"] = configuration.Parameters{"rootdirectory": s.Dir}
	}
	conf.HTTP.Secret = "regsweep" // any: it signs the addresses of uploads
	conf.Catalog.MaxEntries = 1000
	conf.Tags.MaxTags = cmp.Or(o.MaxTags, 1000)
	if o.Username == "" {
		return conf, nil
	}
	scratch, err := s.scratch()
	if err != nil {
		return nil, err
	}
	accounts, err := htpasswd(scratch, o)
	conf.Auth = configuration.Auth{"htpasswd": {"realm": "regsweep", "path": accounts}}
	return conf, err
}

// newApp returns as an error what distribution panics with when it does not like its configuration.
func newApp(conf *configuration.Configuration) (app *handlers.App, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("configure distribution: %v", p)
		}
	}()
	return handlers.NewApp(context.Background(), conf), nil
}
