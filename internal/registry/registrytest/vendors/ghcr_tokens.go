package vendors

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// GHCRAll is the secret of the classic token that a fake without other tokens knows.
const GHCRAll = "ghp_all"

// GHCRDenial is how the API answers a deletion that a token may not make.
type GHCRDenial string

const (
	// GHCRHidden answers 404 "Package not found.", as if the version were gone
	// (https://github.com/vlaurin/action-ghcr-prune/issues/64).
	GHCRHidden GHCRDenial = "hidden"
	// GHCRForbidden answers 403 "Resource not accessible by integration", as to a workflow without packages: write
	// (https://github.com/dataaxiom/ghcr-cleanup-action/issues/28).
	GHCRForbidden GHCRDenial = "forbidden"
)

// GHCRToken is a token of the service. Its secret's prefix says what it is: "ghs_" is an installation token, as
// GITHUB_TOKEN is one, "github_pat_" a fine-grained token, which the Packages API refuses, and anything else a classic
// token.
type GHCRToken struct {
	Secret string
	// Login is the account of a classic token, which GET /user answers with.
	Login string
	// Scopes are those of a classic token. It lists with read:packages, deletes with delete:packages and pushes with
	// write:packages.
	Scopes []string
	// Packages are the paths that the token reaches, such as "acme/team/app"; nil is all.
	Packages []string
	// Denial is how deletions are refused; "" allows them.
	Denial GHCRDenial
	// Expires is when the token becomes invalid; the zero time is never.
	Expires time.Time
	// Uses is how many requests of the API the token is good for; 0 is no limit.
	Uses int
}

func (t GHCRToken) installation() bool { return strings.HasPrefix(t.Secret, "ghs_") }
func (t GHCRToken) fineGrained() bool  { return strings.HasPrefix(t.Secret, "github_pat_") }
func (t GHCRToken) classic() bool      { return !t.installation() && !t.fineGrained() }

// may reports whether the token has a scope. An installation token has no scopes, and write:packages implies
// read:packages.
func (t GHCRToken) may(scope string) bool {
	return t.installation() || slices.Contains(t.Scopes, scope) || scope == "read:packages" && slices.Contains(t.Scopes, "write:packages")
}

func (t GHCRToken) reaches(path string) bool {
	return t.Packages == nil || slices.Contains(t.Packages, path)
}

// ghcrLogin is a token and what became of it.
type ghcrLogin struct {
	GHCRToken
	used    int
	revoked bool
}

// ghcrBearer is a token of the registry, with the actions that it grants by repository.
type ghcrBearer struct {
	secret  string // of the token that it was handed out for; "" for nobody's
	grants  map[string][]string
	expires time.Time
}

// Revoke makes a token invalid, in the API and in the registry.
func (f *GHCR) Revoke(secret string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if login := f.tokens[secret]; login != nil {
		login.revoked = true
	}
}

// ExpireBearers makes the tokens invalid that the registry has handed out.
func (f *GHCR) ExpireBearers() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.bearers)
}

// login returns a valid token by its secret. The caller holds f.mu.
func (f *GHCR) login(secret string) (GHCRToken, bool) {
	l := f.tokens[secret]
	if l == nil || l.revoked || l.Uses > 0 && l.used >= l.Uses || !l.Expires.IsZero() && !f.opts.Now().Before(l.Expires) {
		return GHCRToken{}, false
	}
	return l.GHCRToken, true
}

// apiLogin returns the token of a request of the API and counts its use. Only GET /users/{owner} needs none, which is
// then known as the zero token. The message is "" for a request that is let in.
func (f *GHCR) apiLogin(r *http.Request, public bool) (tok GHCRToken, message string) {
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	f.mu.Lock()
	defer f.mu.Unlock()
	switch scheme = strings.ToLower(scheme); {
	case scheme == "" && public:
		return GHCRToken{}, ""
	case scheme == "":
		return GHCRToken{}, "Requires authentication"
	case scheme != "bearer" && scheme != "token":
		return GHCRToken{}, "Bad credentials"
	}
	tok, ok := f.login(secret)
	if !ok {
		return GHCRToken{}, "Bad credentials"
	}
	f.tokens[secret].used++
	return tok, ""
}
