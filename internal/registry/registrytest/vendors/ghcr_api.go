package vendors

import (
	"hash/crc32"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const ghcrPackagesPage = "https://docs.github.com/rest/packages/packages"

// ghcrCall is a request of the Packages API.
type ghcrCall struct {
	w     http.ResponseWriter
	r     *http.Request
	tok   GHCRToken
	owner string   // in lower case
	below []string // the path's segments after "packages", unescaped
}

// serveAPI answers the Packages API and the little of the rest that says who an owner and a token are.
func (f *GHCR) serveAPI(w http.ResponseWriter, r *http.Request) {
	segments, ok := f.segments(r)
	if !ok {
		f.refuse(w, r, http.StatusNotFound, "Not Found", "https://docs.github.com/rest")
		return
	}
	if r.Header.Get("User-Agent") == "" { // Go sends one unless it is told not to
		http.Error(w, "Request forbidden by administrative rules. Please make sure your request has a User-Agent header", http.StatusForbidden)
		return
	}
	if v := r.Header.Get("X-GitHub-Api-Version"); v != "" && v != "2022-11-28" && v != "2026-03-10" {
		f.refuse(w, r, http.StatusBadRequest, "The API version "+v+" is not supported.", "https://docs.github.com/rest/about-the-rest-api/api-versions")
		return
	}
	tok, message := f.apiLogin(r, len(segments) == 2 && segments[0] == "users")
	if message != "" {
		f.refuse(w, r, http.StatusUnauthorized, message, "https://docs.github.com/rest")
		return
	}
	if tok.classic() && tok.Secret != "" {
		w.Header().Set("X-OAuth-Scopes", strings.Join(tok.Scopes, ", "))
	}
	if len(segments) == 1 && segments[0] == "rate_limit" {
		f.serveRateLimit(w, r, tok)
		return
	}
	if f.enter(w, r, tok) {
		defer f.leave()
		f.route(&ghcrCall{w: w, r: r, tok: tok}, segments)
	}
}

// segments parts a request's path, below the API's prefix. A package's name is one segment: a slash in it is escaped.
func (f *GHCR) segments(r *http.Request) (segments []string, ok bool) {
	path, ok := strings.CutPrefix(r.URL.EscapedPath(), f.hosts.prefix+"/")
	if !ok {
		return nil, false
	}
	for s := range strings.SplitSeq(path, "/") {
		s, err := url.PathUnescape(s)
		if err != nil {
			return nil, false
		}
		segments = append(segments, s)
	}
	return segments, true
}

// route finds out whose packages a request is for.
func (f *GHCR) route(c *ghcrCall, segments []string) {
	what := segments[0]
	switch {
	case what == "user" && c.tok.installation(), what == "user" && c.tok.fineGrained():
		f.refuse(c.w, c.r, http.StatusForbidden, notAccessible(c.tok), ghcrPackagesPage)
		return
	case what == "user" && len(segments) == 1:
		answerJSON(c.w, http.StatusOK, f.account(c.tok.Login))
		return
	case what == "user":
		c.owner, segments = strings.ToLower(c.tok.Login), segments[1:]
	case what == "organizations" && len(segments) > 1:
		c.owner, segments = f.ownerByID(segments[1]), segments[2:]
	case (what == "orgs" || what == "users") && len(segments) > 1:
		c.owner, segments = strings.ToLower(segments[1]), segments[2:]
	}
	if !f.known(c.owner) || what == "orgs" && f.isUser(c.owner) {
		f.refuse(c.w, c.r, http.StatusNotFound, "Not Found", "https://docs.github.com/rest")
		return
	}
	switch {
	case len(segments) == 0 && what == "users":
		answerJSON(c.w, http.StatusOK, f.account(c.owner))
	case len(segments) > 0 && segments[0] == "packages":
		c.below = segments[1:]
		f.servePackages(c)
	default:
		f.refuse(c.w, c.r, http.StatusNotFound, "Not Found", "https://docs.github.com/rest")
	}
}

// servePackages answers what is asked of an owner's packages.
func (f *GHCR) servePackages(c *ghcrCall) {
	method, depth := c.r.Method, len(c.below)
	switch {
	case c.tok.fineGrained():
		f.refuse(c.w, c.r, http.StatusForbidden, notAccessible(c.tok), ghcrPackagesPage)
	case f.opts.RedirectDeletes && method == http.MethodDelete && !strings.HasPrefix(c.r.URL.Path, f.hosts.prefix+"/organizations/"):
		c.w.Header().Set("Location", origin(c.r)+f.hosts.prefix+f.byID(c.owner)+escaped(c.below))
		f.refuse(c.w, c.r, http.StatusMovedPermanently, "Moved Permanently", ghcrPackagesPage)
	case depth == 0 && method == http.MethodGet:
		f.listPackages(c)
	case depth > 0 && !slices.Contains([]string{"npm", "maven", "rubygems", "docker", "nuget", "container"}, c.below[0]):
		f.refuse(c.w, c.r, http.StatusBadRequest, "Invalid argument.", ghcrPackagesPage)
	case depth > 2 && c.below[2] != "versions": // restoring is not a part of the fake
		f.refuse(c.w, c.r, http.StatusNotFound, "Not Found", "https://docs.github.com/rest")
	case depth < 2 || c.below[0] != "container" || !f.visible(c):
		f.gone(c)
	case depth == 2 && method == http.MethodGet:
		f.getPackage(c)
	case depth == 2 && method == http.MethodDelete:
		f.deletePackage(c)
	case depth == 3 && c.below[2] == "versions" && method == http.MethodGet:
		f.listVersions(c)
	case depth == 4 && c.below[2] == "versions" && method == http.MethodGet:
		f.getVersion(c)
	case depth == 4 && c.below[2] == "versions" && method == http.MethodDelete:
		f.deleteVersion(c)
	default:
		f.refuse(c.w, c.r, http.StatusNotFound, "Not Found", "https://docs.github.com/rest")
	}
}

// path is the package's repository.
func (c *ghcrCall) path() string { return c.owner + "/" + c.below[1] }

// gone answers as for a package or version that does not exist, or that the token may not know of.
func (f *GHCR) gone(c *ghcrCall) {
	f.refuse(c.w, c.r, http.StatusNotFound, ghcrGone, ghcrPackagesPage)
}

// visible reports whether the package exists and the token reaches it.
func (f *GHCR) visible(c *ghcrCall) bool {
	return len(f.Manifests(c.path())) > 0 && (f.opts.Public || c.tok.reaches(c.path()))
}

// readable refuses a token without the scope that reading packages takes.
func (f *GHCR) readable(c *ghcrCall, doing string) bool {
	if c.tok.may("read:packages") {
		return true
	}
	f.refuse(c.w, c.r, http.StatusForbidden, "You need at least read:packages scope to "+doing+".", ghcrPackagesPage)
	return false
}

func notAccessible(tok GHCRToken) string {
	if tok.fineGrained() {
		return "Resource not accessible by personal access token" // unverified
	}
	return "Resource not accessible by integration"
}

// account is the part of an account that tells users from organizations.
func (f *GHCR) account(login string) map[string]any {
	kind := "Organization"
	if f.isUser(strings.ToLower(login)) {
		kind = "User"
	}
	return map[string]any{"login": login, "id": ownerID(strings.ToLower(login)), "type": kind}
}

// isUser reports whether an owner is a user's account: one of Options.Users or one that a token is of.
func (f *GHCR) isUser(owner string) bool {
	equal := func(login string) bool { return login != "" && strings.EqualFold(login, owner) }
	return slices.ContainsFunc(f.opts.Users, equal) || slices.ContainsFunc(f.opts.Tokens, func(t GHCRToken) bool { return equal(t.Login) })
}

// known reports whether there is an account of that name: a user, or an owner of packages.
func (f *GHCR) known(owner string) bool {
	return owner != "" && (f.isUser(owner) || slices.ContainsFunc(f.Repositories(), func(path string) bool {
		return strings.HasPrefix(path, owner+"/")
	}))
}

// ownerID makes up an owner's number.
func ownerID(owner string) int64 { return int64(crc32.ChecksumIEEE([]byte(owner))) }

// byID is the path of an owner's packages by the owner's number.
func (f *GHCR) byID(owner string) string {
	return "/organizations/" + strconv.FormatInt(ownerID(owner), 10) + "/packages"
}

func (f *GHCR) ownerByID(id string) string {
	for _, path := range f.Repositories() {
		if owner, _, _ := strings.Cut(path, "/"); strconv.FormatInt(ownerID(owner), 10) == id {
			return owner
		}
	}
	return ""
}

// escaped joins segments to a path.
func escaped(segments []string) string {
	var out strings.Builder
	for _, s := range segments {
		out.WriteString("/" + url.PathEscape(s))
	}
	return out.String()
}

// refuse answers with an error of the API. A DELETE enters the books, with the message as its code.
func (f *GHCR) refuse(w http.ResponseWriter, r *http.Request, status int, message, page string) {
	if r.Method == http.MethodDelete {
		refusal := f.deletionOf(r)
		refusal.Status, refusal.Code = status, message
		f.addRefusal(refusal)
	}
	answerJSON(w, status, map[string]string{"message": message, "documentation_url": page, "status": strconv.Itoa(status)})
}

// deletionOf says what a DELETE is for, as far as its path tells: What is a version's number, "" for a whole package.
func (f *GHCR) deletionOf(r *http.Request) Refusal {
	segments, _ := f.segments(r)
	i := slices.Index(segments, "packages")
	if i < 1 || len(segments) < i+3 {
		return Refusal{What: r.URL.Path}
	}
	owner := strings.ToLower(segments[i-1])
	switch segments[0] {
	case "organizations":
		owner = f.ownerByID(owner)
	case "user":
		_, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		for _, tok := range f.opts.Tokens {
			if tok.Secret == secret {
				owner = strings.ToLower(tok.Login)
			}
		}
	}
	out := Refusal{Path: owner + "/" + segments[i+2]}
	if len(segments) > i+4 {
		out.What = segments[i+4]
		f.mu.Lock()
		defer f.mu.Unlock()
		v, _ := f.find(out.Path, out.What)
		out.Digest = v.Digest
	}
	return out
}
