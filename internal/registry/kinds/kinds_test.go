package kinds

import (
	"cmp"
	"errors"
	"net/http"
	"testing"

	"github.com/regsweep/regsweep/internal/registry"
)

// A registry is recognized by its host, or by its first answer.
func TestRecognized(t *testing.T) {
	t.Parallel()
	bearer := func(realm, service, scope string) registry.Greeting {
		return registry.Greeting{Scheme: "Bearer", Realm: realm, Service: service, Scope: scope, Header: http.Header{}}
	}
	header := func(name, value string) registry.Greeting {
		h := http.Header{}
		h.Set(name, value)
		return registry.Greeting{Header: h}
	}
	for want, greetings := range map[string][]registry.Greeting{
		"distribution": {
			{},
			{Header: http.Header{}},
			bearer("https://auth.example.com/token", "registry", ""),
			{Scheme: "Basic", Realm: "Registry Realm", Header: http.Header{}},
			bearer("://", "container_registry", "*"), header("Server", "nginx"),
		},
		"ghcr":        {bearer("https://ghcr.io/token", "ghcr.io", "repository:o/n:pull")},
		"ecr":         {{Scheme: "Basic", Realm: "https://123456789012.dkr.ecr.eu-central-1.amazonaws.com/", Service: "ecr.amazonaws.com", Header: http.Header{}}},
		"harbor":      {bearer("https://harbor.example.com/service/token", "harbor-registry", "")},
		"gitlab":      {bearer("https://gitlab.example.com/jwt/auth", "container_registry", ""), header("Gitlab-Container-Registry-Version", "4.39.0-gitlab")},
		"quay":        {bearer("https://quay.example.com/v2/auth", "quay.example.com", "repository:team/app:pull")},
		"gitea":       {bearer("https://git.example.com/v2/token", "container_registry", "*")},
		"zot":         {header("Server", "zot/2.1")},
		"nexus":       {header("Server", "Nexus/3.70.1-02 (OSS)")},
		"artifactory": {header("X-Jfrog-Version", "Artifactory/7.90"), bearer("https://x.example.com/artifactory/api/docker/docker/v2/token", "x.example.com", "")},
	} {
		for _, g := range greetings {
			if got := greeted(g).traits.Kind; got != want {
				t.Errorf("%+v is %s, want %s", g, got, want)
			}
		}
	}
}

func TestKindByName(t *testing.T) {
	t.Parallel()
	for _, name := range Names()[1:] {
		host := cmp.Or(map[string]string{"dockerhub": "docker.io", "ecr": "123456789012.dkr.ecr.eu-central-1.amazonaws.com"}[name], "registry.example.com")
		r, err := Open(host, registry.Options{Kind: name, Getenv: func(name string) string {
			return map[string]string{"GITHUB_API_URL": "https://registry.example.com/api/v3"}[name]
		}})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := r.Traits().Kind; got != name {
			t.Errorf("asked for %s, got %s", name, got)
		}
	}
	var unknown *UnknownError
	if _, err := Open("registry.example.com", registry.Options{Kind: "none"}); !errors.As(err, &unknown) {
		t.Errorf("an unknown kind: %v", err)
	}
	getenv := func(name string) string {
		return map[string]string{"GITHUB_SERVER_URL": "https://github.example.com"}[name]
	}
	for host, want := range map[string]string{
		"ghcr.io": "ghcr", "containers.github.example.com": "ghcr", "containers.acme.ghe.com": "ghcr", "containers.example.com": "distribution", "ghcr.io.example.com": "distribution",
		"docker.io": "dockerhub", "quay.io": "quay", "registry.gitlab.com": "gitlab",
		"123456789012.dkr.ecr.eu-central-1.amazonaws.com": "ecr", "123456789012.dkr.ecr-fips.us-east-1.amazonaws.com": "ecr", "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn": "ecr",
		"123456789012.dkr-ecr.eu-central-1.on.aws": "ecr", "public.ecr.aws": "ecr", "public.ecr.aws.example.com": "distribution",
		"123456789012.dkr.ecr.eu-central-1.amazonaws.com.example.com": "distribution", "x123456789012.dkr.ecr.eu-central-1.amazonaws.com": "distribution",
		"europe-docker.pkg.dev": "gar", "eu.gcr.io": "gar", "gcr.io": "gar", "xgcr.io": "distribution", "team.azurecr.io": "acr", "azurecr.io": "distribution",
		"registry.example.com:5000": "distribution",
	} {
		r, err := Open(host, registry.Options{Getenv: getenv})
		if err != nil || r.Traits().Kind != want {
			t.Errorf("%s: got %v, %v; want %s", host, r.Traits().Kind, err, want)
		}
	}
}
