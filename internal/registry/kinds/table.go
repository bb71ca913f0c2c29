package kinds

import (
	"net/url"
	"strings"

	"github.com/regsweep/regsweep/internal/registry"
)

// kinds are asked in this order. The last one takes every registry.
var kinds = []kind{
	{
		traits:     registry.Traits{Kind: "quay", Product: "Quay", Frees: true},
		host:       hosts("quay.io"),
		greets:     func(g registry.Greeting) bool { return realm(g) == "/v2/auth" },
		digestOnly: true,
	},
	{
		// Gitea and Forgejo: removing the last tag of an image removes the image.
		traits:     registry.Traits{Kind: "gitea", Product: "Gitea or Forgejo", Frees: true},
		greets:     func(g registry.Greeting) bool { return g.Service == "container_registry" && realm(g) == "/v2/token" },
		digestOnly: true,
	},
	{
		traits:     registry.Traits{Kind: "zot", Product: "zot", Frees: true},
		greets:     func(g registry.Greeting) bool { return strings.HasPrefix(g.Header.Get("Server"), "zot") },
		digestOnly: true,
	},
	{
		traits:     registry.Traits{Kind: "nexus", Product: "Sonatype Nexus"},
		greets:     func(g registry.Greeting) bool { return strings.HasPrefix(g.Header.Get("Server"), "Nexus/") },
		digestOnly: true,
	},
	{
		traits: registry.Traits{Kind: "artifactory", Product: "JFrog Artifactory"},
		greets: func(g registry.Greeting) bool {
			return g.Header.Get("X-Jfrog-Version") != "" || g.Header.Get("X-Artifactory-Id") != "" || strings.Contains(g.Realm, "/artifactory/api/docker/")
		},
		digestOnly: true,
	},
	{traits: registry.Traits{Kind: "distribution", Product: "the OCI distribution API"}},
}

// hosts matches hosts by name.
func hosts(names ...string) func(string) bool {
	return func(host string) bool {
		for _, n := range names {
			if strings.EqualFold(host, n) {
				return true
			}
		}
		return false
	}
}

// realm is the path of the token server that a challenge names.
func realm(g registry.Greeting) string {
	u, err := url.Parse(g.Realm)
	if err != nil || !strings.EqualFold(g.Scheme, "Bearer") {
		return ""
	}
	return strings.TrimSuffix(u.Path, "/")
}
