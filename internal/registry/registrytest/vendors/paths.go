package vendors

import (
	"cmp"
	"strings"

	"github.com/opencontainers/go-digest"
)

// splitPath parts the path of a request of the distribution API into a repository's name and what is asked of it. Both are
// "" for the version check, and the name is "" for what names no repository.
func splitPath(path string) (name, rest string) {
	path = strings.TrimPrefix(strings.TrimPrefix(path, "/v2"), "/")
	for _, word := range []string{"/blobs/uploads/", "/blobs/", "/manifests/", "/referrers/", "/tags/list"} {
		if i := strings.LastIndex(path, word); i > 0 {
			return path[:i], path[i+1:]
		}
	}
	return "", path
}

// refusalOf is the refusal of a deletion in the distribution API.
func refusalOf(name, rest string, status int, code string) Refusal {
	out := Refusal{Path: name, What: rest[strings.LastIndex(rest, "/")+1:], Status: status, Code: code}
	if d, err := digest.Parse(out.What); err == nil {
		out.Digest = d
	}
	return out
}

// parseScope parses "repository:acme/app:pull,push".
func parseScope(scope string) (name string, actions []string, ok bool) {
	kind, rest, _ := strings.Cut(scope, ":")
	i := strings.LastIndex(rest, ":")
	if i <= 0 || cmp.Or(kind, "repository") != "repository" {
		return "", nil, false
	}
	return rest[:i], strings.Split(rest[i+1:], ","), true
}
