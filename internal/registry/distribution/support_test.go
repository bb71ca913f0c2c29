package distribution_test

import (
	"context"
	"fmt"
	"net"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/distribution"
)

func sprint(format string, a any) string { return fmt.Sprintf(format, a) }

// dialTo connects to one address whatever host is asked for.
func dialTo(addr string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, addr)
	}
}

// opened is a registry whose repositories can be asked for everything.
type opened struct{ *distribution.Registry }

func openHost(host string, o registry.Options) opened {
	r, err := distribution.Open(host, o)
	if err != nil {
		panic(err)
	}
	return opened{r}
}

func (o opened) Repository(path string) repository {
	return repository{o.Registry.Repository(path).(*distribution.Repository)}
}

type repository struct{ *distribution.Repository }

// Delete deletes one manifest.
func (r repository) Delete(ctx context.Context, d oci.Digest) (existed bool, err error) {
	res := r.Repository.Delete(ctx, []oci.Image{{Digest: d}})
	return res[0].Existed, res[0].Err
}
