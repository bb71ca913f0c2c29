package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
)

var notDone = []int{1, 4}

// unanswered carries out the first deletion without an answer, and answers all that follow.
func unanswered(answer http.HandlerFunc) func(*testing.T, *hostile) {
	return func(_ *testing.T, h *hostile) {
		h.builds(5)
		var first sync.Once
		h.front = deletions(func(w http.ResponseWriter, r *http.Request) {
			lost := false
			first.Do(func() {
				h.serve(httptest.NewRecorder(), r)
				lost = true
			})
			if lost {
				panic(http.ErrAbortHandler)
			}
			answer(w, r)
		})
	}
}

// deletionCases are deletions that somebody does not want, or does not answer.
var deletionCases = []hostileCase{
	{
		name: "deletion is disabled",
		set: fiveBuilds(deletions(func(w http.ResponseWriter, _ *http.Request) {
			refuse(w, 405, "UNSUPPORTED", "The operation is unsupported.")
		})),
		expectation: expectation{codes: []int{4}, says: []string{"disabled"}},
	},
	{
		name: "the registry is read-only",
		set: fiveBuilds(deletions(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "Method not allowed", http.StatusMethodNotAllowed)
		})),
		expectation: expectation{codes: []int{4}, says: []string{"read-only"}},
	},
	{
		name:        "a proxy refuses DELETE with 405 and a page",
		set:         fiveBuilds(deletions(func(w http.ResponseWriter, _ *http.Request) { page(w, 405, "Method Not Allowed") })),
		expectation: expectation{codes: []int{4}, says: []string{"on the way", "HOST"}},
		never:       []string{"storage.delete.enabled"},
	},
	{
		name:        "a proxy refuses DELETE with 405 and nothing",
		set:         fiveBuilds(deletions(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(405) })),
		expectation: expectation{codes: []int{4}, says: []string{"on the way", "HOST"}},
		never:       []string{"storage.delete.enabled"},
	},
	{
		name:        "a firewall refuses DELETE with 403 and a page",
		set:         fiveBuilds(deletions(func(w http.ResponseWriter, _ *http.Request) { page(w, 403, "Request blocked") })),
		expectation: expectation{codes: []int{4}, says: []string{"on the way", "HOST"}},
	},
	{
		name:        "DELETE is answered with a page and 200",
		set:         fiveBuilds(deletions(func(w http.ResponseWriter, _ *http.Request) { page(w, 200, "Please sign in") })),
		expectation: expectation{codes: notDone, says: []string{"HOST"}},
	},
	{
		name:        "DELETE is answered with 404 and the image stays",
		set:         fiveBuilds(deletions(unknown)),
		expectation: expectation{codes: notDone, says: []string{"b1"}},
	},
	{
		name:        "DELETE is answered with 404 and a page",
		set:         fiveBuilds(deletions(func(w http.ResponseWriter, _ *http.Request) { page(w, 404, "not here") })),
		expectation: expectation{codes: notDone, says: []string{"HOST"}},
	},
	{
		name: "DELETE is sent elsewhere",
		set: fiveBuilds(deletions(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/v2/other/manifests/x", http.StatusTemporaryRedirect)
		})),
		expectation: expectation{codes: notDone, says: []string{"HOST"}},
	},
	{
		name: "DELETE is never answered",
		set:  fiveBuilds(deletions(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })),
		args: []string{"HOST/team/app", "--keep-last", "2", "--timeout", "3s"},
		// It may have been carried out, so the journal has it.
		expectation: expectation{codes: []int{1, 4, 130}, says: []string{"b1"}},
	},
	{
		name: "DELETE is carried out without an answer, and then refused with 401",
		set: unanswered(func(w http.ResponseWriter, _ *http.Request) {
			refuse(w, 401, "UNAUTHORIZED", "authentication required")
		}),
		expectation: expectation{codes: notDone, gone: []string{"b1"}},
		never:       []string{"nothing was deleted"},
	},
	{
		name: "the pause that is asked for is a day",
		set: fiveBuilds(deletions(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "86400")
			refuse(w, 429, "TOOMANYREQUESTS", "slow down")
		})),
		expectation: expectation{codes: notDone, says: []string{"24h"}},
	},
}

// account checks the login of a request.
func account(r *http.Request) bool {
	user, pass, ok := r.BasicAuth()
	return ok && user == username && pass == hostilePassword
}

// basicDoor lets in whoever has the login, and has the rest of a case answer after it.
func basicDoor(front func(http.ResponseWriter, *http.Request) bool) func(*testing.T, *hostile) {
	return fiveBuilds(func(w http.ResponseWriter, r *http.Request) bool {
		if !account(r) {
			w.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
			refuse(w, 401, "UNAUTHORIZED", "authentication required")
			return true
		}
		return front != nil && front(w, r)
	})
}

// tokenDoor is a registry with a token server. realm is what the challenge says of it, scope what it asks for, and grant
// what the server answers to a request; nil gives a token to whoever has the login.
type tokenDoor struct {
	realm func(h *hostile) string
	scope func(r *http.Request) string
	grant http.HandlerFunc
}

func (d tokenDoor) set(_ *testing.T, h *hostile) {
	h.builds(5)
	h.front = func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case r.URL.Path == "/token" && d.grant != nil:
			d.grant(w, r)
		case r.URL.Path == "/token" && account(r):
			reply(w, 200, fmt.Sprintf(`{"token":%q}`, token))
		case r.URL.Path == "/token":
			refuse(w, 401, "UNAUTHORIZED", "no such account")
		case r.Header.Get("Authorization") == "Bearer "+token:
			return false
		default:
			realm, scope := "http://"+h.host()+"/token", "repository:team/app:pull"
			if d.realm != nil {
				realm = d.realm(h)
			}
			if d.scope != nil {
				scope = d.scope(r)
			}
			w.Header().Set("WWW-Authenticate", fmt.Sprintf("Bearer realm=%q,service=%q,scope=%q", realm, "registry", scope))
			refuse(w, 401, "UNAUTHORIZED", "authentication required")
		}
		return true
	}
}

// secretsOf are the forms in which the login must not be seen.
func secretsOf() []string {
	quoted, err := json.Marshal(hostilePassword)
	if err != nil {
		panic(err)
	}
	return []string{
		hostilePassword, url.QueryEscape(hostilePassword), url.PathEscape(hostilePassword), strings.Trim(string(quoted), `"`),
		base64.StdEncoding.EncodeToString([]byte(hostilePassword)), base64.StdEncoding.EncodeToString([]byte(username + ":" + hostilePassword)),
		base64.URLEncoding.EncodeToString([]byte(username + ":" + hostilePassword)), token,
	}
}

// repeated answers deletions with an error that repeats what came with them.
func repeated(in func(r *http.Request) string) func(http.ResponseWriter, *http.Request) bool {
	return deletions(func(w http.ResponseWriter, r *http.Request) { refuse(w, 403, "DENIED", "you sent "+in(r)) })
}

func authorization(r *http.Request) string { return r.Header.Get("Authorization") }

func sentPassword(r *http.Request) string { _, p, _ := r.BasicAuth(); return p }

// loginCases are logins that do not suffice, go elsewhere, or come back.
var loginCases = []hostileCase{
	{name: "an error repeats the Authorization header", login: true, set: basicDoor(repeated(authorization)), never: secretsOf(), expectation: expectation{codes: []int{4}, says: []string{"DENIED"}}},
	{name: "an error repeats the password", login: true, set: basicDoor(repeated(sentPassword)), never: secretsOf(), expectation: expectation{codes: []int{4}, says: []string{"DENIED"}}},
	{name: "an error repeats the password in an address", login: true, set: basicDoor(repeated(func(r *http.Request) string {
		return "https://x/?p=" + url.QueryEscape(sentPassword(r)) + " and " + url.PathEscape(sentPassword(r))
	})), never: secretsOf(), expectation: expectation{codes: []int{4}, says: []string{"DENIED"}}},
	{name: "an error repeats the password in base64", login: true, set: basicDoor(repeated(func(r *http.Request) string {
		return base64.StdEncoding.EncodeToString([]byte(sentPassword(r)))
	})), never: secretsOf(), expectation: expectation{codes: []int{4}, says: []string{"DENIED"}}},
	{
		name: "a listing's error repeats the Authorization header", login: true, never: secretsOf(),
		set:         basicDoor(on("", "/tags/list", func(w http.ResponseWriter, r *http.Request) { page(w, 403, authorization(r)) })),
		expectation: expectation{codes: []int{4}, says: []string{"HOST"}},
	},
	{
		name: "the token server repeats the login", login: true, never: secretsOf(),
		set: tokenDoor{grant: func(w http.ResponseWriter, r *http.Request) {
			refuse(w, 400, "INVALID", "cannot read "+authorization(r))
		}}.set,
		expectation: expectation{codes: []int{4}, says: []string{"HOST"}},
	},
	{
		name: "the challenge repeats the login", login: true, never: secretsOf(),
		set: fiveBuilds(func(w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("WWW-Authenticate", fmt.Sprintf("Basic realm=%q", "for "+authorization(r)))
			refuse(w, 401, "UNAUTHORIZED", "who is "+authorization(r))
			return true
		}),
		expectation: expectation{codes: []int{4}, says: []string{"HOST"}},
	},
	{
		name: "an error repeats the token", login: true, never: secretsOf(),
		set: func(t *testing.T, h *hostile) {
			tokenDoor{}.set(t, h)
			door := h.front
			h.front = func(w http.ResponseWriter, r *http.Request) bool {
				return door(w, r) || repeated(authorization)(w, r)
			}
		},
		expectation: expectation{codes: []int{4}, says: []string{"DENIED"}},
	},
	{
		name: "the token server is on another name of this machine", login: true,
		set: tokenDoor{realm: func(h *hostile) string {
			return "http://" + strings.Replace(h.host(), "127.0.0.1", "localhost", 1) + "/token"
		}}.set,
		expectation: expectation{codes: done, gone: oldThree},
		or:          &expectation{codes: []int{4}, says: []string{"localhost", "hint"}},
	},
	{
		name: "the token server's address cannot be read", login: true,
		set:         tokenDoor{realm: func(*hostile) string { return "::/not an address" }}.set,
		expectation: expectation{codes: []int{4}, says: []string{"HOST"}},
		after: func(t *testing.T, h *hostile) {
			if n := h.count("/v2/"); n > 3 {
				t.Errorf("%d requests", n)
			}
		},
	},
	{
		name: "the token server does not know the action delete", login: true,
		set: tokenDoor{
			scope: func(r *http.Request) string {
				if r.Method == http.MethodDelete {
					return "repository:team/app:pull,push"
				}
				return "repository:team/app:pull"
			},
			grant: func(w http.ResponseWriter, r *http.Request) {
				if strings.Contains(strings.Join(r.URL.Query()["scope"], " "), "delete") {
					refuse(w, 400, "INVALID_REQUEST", "Unable to decode repository and actions")
					return
				}
				reply(w, 200, fmt.Sprintf(`{"token":%q}`, token))
			},
		}.set,
		expectation: expectation{codes: done, gone: oldThree},
	},
	{
		name: "the login may not delete", login: true,
		set: func(t *testing.T, h *hostile) {
			tokenDoor{}.set(t, h)
			door := h.front
			h.front = func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method != http.MethodDelete {
					return door(w, r)
				}
				w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token",service="registry",scope="repository:team/app:delete",error="insufficient_scope"`, h.host()))
				refuse(w, 401, "UNAUTHORIZED", "authentication required")
				return true
			}
		},
		expectation: expectation{codes: []int{4}, says: []string{"may not delete", "HOST"}},
	},
	{
		name: "the login may not delete, and the 401 says nothing", login: true,
		set:         basicDoor(deletions(func(w http.ResponseWriter, _ *http.Request) { refuse(w, 401, "UNAUTHORIZED", "") })),
		expectation: expectation{codes: []int{4}, says: []string{"may not delete", "HOST"}},
	},
	{
		name: "blobs are on another host", login: true,
		set: func(t *testing.T, h *hostile) {
			other := newHostile(t)
			other.builds(5)
			other.front = func(_ http.ResponseWriter, r *http.Request) bool {
				if r.Header.Get("Authorization") != "" {
					t.Error("the other host got the login")
				}
				return false
			}
			basicDoor(func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.Contains(r.URL.Path, "/blobs/") {
					return false
				}
				http.Redirect(w, r, other.server.URL+r.URL.Path, http.StatusTemporaryRedirect)
				return true
			})(t, h)
		},
		expectation: expectation{codes: done, gone: oldThree},
	},
}

// endless writes without end, until the other side has enough.
func endless(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", typeOCIImage)
	for piece := []byte(strings.Repeat(" ", 64<<10)); r.Context().Err() == nil; {
		if _, err := w.Write(piece); err != nil {
			return
		}
	}
}

// boundCases have no end, or are larger than anything that anybody means.
var boundCases = []hostileCase{
	{
		name: "the listing has always new tags",
		set: fiveBuilds(on("", "/tags/list", func(w http.ResponseWriter, r *http.Request) {
			var from int
			_, _ = fmt.Sscanf(r.URL.Query().Get("last"), "t%d", &from)
			var tags []string
			for i := range 1000 {
				tags = append(tags, fmt.Sprintf("%q", fmt.Sprintf("t%d", from+i+1)))
			}
			w.Header().Set("Link", fmt.Sprintf(`</v2/team/app/tags/list?last=t%d&n=1000>; rel="next"`, from+1000))
			reply(w, 200, `{"name":"team/app","tags":[`+strings.Join(tags, ",")+`]}`)
		})),
		expectation: expectation{codes: unread, says: []string{"tags/list"}},
	},
	{name: "a listing has no end", set: fiveBuilds(on("", "/tags/list", endless)), expectation: expectation{codes: unread, says: []string{"tags/list"}}},
	{name: "a manifest has no end", set: fiveBuilds(reads("b4", endless)), expectation: expectation{codes: unread, says: []string{"b4"}}},
	{name: "an error has no end", set: fiveBuilds(deletions(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(400); endless(w, r) })), expectation: expectation{codes: notDone, says: []string{"HOST"}}},
	{
		name: "a tag has 200 indexes of 200 children",
		set: func(t *testing.T, h *hostile) {
			if testing.Short() && os.Getenv("REGSWEEP_CI") != "1" {
				t.Skip("40,000 manifests")
			}
			h.builds(5)
			var indexes []content
			for i := range 200 {
				var children []content
				for k := range 200 {
					child := image(spec{name: fmt.Sprintf("%d-%d", i, k), platform: "amd64", created: epoch, kind: "child"})
					h.manifests[child.digest] = child
					for d, b := range child.blobs {
						h.blobs[d] = b
					}
					children = append(children, child)
				}
				indexes = append(indexes, index(false, children, nil))
				h.manifests[indexes[i].digest] = indexes[i]
			}
			h.push(index(false, indexes, nil), "wide", "wide")
		},
		expectation: expectation{codes: unread, says: []string{"wide"}},
		after: func(t *testing.T, h *hostile) {
			if n := h.count("/v2/"); n > 25_000 {
				t.Errorf("%d requests", n)
			}
		},
	},
}
