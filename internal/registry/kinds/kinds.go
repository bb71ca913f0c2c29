// Package kinds has the table of all kinds of registries, and opens a registry as the kind that it is. It is a package of
// its own because each kind imports the port, package registry.
package kinds

import (
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/distribution"
)

// kind is one row of the table.
type kind struct {
	// name is the kind's in reports and for --registry-kind.
	name string
	// match reports whether a registry is of the kind, by its host and by how it asks for a login.
	match func(host string, c registry.Challenge) bool
	open  func(host string, o registry.Options) (registry.Registry, error)
}

// kinds are asked in this order. The last one takes every registry.
var kinds = []kind{
	{"distribution", func(string, registry.Challenge) bool { return true }, as(distribution.Open)},
}

// as makes a kind's own registry one of the port.
func as[R registry.Registry](open func(string, registry.Options) (R, error)) func(string, registry.Options) (registry.Registry, error) {
	return func(host string, o registry.Options) (registry.Registry, error) {
		r, err := open(host, o)
		if err != nil {
			return nil, err
		}
		return r, nil
	}
}

// Open returns the registry with the host, as it stands in references. It sends nothing yet. An error is about
// certificates.
func Open(host string, o registry.Options) (registry.Registry, error) {
	var unknown registry.Challenge // nothing has been asked yet
	for _, k := range kinds {
		if k.match(host, unknown) {
			return k.open(host, o)
		}
	}
	panic("the last kind takes every registry")
}
