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

// lookup finds the login for a host.
func lookup(ctx context.Context, host string, c registry.Credentials) (auth.Credential, origin, error) {
	if found, from, ok := ask(c.Explicit, host); ok {
		return found, from, nil
	}
	for _, file := range c.Files {
		store, err := credentials.NewStore(file, credentials.StoreOptions{})
		if err != nil {
			return auth.EmptyCredential, origin{}, fmt.Errorf("read docker's configuration %s: %w", file, err)
		}
		found, err := credentials.Credential(store)(ctx, host)
		if err != nil {
			return auth.EmptyCredential, origin{}, fmt.Errorf("find the login for %s by %s: %w", host, file, err)
		}
		if found != auth.EmptyCredential {
			return found, origin{file: file}, nil
		}
	}
	found, from, _ := ask(c.Fallback, host)
	return found, from, nil
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
