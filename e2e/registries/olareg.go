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
	if o.Username != "" {
		return nil, errNoAccounts
	}
	deletes := !o.DisableDelete
	app := olareg.New(config.Config{
		Storage: config.ConfigStorage{StoreType: config.StoreMem, ReadOnly: &o.ReadOnly, GC: config.ConfigGC{Frequency: -1}},
		API:     config.ConfigAPI{DeleteEnabled: &deletes},
	})
	s := &Server{}
	s.onClose(app.Close)
	front := httptest.NewServer(app)
	s.onClose(func() error { front.Close(); return nil })
	s.URL, s.Host = front.URL, strings.TrimPrefix(front.URL, "http://")
	return s, nil
}
