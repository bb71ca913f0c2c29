package gitlab

import (
	"encoding/base64"
	"encoding/json"
	"regexp"
	"strings"
	"sync"
)

// protected are the tags that GitLab protects against deletion by a login. GitLab tells its registry in each token
// (ContainerRegistryAuthenticationService in GitLab's sources, tag_deny_access_patterns), so that they are known before
// anything is planned. A token that does not tell, or is not understood, leaves it to the refusal of the deletion.
type protected struct {
	mu       sync.Mutex
	last     string // the token that was read last
	patterns map[string][]*regexp.Regexp
}

// learn reads what a token says of repositories.
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
		Access []struct {
			Name string `json:"name"`
			Meta struct {
				Deny struct {
					Delete []string `json:"delete"`
				} `json:"tag_deny_access_patterns"`
			} `json:"meta"`
		} `json:"access"`
	}
	if err != nil || json.Unmarshal(body, &claims) != nil {
		return
	}
	if p.patterns == nil {
		p.patterns = map[string][]*regexp.Regexp{}
	}
	for _, a := range claims.Access {
		p.patterns[a.Name] = nil
		for _, text := range a.Meta.Deny.Delete {
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
	for _, re := range p.patterns[path] {
		if re.MatchString(tag) {
			return true
		}
	}
	return false
}
