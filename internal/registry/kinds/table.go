package kinds

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/acr"
	"github.com/regsweep/regsweep/internal/registry/dockerhub"
	"github.com/regsweep/regsweep/internal/registry/ecr"
	"github.com/regsweep/regsweep/internal/registry/gar"
	"github.com/regsweep/regsweep/internal/registry/ghcr"
	"github.com/regsweep/regsweep/internal/registry/gitlab"
	"github.com/regsweep/regsweep/internal/registry/harbor"
)

// kinds are asked in this order. The last one takes every registry.
var kinds = []kind{
	{
		traits: registry.Traits{Kind: "ghcr", Product: "GitHub Container Registry", AtOnce: 10, ListsUntagged: true, PushTime: true, Frees: true},
		host:   isGHCR,
		greets: func(g registry.Greeting) bool { return g.Service == "ghcr.io" },
		open:   ghcr.Open,
	},
	{
		traits: registry.Traits{Kind: "dockerhub", Product: "Docker Hub", AtOnce: 16, AttachmentsFirst: true, PushTime: true, Frees: true},
		host:   hosts("docker.io", "index.docker.io", "registry-1.docker.io"),
		open:   dockerhub.Open,
	},
	{
		traits: registry.Traits{Kind: "ecr", Product: "Amazon ECR", BatchSize: 100, ListsUntagged: true, PushTime: true, Frees: true},
		host:   func(host string, _ func(string) string) bool { return ecr.IsHost(host) },
		greets: func(g registry.Greeting) bool { return g.Service == "ecr.amazonaws.com" },
		open:   ecr.Open,
	},
	{
		traits: registry.Traits{Kind: "gar", Product: "Google Artifact Registry", AttachmentsFirst: true, ListsUntagged: true, PushTime: true, Frees: true},
		host:   matches(`[a-z0-9-]+-docker\.pkg\.dev|((us|eu|asia)\.)?gcr\.io`),
		open:   gar.Open,
	},
	{
		traits: registry.Traits{Kind: "acr", Product: "Azure Container Registry", ListsUntagged: true, PushTime: true, Frees: true},
		host:   matches(`[a-z0-9-]+\.azurecr\.(io|cn|us)`),
		open:   acr.Open,
	},
	{
		traits: registry.Traits{Kind: "harbor", Product: "Harbor", AttachmentsFirst: true, ListsUntagged: true, PushTime: true},
		greets: func(g registry.Greeting) bool {
			return g.Service == "harbor-registry" || strings.EqualFold(g.Scheme, "Basic") && g.Realm == "harbor" // of the catalog
		},
		open: harbor.Open,
	},
	{
		traits: registry.Traits{Kind: "gitlab", Product: "GitLab", AttachmentsFirst: true, PushTime: true, Frees: true},
		host:   hosts("registry.gitlab.com"),
		open:   gitlab.Open,
		greets: func(g registry.Greeting) bool {
			return g.Header.Get("Gitlab-Container-Registry-Version") != "" || g.Service == "container_registry" && realm(g) == "/jwt/auth"
		},
	},
	{
		traits:     registry.Traits{Kind: "quay", Product: "Quay", Frees: true},
		host:       hosts("quay.io"),
		greets:     func(g registry.Greeting) bool { return realm(g) == "/v2/auth" },
		digestOnly: true, confirms: true,
		right: "the login may read and not delete; give the robot account or the user the Write permission on this repository",
	},
	{
		// Gitea and Forgejo: removing the last tag of an image removes the image.
		traits:     registry.Traits{Kind: "gitea", Product: "Gitea or Forgejo", Frees: true},
		greets:     func(g registry.Greeting) bool { return g.Service == "container_registry" && realm(g) == "/v2/token" },
		digestOnly: true,
		right:      "the login may read and not delete; its access token needs the scope write:package, and its user the right to write to the owner's packages",
	},
	{
		traits:     registry.Traits{Kind: "zot", Product: "zot", Frees: true},
		greets:     func(g registry.Greeting) bool { return strings.HasPrefix(g.Header.Get("Server"), "zot") },
		discovers:  func(extensions []string) bool { return slices.Contains(extensions, "_zot") },
		digestOnly: true, cascades: true,
		right: "the login may read and not delete; give the user the action delete for this repository in zot's accessControl",
	},
	{
		// From 3.89 on the tags of what is deleted by digest stay (https://github.com/sonatype/nexus-public/issues/925).
		traits:     registry.Traits{Kind: "nexus", Product: "Sonatype Nexus", TagsStay: true},
		greets:     func(g registry.Greeting) bool { return strings.HasPrefix(g.Header.Get("Server"), "Nexus/") },
		digestOnly: true,
		right:      "the login may read and not delete; give the user the privilege nx-repository-view-docker-REPOSITORY-delete",
	},
	{
		traits: registry.Traits{Kind: "artifactory", Product: "JFrog Artifactory"},
		greets: func(g registry.Greeting) bool {
			return g.Header.Get("X-Jfrog-Version") != "" || g.Header.Get("X-Artifactory-Id") != "" || strings.Contains(g.Realm, "/artifactory/api/docker/")
		},
		digestOnly: true,
		right:      "the login may read and not delete; give the user the permission Delete/Overwrite on this repository",
	},
	{traits: registry.Traits{Kind: "distribution", Product: "the OCI distribution API"}},
}

// hosts matches hosts by name.
func hosts(names ...string) func(string, func(string) string) bool {
	return func(host string, _ func(string) string) bool {
		for _, n := range names {
			if strings.EqualFold(host, n) {
				return true
			}
		}
		return false
	}
}

// matches matches whole hosts by an expression: a host that only looks like a vendor's must not be given its logins.
func matches(expression string) func(string, func(string) string) bool {
	re := regexp.MustCompile(`^(?i:` + expression + `)$`)
	return func(host string, _ func(string) string) bool { return re.MatchString(host) }
}

// isGHCR knows the registry of github.com, that of data residency (containers.SUB.ghe.com), and that of the GitHub
// Enterprise Server on which the workflow runs (https://docs.github.com/enterprise-server/packages).
func isGHCR(host string, getenv func(string) string) bool {
	if strings.EqualFold(host, "ghcr.io") || strings.HasPrefix(host, "containers.") && strings.HasSuffix(host, ".ghe.com") {
		return true
	}
	server, err := url.Parse(getenv("GITHUB_SERVER_URL"))
	return err == nil && server.Host != "" && strings.EqualFold(host, "containers."+server.Host)
}

// realm is the path of the token server that a challenge names.
func realm(g registry.Greeting) string {
	u, err := url.Parse(g.Realm)
	if err != nil || !strings.EqualFold(g.Scheme, "Bearer") {
		return ""
	}
	return strings.TrimSuffix(u.Path, "/")
}
