package distribution_test

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
)

// Whatever repeats a secret, and in whatever form, an error does not.
func TestSecretsAreHidden(t *testing.T) {
	t.Parallel()
	const user, password = "ci", `p4ss/w0rd+"q"&=é>`
	basic := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
	quoted, err := json.Marshal(password)
	if err != nil {
		t.Fatal(err)
	}
	forms := map[string]string{
		"raw": password, "query": url.QueryEscape(password), "path": url.PathEscape(password), "lower hex": strings.ToLower(url.QueryEscape("/+=")) + url.QueryEscape(password),
		"JSON": string(quoted), "HTML": html.EscapeString(password), "basic": "Basic " + basic, "basic, escaped": url.QueryEscape(basic),
		"basic, for addresses": base64.RawURLEncoding.EncodeToString([]byte(user + ":" + password)), "base64": base64.StdEncoding.EncodeToString([]byte(password)),
	}
	jsonError := func(text string) string {
		body, err := json.Marshal(map[string]any{"errors": []map[string]any{{"code": "DENIED", "message": text, "detail": text}}})
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	places := map[string]func(text string) registrytest.Fault{
		"a message": func(text string) registrytest.Fault {
			return registrytest.Fault{Path: "*/tags/list", Status: 400, Body: jsonError("you sent " + text)}
		},
		"a code": func(text string) registrytest.Fault {
			return registrytest.Fault{Path: "*/tags/list", Status: 400, Body: strings.Replace(jsonError(""), `"DENIED"`, jsonText(text), 1)}
		},
		"plain text": func(text string) registrytest.Fault {
			return registrytest.Fault{Path: "*/tags/list", Status: 400, Body: "you sent " + text, Header: http.Header{"Content-Type": {"text/plain"}}}
		},
		"a link": func(text string) registrytest.Fault {
			return registrytest.Fault{Path: "*/tags/list", Edit: registrytest.SetHeader("Link", text)}
		},
		"a digest": func(text string) registrytest.Fault {
			return registrytest.Fault{Path: "*/manifests/b1", Edit: registrytest.SetHeader("Docker-Content-Digest", text)}
		},
		"a content type": func(text string) registrytest.Fault {
			return registrytest.Fault{Path: "*/manifests/b1", Edit: registrytest.SetHeader("Content-Type", text)}
		},
		"a manifest": func(text string) registrytest.Fault {
			return registrytest.Fault{Path: "*/manifests/b1", Status: 200, Body: `{` + jsonText(text) + `:1,"subject":{"digest":` + jsonText(text) + `}}`, Header: http.Header{"Content-Type": {"application/vnd.oci.image.manifest.v1+json"}}}
		},
		"a challenge": func(text string) registrytest.Fault {
			return registrytest.Fault{Path: "*/tags/list", Times: -1, Status: 401, Header: http.Header{"Www-Authenticate": {`Bearer realm="` + text + `"`}}}
		},
	}
	for form, text := range forms {
		for place, fault := range places {
			t.Run(form+" in "+place, func(t *testing.T) {
				t.Parallel()
				reg := registrytest.New(t, registrytest.Options{Auth: registrytest.BasicAuth, Username: user, Password: password})
				builds(t, reg, 2)
				r := openHost(reg.Host(), registry.Options{Credentials: login(user, password), RetryBase: time.Millisecond}).Repository("team/app")
				if _, err := r.Snapshot(t.Context(), registry.Query{SkipDates: true}); err != nil {
					t.Fatal(err)
				}
				reg.AddFault(fault(text))
				_, err := r.Snapshot(t.Context(), registry.Query{})
				if err == nil {
					t.Fatal("no error")
				}
				for name, secret := range forms {
					if secret = strings.TrimPrefix(strings.Trim(secret, `"`), "Basic "); strings.Contains(err.Error(), secret) {
						t.Errorf("the error has the password, %s: %v", name, err)
					}
				}
			})
		}
	}
}

func jsonText(text string) string {
	b, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func TestTokensAreHidden(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{Auth: registrytest.TokenAuth, Username: "ci", Password: "p4ssword"})
	builds(t, reg, 2)
	host := front(t, reg, func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case r.URL.Path == "/token" && strings.Contains(r.URL.RawQuery, "other"):
			w.WriteHeader(401)
			_, _ = w.Write([]byte(`{"errors":[{"code":"X","message":"` + r.Header.Get("Authorization") + `"}]}`))
			return true
		case r.Header.Get("Authorization") == "" || !strings.Contains(r.URL.Path, "/manifests/"):
			return false
		}
		w.WriteHeader(400)
		_, _ = w.Write([]byte(`{"errors":[{"code":"X","message":"you sent ` + r.Header.Get("Authorization") + `"}]}`))
		return true
	})
	open := openHost(host, registry.Options{Credentials: login("ci", "p4ssword"), RetryBase: time.Millisecond})
	for path, secret := range map[string]string{"team/app": "token-", "other": base64.StdEncoding.EncodeToString([]byte("ci:p4ssword"))} {
		_, err := open.Repository(path).Snapshot(t.Context(), registry.Query{})
		if err == nil || strings.Contains(err.Error(), secret) || !strings.Contains(err.Error(), "***") {
			t.Errorf("%s: got %v", path, err)
		}
	}
}
