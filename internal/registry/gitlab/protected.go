package gitlab

import (
	"encoding/base64"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// protected are the tags that GitLab protects against deletion by a login. GitLab tells its registry in each token, which
// knows them from nowhere else (ContainerRegistryAuthenticationService in GitLab's sources: tag_deny_access_patterns for
// protected tags, tag_immutable_patterns for immutable ones), so that they are known before anything is planned. A token
// that is not understood, such as one of a proxy, leaves it to the refusal of the deletion.
type protected struct {
	mu       sync.Mutex
	last     string // the token that was read last
	patterns map[string][]*regexp.Regexp
	some     map[string]bool // whether a token names any pattern for a repository, understood or not
}

// access is what a token grants in one repository.
type access struct {
	Name    string   `json:"name"`
	Actions []string `json:"actions"`
	Meta    struct {
		Deny struct {
			Delete []string `json:"delete"`
		} `json:"tag_deny_access_patterns"`
		Immutable []string `json:"tag_immutable_patterns"`
	} `json:"meta"`
}

// learn reads what a token says of repositories. Only one that grants deletion names the patterns for it.
func (p *protected) learn(token string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if token == p.last {
		return
	}
	p.last = token
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return
	}
	body, err := base64.RawURLEncoding.DecodeString(parts[1])
	var claims struct {
		Access []access `json:"access"`
	}
	if err != nil || json.Unmarshal(body, &claims) != nil {
		return
	}
	if p.patterns == nil {
		p.patterns, p.some = map[string][]*regexp.Regexp{}, map[string]bool{}
	}
	for _, a := range claims.Access {
		if !slices.Contains(a.Actions, "delete") && !slices.Contains(a.Actions, "*") {
			continue
		}
		all := slices.Concat(a.Meta.Deny.Delete, a.Meta.Immutable)
		p.patterns[a.Name], p.some[a.Name] = nil, len(all) > 0
		for _, text := range all {
			if re, err := regexp.Compile(text); err == nil { // GitLab takes RE2 too
				p.patterns[a.Name] = append(p.patterns[a.Name], re)
			}
		}
	}
}

// has reports whether a tag of a repository is known to be protected.
func (p *protected) has(path, tag string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.ContainsFunc(p.patterns[path], func(re *regexp.Regexp) bool { return re.MatchString(tag) })
}

// any reports whether a tag of a repository may be protected. GitLab then refuses every deletion by digest there, whatever
// tags the manifest has (validateManifestDeleteRestriction, registry/handlers/manifests.go of its registry).
func (p *protected) any(path string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.some[path]
}
