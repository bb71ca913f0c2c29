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
	if found, ok := ask(c.Explicit, host); ok {
		return found, nil
	}
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
	found, _ := ask(c.Fallback, host)
	return found, nil
}

// ask asks a source of logins, nil for none.
func ask(source func(host string) (registry.Login, bool), host string) (auth.Credential, bool) {
	if source == nil {
		return auth.EmptyCredential, false
	}
	l, ok := source(host)
	return auth.Credential{Username: l.Username, Password: string(l.Password)}, ok
}
