package wire

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/regsweep/regsweep/internal/registry"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"
)

// origin is where a login was found: what somebody says of it, or the configuration file that has it.
type origin struct{ text, file string }

// lookup finds the login for a host. Docker Hub's registry has several names, under each of which a login may be stored.
func lookup(ctx context.Context, host string, c registry.Credentials) (auth.Credential, origin, error) {
	names := []string{host}
	if host == "registry-1.docker.io" {
		names = append(names, "docker.io", "index.docker.io")
	}
	for _, name := range names {
		if found, from, ok := ask(c.Explicit, name); ok {
			return found, from, nil
		}
	}
	for _, file := range c.Files {
		found, err := stored(ctx, file, names)
		if err != nil || found != auth.EmptyCredential {
			return found, origin{file: file}, err
		}
	}
	for _, name := range names {
		if found, from, ok := ask(c.Fallback, name); ok {
			return found, from, nil
		}
	}
	return auth.EmptyCredential, origin{}, nil
}

// stored finds the login that a configuration file has under one of the names.
func stored(ctx context.Context, file string, names []string) (auth.Credential, error) {
	store, err := credentials.NewStore(file, credentials.StoreOptions{})
	if err != nil {
		return auth.EmptyCredential, fmt.Errorf("read docker's configuration %s: %w", file, err)
	}
	for _, name := range names {
		found, err := credentials.Credential(store)(ctx, name)
		if err != nil {
			return auth.EmptyCredential, fmt.Errorf("find the login for %s by %s: %w", name, file, err)
		}
		if found != auth.EmptyCredential {
			return found, nil
		}
	}
	return auth.EmptyCredential, nil
}

// ask asks a source of logins, nil for none.
func ask(source func(host string) (registry.Login, bool), host string) (auth.Credential, origin, bool) {
	if source == nil {
		return auth.EmptyCredential, origin{}, false
	}
	l, ok := source(host)
	return auth.Credential{Username: l.Username, Password: string(l.Password)}, origin{text: l.Source}, ok
}

// of says where the login for a host comes from: of a configuration file also which credential helper it names for the
// host (https://docs.docker.com/reference/cli/docker/login/#credential-stores).
func (o origin) of(host string) string {
	if o.file == "" {
		return o.text
	}
	text, err := os.ReadFile(o.file)
	var config struct {
		Helpers map[string]string `json:"credHelpers"`
		Store   string            `json:"credsStore"`
	}
	if err != nil || json.Unmarshal(text, &config) != nil { // the lookup has read it
		return o.file
	}
	helper := config.Helpers[credentials.ServerAddressFromHostname(host)]
	if helper == "" {
		helper = config.Store
	}
	if helper == "" {
		return o.file
	}
	return fmt.Sprintf("%s by the credential helper docker-credential-%s", o.file, helper)
}
