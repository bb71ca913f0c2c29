package kinds_test

import (
	"testing"

	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/kinds"
)

// A page is known by the name alone, or from the job of the project that the repository belongs to.
func TestPages(t *testing.T) {
	t.Parallel()
	job := map[string]string{"CI_PROJECT_URL": "https://gitlab.example.com/a/b/", "CI_REGISTRY_IMAGE": "registry.example.com/a/b"}
	plain := map[string]string{"CI_PROJECT_URL": "http://gitlab.example.com/a/b", "CI_REGISTRY_IMAGE": "registry.example.com/a/b"}
	const project = "https://gitlab.example.com/a/b/container_registry"
	for _, test := range []struct {
		kind, host, path string
		env              map[string]string
		want             string
	}{
		{"", "docker.io", "acme/app", nil, "https://hub.docker.com/r/acme/app"},
		{"", "docker.io", "library/nginx", nil, "https://hub.docker.com/_/nginx"},
		{"", "docker.io", "nginx", nil, ""},
		{"", "docker.io", "acme/app/web", nil, ""},
		{"dockerhub", "127.0.0.1:5000", "acme/app", nil, ""},
		{"", "ghcr.io", "acme/app", nil, ""}, // nobody has said what acme is
		{"gitlab", "registry.example.com", "a/b", job, project},
		{"gitlab", "registry.example.com", "a/b/web/debug", job, project},
		{"gitlab", "registry.example.com", "a/bc", job, ""},
		{"gitlab", "registry.example.com", "a", job, ""},
		{"gitlab", "other.example.com", "a/b", job, ""},
		{"gitlab", "registry.example.com", "a/b", plain, ""},
		{"gitlab", "registry.example.com", "a/b", nil, ""},
		{"", "registry.gitlab.com", "a/b", nil, ""},
		{"", "registry.example.com", "a/b", job, ""}, // it has not answered yet
		{"quay", "quay.io", "a/b", nil, ""},
	} {
		r, err := kinds.Open(test.host, registry.Options{Kind: test.kind, Getenv: func(name string) string { return test.env[name] }})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if p, ok := r.(registry.Pager); ok {
			got = p.Page(test.path)
		}
		if got != test.want {
			t.Errorf("%s %s/%s: got %q, want %q", test.kind, test.host, test.path, got, test.want)
		}
	}
}
