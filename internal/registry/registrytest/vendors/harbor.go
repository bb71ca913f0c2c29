package vendors

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
)

// HarborOptions say how Harbor is set up. With the zero value no login is needed.
type HarborOptions struct {
	// Logins are the users and robots, a robot as "robot$project+name". In addition to "pull", "push" and "delete", two
	// actions are for the REST API only: "list" (artifacts) and "delete-tag". Without any, no login is needed.
	Logins []Login
	// Public lets requests without a login pull, as those of a public project may.
	Public bool
	// Immutable are patterns of immutable tags, as [path.Match] has them.
	Immutable []string
	// ReadOnly refuses every change.
	ReadOnly bool
	// TokenLife is how long a token is good for; 0 is 30 minutes.
	TokenLife time.Duration
	// Now is the service's clock; nil is [time.Now].
	Now func() time.Time
}

// Harbor is a fake of Harbor. A repository's path begins with its project. What it does comes from Harbor's sources
// (https://github.com/goharbor/harbor, controller/artifact, pkg/artifact/dao, middleware/v2auth).
type Harbor struct {
	*selfHosted
	opts HarborOptions
}

// NewHarbor starts a fake that stops when the test ends.
func NewHarbor(t testing.TB, o HarborOptions) *Harbor {
	t.Helper()
	f := &Harbor{opts: o, selfHosted: &selfHosted{Routes: newRoutes(t, "harbor.example")}}
	d := &desk{logins: o.Logins, life: cmp.Or(o.TokenLife, 30*time.Minute)}
	if o.Public {
		d.anonymous = []string{"pull"}
	}
	f.start(t, registrytest.Options{Now: o.Now}, d, f.front)
	return f
}

func (f *Harbor) front(w http.ResponseWriter, r *http.Request, next http.Handler) {
	path, kind, ref := route(r.URL.Path)
	reading := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch {
	case r.URL.Path == "/service/token":
		f.serveToken(w, r)
	case strings.HasPrefix(r.URL.Path, "/api/v2.0/"):
		f.serveREST(w, r)
	case !f.admit(w, r, path, ref):
	case f.opts.ReadOnly && !reading:
		f.refuse(w, f.refusal(path, ref, http.StatusForbidden, "DENIED"), harborReadOnly)
	case kind == "referrers":
		answerReferrersAPI(w, r, f.holdings(path), oci.Digest(ref))
	case kind == "manifests" && r.Method == http.MethodDelete && !strings.Contains(ref, ":"):
		f.refuse(w, f.refusal(path, ref, http.StatusBadRequest, "UNSUPPORTED"), "the operation isn't supported for a tag")
	case kind == "manifests" && r.Method == http.MethodDelete:
		if f.deleteArtifact(w, path, oci.Digest(ref)) {
			w.WriteHeader(http.StatusAccepted)
		}
	default:
		next.ServeHTTP(w, r)
	}
}

// harborReadOnly is from memory and unverified.
const harborReadOnly = "The system is in read only mode. Any modification is prohibited."

// serveToken is Harbor's token server. An unknown login is treated as no login: a request with a scope
// gets a token, which lacks what only a login may do.
func (f *Harbor) serveToken(w http.ResponseWriter, r *http.Request) {
	login, known := f.identify(r)
	if !known {
		login = Login{Actions: f.anonymous}
	}
	scopes := scopesOf(r)
	if login.User == "" && len(scopes) == 0 {
		f.note(r, false)
		answerOCI(w, http.StatusUnauthorized, "UNAUTHORIZED", "unauthorized")
		return
	}
	f.note(r, known)
	now := f.now().UTC()
	answerJSON(w, http.StatusOK, map[string]any{
		"token": f.issue("harbor-registry", login, f.allowed(login, scopes)), "access_token": "",
		"expires_in": int(f.life.Seconds()), "issued_at": now.Format(time.RFC3339),
	})
}

// admit lets a request to /v2/ pass or answers 401. The challenge of a request that came with an Authorization is always
// one for basic authentication, also when its token has expired.
func (f *Harbor) admit(w http.ResponseWriter, r *http.Request, path, ref string) bool {
	if f.open() || f.may(r, path) {
		return true
	}
	challenge := `Basic realm="harbor"`
	if r.Header.Get("Authorization") == "" && r.URL.Path != "/v2/_catalog" {
		challenge = fmt.Sprintf(`Bearer realm="%s/service/token",service="harbor-registry"`, origin(r))
		if path != "" {
			challenge += fmt.Sprintf(`,scope="repository:%s:%s"`, path, strings.Join(actionsOf(r.Method), ","))
		}
	}
	w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
	w.Header().Set("WWW-Authenticate", challenge)
	if r.Method == http.MethodDelete {
		f.addRefusal(f.refusal(path, ref, http.StatusUnauthorized, "UNAUTHORIZED"))
	}
	answerOCI(w, http.StatusUnauthorized, "UNAUTHORIZED", "unauthorized to access repository: "+path)
	return false
}

// may reports whether the token or the login of a request allows what it does.
func (f *Harbor) may(r *http.Request, path string) bool {
	header, actions := r.Header.Get("Authorization"), actionsOf(r.Method)
	if strings.HasPrefix(header, "Bearer ") {
		if _, ok := f.check(r, path, actions); !ok {
			return false
		}
		p, _, _ := f.bearer(r)
		return path != "" || p.login.User != ""
	}
	if header == "" && r.Method == http.MethodHead {
		return false // docker's client wants it so (https://github.com/goharbor/harbor/issues/11271)
	}
	login, ok := f.identify(r)
	if path == "" {
		return ok && login.User != ""
	}
	for _, a := range actions {
		ok = ok && login.may(path, a)
	}
	return ok
}
