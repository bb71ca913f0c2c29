package registries

import (
	"errors"
	"net/http/httptest"
	"strings"

	"github.com/olareg/olareg"
	"github.com/olareg/olareg/config"
)

// errNoAccounts is returned by registries that know no logins.
var errNoAccounts = errors.New("the registry knows no logins")

// Olareg runs olareg in this process with its storage in memory. It has the referrers API, and neither a catalog nor
// logins; MaxTags changes nothing. Its garbage collection does not run.
func Olareg(_ string, o Options) (*Server, error) {
	return startOlareg(config.ConfigStorage{StoreType: config.StoreMem}, o)
}

// OlaregInFolder is [Olareg] with its storage in a folder, as an OCI image layout for each repository.
func OlaregInFolder(dir string, o Options) (*Server, error) {
	s, err := startOlareg(config.ConfigStorage{StoreType: config.StoreDir, RootDir: dir}, o)
	if err == nil {
		s.Dir = dir
	}
	return s, err
}

func startOlareg(storage config.ConfigStorage, o Options) (*Server, error) {
	if o.Username != "" {
		return nil, errNoAccounts
	}
	deletes := !o.DisableDelete
	storage.ReadOnly, storage.GC = &o.ReadOnly, config.ConfigGC{Frequency: -1}
	app := olareg.New(config.Config{Storage: storage, API: config.ConfigAPI{DeleteEnabled: &deletes}})
	s := &Server{}
	s.onClose(app.Close)
	front := httptest.NewServer(app)
	s.onClose(func() error { front.Close(); return nil })
	s.URL, s.Host = front.URL, strings.TrimPrefix(front.URL, "http://")
	return s, nil
}
