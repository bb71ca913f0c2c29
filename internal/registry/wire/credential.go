package wire

import (
	"context"
	"fmt"

	"github.com/regsweep/regsweep/internal/registry"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"
)

// lookup finds the login for a host.
func lookup(ctx context.Context, host string, c registry.Credentials) (auth.Credential, error) {
	for _, file := range c.Files {
		store, err := credentials.NewStore(file, credentials.StoreOptions{})
		if err != nil {
			return auth.EmptyCredential, fmt.Errorf("read docker's configuration %s: %w", file, err)
		}
		found, err := credentials.Credential(store)(ctx, host)
		if err != nil {
			return auth.EmptyCredential, fmt.Errorf("find the login for %s by %s: %w", host, file, err)
		}
		if found != auth.EmptyCredential {
			return found, nil
		}
	}
	if c.Fallback != nil {
		if l, ok := c.Fallback(host); ok {
			return auth.Credential{Username: l.Username, Password: string(l.Password)}, nil
		}
	}
	return auth.EmptyCredential, nil
}
