package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/regsweep/regsweep/internal/ci"
	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/publish"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/kinds"
)

// clients are the registries of a run, one client for each host.
type clients struct {
	options registry.Options
	// waiting is told that a registry lets a request wait; nil is nobody.
	waiting func(host string, err error)

	mu     sync.Mutex
	byHost map[string]registry.Registry
}

// sayWaiting tells on a console that a registry lets a request wait, so that nobody looks at a silent run.
func sayWaiting(console *publish.Console) func(host string, err error) {
	return func(host string, err error) {
		console.Notef("%s does not answer as it should; regsweep tries again: %v", host, err)
	}
}

// of returns the client of a registry.
func (c *clients) of(host string) (registry.Registry, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if client := c.byHost[host]; client != nil {
		return client, nil
	}
	client, err := kinds.Open(host, c.options)
	if err != nil {
		return nil, err
	}
	c.byHost[host] = client
	return client, nil
}

// clients reads the flags for the connections to the registries. The clients keep what they read in the store.
func (a access) clients(w World, repositories []oci.Repository, store registry.Store) (*clients, error) {
	explicit, err := a.login(w.Getenv, repositories)
	if err != nil {
		return nil, err
	}
	out := &clients{
		byHost: map[string]registry.Registry{},
		options: registry.Options{
			Kind: string(a.RegistryKind), Getenv: w.Getenv, PlainHTTP: a.PlainHTTP, UserAgent: "regsweep/" + w.version(), Store: store,
			Credentials: registry.Credentials{Explicit: explicit, Files: credentialFiles(w.Getenv), Fallback: ciLogin(w.Getenv)},
			TLS: registry.TLS{
				CAFile: a.CAFile, CertFile: a.CertFile, KeyFile: a.KeyFile, InsecureSkipVerify: a.InsecureSkipTLSVerify,
				CertDirs: []string{"/etc/docker/certs.d"},
			},
		},
	}
	out.options.Waiting = func(host string, err error) {
		if out.waiting != nil {
			out.waiting(host, err)
		}
	}
	if a.Workers > 0 {
		out.options.Readers, out.options.Writers = int(a.Workers), int(a.Workers)
	}
	if home := w.Getenv("HOME"); home != "" { // rootless docker
		out.options.TLS.CertDirs = append(out.options.TLS.CertDirs, filepath.Join(home, ".config", "docker", "certs.d"))
	}
	for _, r := range repositories { // fails now if a certificate cannot be read
		if _, err := out.of(r.Host); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// credentialFiles are the configuration files of docker and of podman, in the order in which regsweep reads them.
func credentialFiles(getenv func(string) string) []string {
	var out []string
	if dir := getenv("DOCKER_CONFIG"); dir != "" {
		out = append(out, filepath.Join(dir, "config.json"))
	} else if home := getenv("HOME"); home != "" {
		out = append(out, filepath.Join(home, ".docker", "config.json"))
	}
	if file := getenv("REGISTRY_AUTH_FILE"); file != "" {
		out = append(out, file)
	} else if dir := getenv("XDG_RUNTIME_DIR"); dir != "" {
		out = append(out, filepath.Join(dir, "containers", "auth.json"))
	}
	return out
}

// login returns the login that the user sets for this run. It overrides docker's configuration.
func (a access) login(getenv func(string) string, repositories []oci.Repository) (func(string) (registry.Login, bool), error) {
	password, source, _ := ci.Input(getenv, "password")
	if a.PasswordFile != "" {
		text, err := os.ReadFile(a.PasswordFile)
		if err != nil {
			return nil, fmt.Errorf("--password-file: %w", err)
		}
		if password = strings.TrimRight(string(text), "\r\n"); password == "" {
			return nil, fmt.Errorf("--password-file: %s is empty", a.PasswordFile)
		}
		source = "--password-file"
	}
	if (a.Username == "") != (password == "") {
		return nil, errors.New("a login needs both --username and a password (--password-file or REGSWEEP_PASSWORD)")
	}
	only, err := ci.Registry(getenv)
	if err != nil {
		return nil, err
	}
	for _, r := range repositories {
		if a.Username != "" && only == "" && r.Host != repositories[0].Host {
			return nil, fmt.Errorf("--username is for one registry, but this run covers %s and %s: use docker login instead", repositories[0].Host, r.Host)
		}
	}
	return func(host string) (registry.Login, bool) {
		if a.Username == "" || only != "" && !strings.EqualFold(host, only) {
			return registry.Login{}, false
		}
		return registry.Login{Username: a.Username, Password: registry.Secret(password), Source: "--username with " + source}, true
	}, nil
}

// ciLogin returns the login that the CI system gives the job for the system's own registry.
func ciLogin(getenv func(string) string) func(string) (registry.Login, bool) {
	return func(host string) (registry.Login, bool) {
		user, password, source, ok := ci.Credential(getenv, host)
		return registry.Login{Username: user, Password: registry.Secret(password), Source: "the CI's variables " + source}, ok
	}
}
