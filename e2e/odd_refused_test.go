package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/e2e/registries"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
)

// refusal is what answers in front of a registry; it returns false for what the registry itself answers.
type refusal func(w http.ResponseWriter, r *http.Request) bool

// inFront serves a registry behind a refusal and returns its address.
func inFront(t *testing.T, s server, refuse refusal) string {
	t.Helper()
	target, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
			r.Out.Header.Del("Authorization") // the registry lets everybody in
		},
		Transport: own, ErrorLog: discard(),
	}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !refuse(w, r) {
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(front.Close)
	return strings.TrimPrefix(front.URL, "http://")
}

// refuses refuses the requests for manifests with a method.
func refuses(method string, status int, mediaType, body string) refusal {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != method || !strings.Contains(r.URL.Path, "/manifests/") {
			return false
		}
		if mediaType != "" {
			w.Header().Set("Content-Type", mediaType)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
		return true
	}
}

const page = "text/html"

// TestOddRefusals has a proxy or a firewall in front of the registry that lets some methods alone pass.
func TestOddRefusals(t *testing.T) {
	t.Parallel()
	onTheWay := oddity{
		code: 4, left: "b1 b2 b3 b4", stay: "b1 b2", says: []string{"refused on the way, by something that is not the registry"},
		never: []string{"storage.delete", "read-only mode", "maintenance", "docker login"},
	}
	for _, c := range []struct {
		name   string
		refuse refusal
		oddity
	}{
		{"HEAD with 405", refuses("HEAD", 405, "", ""), oddity{}},
		{"HEAD with 405 and a page", refuses("HEAD", 405, page, "<h1>no</h1>"), oddity{}},
		{"HEAD with 403", refuses("HEAD", 403, page, "<h1>blocked</h1>"), oddity{}},
		{"HEAD with 403 as JSON", refuses("HEAD", 403, "application/json", ""), oddity{}},
		{"HEAD with 404", refuses("HEAD", 404, "", ""), oddity{}},
		{"HEAD with 500", refuses("HEAD", 500, "", ""), oddity{}},
		{"HEAD with 501", refuses("HEAD", 501, page, ""), oddity{}},
		{"DELETE with 405", refuses("DELETE", 405, "", ""), onTheWay},
		{"DELETE with 405 and a page", refuses("DELETE", 405, page, "<h1>405 Not Allowed</h1>"), onTheWay},
		{"DELETE with 405 in words", refuses("DELETE", 405, "text/plain", "method not allowed"), onTheWay},
		{"DELETE with 403 and a page", refuses("DELETE", 403, page, "<h1>Request blocked</h1>"), onTheWay},
		{"DELETE with 403 and nothing", refuses("DELETE", 403, "", ""), onTheWay},
		{"DELETE with 403 and other JSON", refuses("DELETE", 403, "application/json", `{"message":"blocked by rule 7"}`), onTheWay},
		{"DELETE with 501", refuses("DELETE", 501, page, "<h1>Unsupported method</h1>"), onTheWay},
		{
			"DELETE with 403 of the registry", refuses("DELETE", 403, "application/json", `{"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]}`),
			oddity{code: 4, left: "b1 b2 b3 b4", says: []string{"DENIED"}, never: []string{"on the way"}},
		},
		{
			"DELETE with 405 of the registry", refuses("DELETE", 405, "application/json", `{"errors":[{"code":"UNSUPPORTED","message":"The operation is unsupported."}]}`),
			oddity{code: 4, left: "b1 b2 b3 b4", says: []string{"storage.delete.enabled"}, never: []string{"on the way"}},
		},
	} {
		for _, r := range stored {
			t.Run(c.name+"/"+r.name, func(t *testing.T) {
				t.Parallel()
				o := openStored(t, r.version, r.start).repository(t, "odd/refused")
				c.prune(o, inFront(t, o.Server, c.refuse))
			})
		}
	}
}

// TestOddDeletionDisabled has registries in which deletion is disabled or that are read-only: these say so themselves.
func TestOddDeletionDisabled(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		setup registrytest.Setup
		says  string
	}{
		"deletion is disabled": {registrytest.Setup{DisableDelete: true}, "storage.delete.enabled"},
		"read-only":            {registrytest.Setup{ReadOnly: true}, "read-only"},
	} {
		for _, r := range stored {
			t.Run(name+"/"+r.name, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				again := func(setup registrytest.Setup) storedServer {
					return openStored(t, r.version, func(_ string, _ registries.Options) (*registries.Server, error) {
						return r.start(dir, registries.Options(setup))
					})
				}
				again(registrytest.Setup{}).repository(t, "odd/closed")
				o := &odd{stand: registrytest.NewStand(t, again(c.setup).server, "odd/closed", nil)}
				oddity{code: 4, left: "b1 b2 b3 b4", says: []string{c.says}, never: []string{"on the way"}}.prune(o, o.Server.Host)
			})
		}
	}
}

// tokens is a token server and the door that it belongs to.
type tokens struct {
	// knows are the actions that the token server knows; it answers 400 to a scope with another one.
	knows string
	// grants are those that a login gets.
	grants string
	// wants is the action that the door's challenge names for a DELETE.
	wants string
}

// refuse lets a request pass whose token is good for it.
func (s *tokens) refuse(w http.ResponseWriter, r *http.Request) bool {
	if r.URL.Path == "/token" {
		s.hand(w, r)
		return true
	}
	action := "pull"
	if r.Method == http.MethodDelete {
		action = s.wants
	}
	token, has := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	fault := ""
	if has {
		granted := strings.Split(token, ".")
		missing := false
		for a := range strings.SplitSeq(action, ",") {
			missing = missing || !slices.Contains(granted, a)
		}
		if !missing {
			return false
		}
		fault = `,error="insufficient_scope"`
	}
	path, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v2/"), "/manifests/")
	path = strings.TrimSuffix(path, "/tags/list")
	w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token",service="registry",scope="repository:%s:%s"%s`, r.Host, path, action, fault))
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusUnauthorized)
	_, _ = w.Write([]byte(`{"errors":[{"code":"UNAUTHORIZED","message":"access to the requested resource is not authorized"}]}`))
	return true
}

// hand hands out a token that is the actions themselves.
func (s *tokens) hand(w http.ResponseWriter, r *http.Request) {
	var granted []string
	for _, scope := range r.URL.Query()["scope"] {
		for a := range strings.SplitSeq(scope[strings.LastIndex(scope, ":")+1:], ",") {
			if !slices.Contains(strings.Split(s.knows, ","), a) {
				w.WriteHeader(http.StatusBadRequest)
				_, _ = w.Write([]byte(`{"errors":[{"code":"INVALID_REQUEST","message":"Unable to decode repository and actions"}]}`))
				return
			}
			if slices.Contains(strings.Split(s.grants, ","), a) {
				granted = append(granted, a)
			}
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(w, `{"token":%q,"expires_in":300}`, strings.Join(append(granted, "x"), "."))
}

// behindBasic asks for a login, for reads too or for deletions alone, and then refuses.
func behindBasic(reads bool, refuse refusal) refusal {
	return func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
		user, password, _ := r.BasicAuth()
		if (user != "ci" || password != "s3cret") && (reads || r.Method == http.MethodDelete) {
			w.WriteHeader(http.StatusUnauthorized)
			return true
		}
		if refuse(w, r) {
			return true
		}
		w.Header().Del("WWW-Authenticate")
		return false
	}
}

// TestOddLogins has token servers that know other actions than delete, and logins that lack the right to delete.
func TestOddLogins(t *testing.T) {
	t.Parallel()
	lacks := func(scope string) oddity {
		c := oddity{code: 4, left: "b1 b2 b3 b4", says: []string{"this login may not delete", "the login is valid and may read"}, never: []string{"looked for a login", "s3cret"}}
		if scope != "" {
			c.says = append(c.says, scope)
		}
		return c
	}
	for _, c := range []struct {
		name   string
		refuse refusal
		oddity
	}{
		{"a token server that knows pull and push", (&tokens{knows: "pull,push,*", grants: "pull,push", wants: "pull,push"}).refuse, oddity{}},
		{"a token server that knows delete", (&tokens{knows: "pull,push,delete,*", grants: "pull,push,delete", wants: "delete"}).refuse, oddity{}},
		{"a token server that knows everything by a star", (&tokens{knows: "pull,push,delete,*", grants: "pull,delete,*", wants: "*"}).refuse, oddity{}},
		{"a token that may not delete", (&tokens{knows: "pull,push,delete,*", grants: "pull,push", wants: "delete"}).refuse, lacks(":delete")},
		{"a token that may not push where that is asked for", (&tokens{knows: "pull,push,*", grants: "pull", wants: "pull,push"}).refuse, lacks("push")},
		{"Gitea's answer", behindBasic(true, refuses("DELETE", 401, "application/json", `{"errors":[{"code":"UNAUTHORIZED","message":""}]}`)), lacks("give it the right to delete")},
		{"an answer without words", behindBasic(true, refuses("DELETE", 401, "", "")), lacks("")},
		{"Gitea's answer where everybody reads", behindBasic(false, refuses("DELETE", 401, "application/json", `{"errors":[{"code":"UNAUTHORIZED","message":""}]}`)), lacks("give it the right to delete")},
	} {
		for _, r := range stored {
			t.Run(c.name+"/"+r.name, func(t *testing.T) {
				t.Parallel()
				o := openStored(t, r.version, r.start).repository(t, "odd/login")
				password := filepath.Join(t.TempDir(), "password")
				if err := os.WriteFile(password, []byte("s3cret"), 0o600); err != nil {
					t.Fatal(err)
				}
				c.prune(o, inFront(t, o.Server, c.refuse), "--username", "ci", "--password-file", password)
			})
		}
	}
}
