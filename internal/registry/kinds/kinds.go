// Package kinds has the table of all kinds of registries, and opens a registry as the kind that it is. It is a package of
// its own because each kind imports the port, package registry.
package kinds

import (
	"fmt"
	"slices"
	"strings"

	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/distribution"
	"github.com/regsweep/regsweep/internal/registry/wire"
)

// Auto is the name that stands for finding out.
const Auto = "auto"

// kind is one row of the table.
type kind struct {
	traits registry.Traits // with its name
	// host reports whether a registry is of the kind by its host alone, and by the environment of a CI system that has one;
	// nil: no host tells.
	host func(host string, getenv func(string) string) bool
	// greets reports whether a registry is of the kind by its first answer; nil: no answer tells.
	greets func(g registry.Greeting) bool
	// discovers reports whether a registry is of the kind by its extensions (OCI distribution-spec, extensions/_oci.md), which
	// are asked for where nothing else tells; nil: none tells.
	discovers func(extensions []string) bool
	// digestOnly says that the kind cannot remove a tag alone, or not without harm.
	digestOnly bool
	// confirms says that the kind answers 404 to the deletion of what it has, so that only a read proves that it is gone.
	confirms bool
	// cascades says that the kind deletes the children of what is deleted along with it.
	cascades bool
	// right is what a login needs here for deletions, where the kind has words of its own for it, as advice to one that lacks
	// it; "": a registry's own advice is enough.
	right string
	// open opens a registry with an interface of its own; nil: the kind has the OCI API alone.
	open func(client *wire.Client, host string, o registry.Options, traits registry.Traits) (registry.Registry, error)
}

// Names returns what --registry-kind takes, in the order of the table.
func Names() []string {
	out := []string{Auto}
	for _, k := range kinds {
		out = append(out, k.traits.Kind)
	}
	return out
}

// UnknownError is returned by [Open] for a kind that is not in the table.
type UnknownError struct{ Kind string }

// Error names the kind and those that there are.
func (e *UnknownError) Error() string {
	return fmt.Sprintf("unknown kind of registry %q: %s", e.Kind, strings.Join(Names(), ", "))
}

// Check returns an [UnknownError] for a name that is not in the table.
func Check(name string) error {
	if name != "" && !slices.Contains(Names(), name) {
		return &UnknownError{name}
	}
	return nil
}

// Open returns the registry with the host, as it stands in references: of the kind that the options name, else of the
// kind that the host tells, else of the kind that its first answer tells. It sends nothing yet. An error is about
// certificates, about the kind, or about what a kind needs of the environment.
func Open(host string, o registry.Options) (registry.Registry, error) {
	if err := Check(o.Kind); err != nil {
		return nil, err
	}
	client, err := wire.New(host, o)
	if err != nil {
		return nil, err
	}
	o = o.WithDefaults()
	for _, k := range kinds {
		if o.Kind == k.traits.Kind || (o.Kind == "" || o.Kind == Auto) && k.host != nil && k.host(host, o.Getenv) {
			return k.as(client, host, o)
		}
	}
	return newUndetermined(client, host, o), nil
}

// as opens a registry as one of this kind.
func (k kind) as(client *wire.Client, host string, o registry.Options) (registry.Registry, error) {
	if k.open != nil {
		r, err := k.open(client, host, o, k.traits)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", host, err)
		}
		return r, nil
	}
	plain := distribution.On(client, host, o, k.traits)
	if k.digestOnly {
		return digestOnly{plain, k}, nil
	}
	return plain, nil
}

// plain is the row of the OCI API.
func plain() kind { return kinds[len(kinds)-1] }

// greeted returns the kind that a first answer tells.
func greeted(g registry.Greeting) kind {
	for _, k := range kinds {
		if k.greets != nil && k.greets(g) {
			return k
		}
	}
	return plain()
}
