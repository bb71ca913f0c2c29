package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

var (
	done    = []int{0}
	refused = []int{3}
	// unread is the exit code of a repository that cannot be read as a whole.
	unread    = []int{3, 4}
	oldThree  = []string{"b1", "b2", "b3"}
	acceptSet = `OCI index found, but accept header does not support OCI indexes`
)

// fiveBuilds pushes b1 to b5 and has the front answer first.
func fiveBuilds(front func(http.ResponseWriter, *http.Request) bool) func(*testing.T, *hostile) {
	return func(_ *testing.T, h *hostile) {
		h.builds(5)
		h.front = front
	}
}

func unknown(w http.ResponseWriter, _ *http.Request) {
	refuse(w, 404, "MANIFEST_UNKNOWN", "manifest unknown")
}

// absenceCases are images that are there and do not look so.
var absenceCases = []hostileCase{
	{
		name: "only the first Accept line is read",
		set: func(_ *testing.T, h *hostile) {
			h.builds(5)
			h.multi("1.0", 0)
			h.front = func(w http.ResponseWriter, r *http.Request) bool {
				c, ok := h.find(r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:])
				if first := r.Header.Get("Accept"); ok && r.Method != http.MethodDelete && !strings.Contains(first, c.mediaType) {
					refuse(w, 404, "MANIFEST_UNKNOWN", acceptSet)
					return true
				}
				return false
			}
		},
		args:        []string{"HOST/team/app", "--keep-last", "2", "--protect", "1.0"},
		expectation: expectation{codes: done, gone: oldThree},
	},
	{
		name: "a 404 speaks of the Accept header",
		set: func(_ *testing.T, h *hostile) {
			h.builds(5)
			h.multi("1.0", 9)
			h.front = reads("1.0", func(w http.ResponseWriter, _ *http.Request) { refuse(w, 404, "MANIFEST_UNKNOWN", acceptSet) })
		},
		expectation: expectation{codes: unread, says: []string{"1.0"}},
	},
	{
		name:        "a 404 of a tag is a page of HTML",
		set:         fiveBuilds(reads("b4", func(w http.ResponseWriter, _ *http.Request) { page(w, 404, "not here") })),
		expectation: expectation{codes: unread, says: []string{"b4"}},
	},
	{
		name: "a 404 of a tag speaks of authentication",
		set: fiveBuilds(reads("b4", func(w http.ResponseWriter, _ *http.Request) {
			refuse(w, 404, "UNAUTHORIZED", "authentication required")
		})),
		expectation: expectation{codes: unread, says: []string{"b4"}},
	},
	{
		name:        "a protected tag is listed and has no manifest",
		set:         fiveBuilds(reads("b1", unknown)),
		args:        []string{"HOST/team/app", "--keep-last", "2", "--protect", "b1"},
		expectation: expectation{codes: refused, says: []string{"b1"}},
	},
	{
		name:        "a tag that was just built is listed and has no manifest",
		set:         fiveBuilds(reads("b5", unknown)),
		args:        []string{"HOST/team/app:b5", "--keep-last", "2"},
		expectation: expectation{codes: refused, says: []string{"b5"}},
	},
	{
		name: "a tag that is in use is listed and has no manifest",
		set: func(t *testing.T, h *hostile) {
			fiveBuilds(reads("b1", unknown))(t, h)
			h.files = map[string]string{"used.txt": h.host() + "/team/app:b1\n"}
		},
		args:        []string{"HOST/team/app", "--keep-last", "2", "--protect-file", "DIR/used.txt"},
		expectation: expectation{codes: refused, says: []string{"b1"}},
	},
	{
		name: "no tag has a manifest",
		set: fiveBuilds(func(w http.ResponseWriter, r *http.Request) bool {
			if strings.Contains(r.URL.Path, "/manifests/") {
				unknown(w, r)
				return true
			}
			return false
		}),
		expectation: expectation{codes: unread, says: []string{"b1"}},
	},
	{
		name:        "the registry does not know the repository",
		set:         fiveBuilds(on("", "/tags/list", func(w http.ResponseWriter, _ *http.Request) { refuse(w, 404, "NAME_UNKNOWN", "no such repository") })),
		expectation: expectation{codes: []int{2}, says: []string{"team/app"}},
	},
	{
		name: "HEAD is refused with 405",
		set: fiveBuilds(func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodHead {
				w.WriteHeader(405)
			}
			return r.Method == http.MethodHead
		}),
		expectation: expectation{codes: done, gone: oldThree},
	},
	{
		name: "HEAD is refused with 403",
		set: fiveBuilds(func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodHead {
				w.WriteHeader(403)
			}
			return r.Method == http.MethodHead
		}),
		expectation: expectation{codes: done, gone: oldThree},
	},
}

// listOf answers a listing with a body.
func listOf(body string) func(http.ResponseWriter, *http.Request) bool {
	return on("", "/tags/list", func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, body) })
}

// linked answers the first page of a listing with a link, and the next one with the rest.
func linked(link func(r *http.Request) string, next http.HandlerFunc) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case !strings.HasSuffix(r.URL.Path, "/tags/list"):
			return false
		case r.URL.Query().Get("last") == "":
			w.Header().Set("Link", link(r))
			reply(w, 200, `{"name":"team/app","tags":["b1","b2","b3"]}`)
		default:
			next(w, r)
		}
		return true
	}
}

func rest(w http.ResponseWriter, _ *http.Request) {
	reply(w, 200, `{"name":"team/app","tags":["b4","b5"]}`)
}

func to(link string) func(*http.Request) string { return func(*http.Request) string { return link } }

// listingCases are listings that end elsewhere, never, or hold what are no tags.
var listingCases = []hostileCase{
	{
		name:        "the next page is another repository's",
		set:         fiveBuilds(linked(to(`</v2/app/tags/list?last=b3&n=3>; rel="next"`), rest)),
		expectation: expectation{codes: unread, says: []string{"/v2/app/tags/list"}},
	},
	{
		name:        "the next page is of another path that ends the same",
		set:         fiveBuilds(linked(to(`</prefix/v2/team/app/tags/list?last=b3&n=3>; rel="next"`), rest)),
		expectation: expectation{codes: unread, says: []string{"/prefix/v2/team/app"}},
	},
	{
		name:        "the next page is on another host",
		set:         fiveBuilds(linked(to(`<http://registry.example.net/v2/team/app/tags/list?last=b3>; rel="next"`), rest)),
		expectation: expectation{codes: unread, says: []string{"registry.example.net"}},
	},
	{
		name:        "there are blanks around the link",
		set:         fiveBuilds(linked(to(`  < /v2/team/app/tags/list?last=b3&n=3 > ;  rel = "next" `), rest)),
		expectation: expectation{codes: done, gone: oldThree},
	},
	{
		name:        "the link is that of the page itself",
		set:         fiveBuilds(linked(func(r *http.Request) string { return "<" + r.URL.RequestURI() + `>; rel="next"` }, rest)),
		expectation: expectation{codes: unread, says: []string{"tags/list"}},
	},
	{
		name:        "the link cannot be read",
		set:         fiveBuilds(linked(to(`/v2/team/app/tags/list?last=b3`), rest)),
		expectation: expectation{codes: unread, says: []string{"Link"}},
	},
	{
		name:        "the next page fails",
		set:         fiveBuilds(linked(to(`</v2/team/app/tags/list?last=b3>; rel="next"`), func(w http.ResponseWriter, _ *http.Request) { page(w, 404, "gone") })),
		expectation: expectation{codes: unread, says: []string{"tags/list"}},
	},
	{name: "the listing is null", set: fiveBuilds(listOf("null")), expectation: expectation{codes: unread, says: []string{"tags/list"}}},
	{name: "the listing is cut", set: fiveBuilds(listOf(`{"name":"team/app","tags":["b4",`)), expectation: expectation{codes: unread, says: []string{"tags/list"}}},
	{name: "the listing has tags twice", set: fiveBuilds(listOf(`{"tags":["b1","b2","b3","b4","b5"],"tags":["b1","b2","b3"]}`)), expectation: expectation{codes: unread, says: []string{"tags"}}},
	{
		name:        "the listing is a page of HTML",
		set:         fiveBuilds(on("", "/tags/list", func(w http.ResponseWriter, _ *http.Request) { page(w, 200, "sign in") })),
		expectation: expectation{codes: unread, says: []string{"tags/list"}},
	},
	{
		name:        "names are listed that are no tags",
		set:         fiveBuilds(listOf(`{"name":"team/app","tags":["@eaDir","b1","b2","..","b3","a b","` + strings.Repeat("x", 200) + `","b4","","b5"]}`)),
		expectation: expectation{codes: done, says: []string{"@eaDir"}, gone: oldThree},
	},
	{
		name:        "a tag is listed twice",
		set:         fiveBuilds(listOf(`{"name":"team/app","tags":["b1","b1","b2","b3","b4","b5","b5"]}`)),
		expectation: expectation{codes: done, gone: oldThree},
	},
}

// raw is a manifest with a body as a case wants it.
func raw(mediaType, body string) content {
	return content{digest: digestOf([]byte(body)), mediaType: mediaType, body: []byte(body), kind: "image"}
}

// withOdd pushes b1 to b5, and a manifest as odd.
func withOdd(c content, front func(http.ResponseWriter, *http.Request) bool) func(*testing.T, *hostile) {
	return func(_ *testing.T, h *hostile) {
		h.builds(5)
		h.push(c, "odd", "odd")
		h.front = front
	}
}

// twice is an index that lists its children under two keys; which of them counts is anybody's guess.
func twice(first, second string) func(*testing.T, *hostile) {
	return func(_ *testing.T, h *hostile) {
		h.builds(5)
		a, b := refer(age("b1", 1)), refer(age("b2", 2))
		one, err := json.Marshal([]descriptor{a})
		if err != nil {
			panic(err)
		}
		other, err := json.Marshal([]descriptor{b})
		if err != nil {
			panic(err)
		}
		h.push(raw(typeOCIIndex, fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,%q:%s,%q:%s}`, typeOCIIndex, first, one, second, other)), "odd", "odd")
	}
}

// header answers the manifest of b4 with another header.
func header(key, value string) func(*testing.T, *hostile) {
	return func(_ *testing.T, h *hostile) {
		h.builds(5)
		h.front = reads("b4", func(w http.ResponseWriter, r *http.Request) {
			recorded := httptest.NewRecorder()
			h.manifest(recorded, r, "b4")
			copyHeader(w.Header(), recorded.Header())
			w.Header().Set(key, value)
			w.WriteHeader(200)
			_, _ = w.Write(recorded.Body.Bytes())
		})
	}
}

// notTried checks that b4 was not asked for again and again.
func notTried(t *testing.T, h *hostile) {
	t.Helper()
	if n := h.count("/manifests/b4"); n > 2 {
		t.Errorf("b4 was asked for %d times", n)
	}
}

const typeSchema1 = "application/vnd.docker.distribution.manifest.v1+prettyjws"

var schema1 = raw(typeSchema1, `{"schemaVersion":1,"name":"team/app","tag":"odd","architecture":"amd64","fsLayers":[{"blobSum":"sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4"}],"history":[{"v1Compatibility":"{\"created\":\"2015-01-01T00:00:00Z\"}"}],"signatures":[]}`)

// manifestCases are manifests that can be read in two ways, or in none.
var manifestCases = []hostileCase{
	{name: "manifests twice", set: twice("manifests", "manifests"), expectation: expectation{codes: refused, says: []string{"odd"}}},
	{name: "manifests and Manifests", set: twice("manifests", "Manifests"), expectation: expectation{codes: refused, says: []string{"odd"}}},
	{
		name: "Manifests alone", set: twice("Manifests", "x"), expectation: expectation{codes: refused, says: []string{"odd"}},
		or: &expectation{codes: done, gone: oldThree}, // an index of nothing, without a date
	},
	{
		name:        "the config twice",
		set:         withOdd(raw(typeOCIImage, `{"schemaVersion":2,"mediaType":"`+typeOCIImage+`","config":{"mediaType":"`+typeOCIConfig+`","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"config":{"mediaType":"`+typeOCIConfig+`","digest":"sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4","size":32},"layers":[]}`), nil),
		expectation: expectation{codes: refused, says: []string{"odd"}},
	},
	{name: "the body is null", set: withOdd(raw(typeOCIImage, "null"), nil), expectation: expectation{codes: unread, says: []string{"odd"}}},
	{name: "the body is empty", set: withOdd(raw(typeOCIImage, ""), nil), expectation: expectation{codes: unread, says: []string{"odd"}}},
	{name: "the body says that it is something else", set: withOdd(raw(typeOCIImage, `{"schemaVersion":2,"mediaType":"`+typeOCIIndex+`","manifests":[]}`), nil), expectation: expectation{codes: refused, says: []string{"odd"}}},
	{
		name:        "the body is another one than the digest says",
		set:         header("Docker-Content-Digest", "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"),
		expectation: expectation{codes: unread, says: []string{"b4"}},
	},
	{name: "Docker-Content-Digest is malformed", set: header("Docker-Content-Digest", "sha256:abc"), expectation: expectation{codes: unread, says: []string{"b4"}}, after: notTried},
	{name: "Content-Type is malformed", set: header("Content-Type", "application/;;/"), expectation: expectation{codes: unread, says: []string{"b4"}}, after: notTried},
	{name: "Content-Type is not known", set: header("Content-Type", "application/vnd.example.surprise+json"), expectation: expectation{codes: unread, says: []string{"b4"}}, after: notTried},
	{
		name:        "schema 1",
		set:         withOdd(schema1, nil),
		expectation: expectation{codes: unread, says: []string{"odd"}},
		or:          &expectation{codes: done, says: []string{"odd"}, gone: oldThree},
	},
	{
		name:        "schema 1 outside the scope",
		set:         withOdd(schema1, nil),
		args:        []string{"HOST/team/app", "--keep-last", "2", "--tags", "b*"},
		expectation: expectation{codes: done, gone: oldThree},
	},
	{
		name: "a child that cannot be read",
		set: func(_ *testing.T, h *hostile) {
			h.builds(5)
			_, parts := h.multi("many", 9)
			h.front = reads(parts[1].digest, func(w http.ResponseWriter, _ *http.Request) { refuse(w, 403, "DENIED", "not this one") })
		},
		expectation: expectation{codes: unread, says: []string{"many", "team/app"}},
	},
}
