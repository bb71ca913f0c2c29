package registry

import (
	"context"
	"fmt"

	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"
)

// Secret is text that must not be printed.
type Secret string

// String returns three asterisks, whatever the secret is.
func (Secret) String() string { return "***" }

// GoString returns three asterisks, for %#v.
func (Secret) GoString() string { return "***" }

// Login is a user name and a password.
type Login struct {
	Username string
	Password Secret
}

// Credentials says where the login for a registry is found. Docker's own configuration comes first, because it knows
// which login is for which host; a login from elsewhere is for hosts that it does not know.
type Credentials struct {
	// Files are configuration files in docker's format, asked in this order, with their credential helpers. A file
	// that does not exist knows no host.
	Files []string
	// Fallback is asked when the files know nothing of the host; nil knows nothing.
	Fallback func(host string) (Login, bool)
}

// lookup is an [auth.CredentialFunc].
func (c Credentials) lookup(ctx context.Context, host string) (auth.Credential, error) {
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
