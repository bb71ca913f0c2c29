package vendors

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
)

// blobStore is where a registry sends a client that reads a blob: another host, which serves it by a signed link.
type blobStore struct {
	host string // such as "pkg-containers.githubusercontent.com"
	path string // of the blobs, with slashes around it; no other path of the service starts with it
}

// blobSignature is what a signed link has at its end.
const blobSignature = "sig=signed"

// serves reports whether a request is for the store.
func (s blobStore) serves(r *http.Request) bool {
	return r.Host == s.host || isLoopback(r.Host) && strings.HasPrefix(r.URL.Path, s.path)
}

// redirect sends a client from the registry to the store, if the registry, next, has the blob.
func (s blobStore) redirect(w http.ResponseWriter, r *http.Request, next http.Handler) {
	own := httptest.NewRecorder()
	next.ServeHTTP(own, r)
	if own.Code != http.StatusOK && own.Code != http.StatusPartialContent {
		answerRecorded(w, own)
		return
	}
	name, rest := splitPath(r.URL.Path)
	store := "https://" + s.host
	if isLoopback(r.Host) { // another name of this machine, so that a client takes it for another host
		store = "http://localhost:" + port(r.Host)
		if strings.HasPrefix(r.Host, "localhost") {
			store = "http://127.0.0.1:" + port(r.Host)
		}
	}
	w.Header().Set("Location", store+s.path+strings.TrimPrefix(rest, "blobs/")+"?from="+url.QueryEscape(name)+"&"+blobSignature)
	w.WriteHeader(http.StatusTemporaryRedirect)
}

// serve answers as the store: it knows no login, and refuses one that is sent along with a signature.
func (s blobStore) serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	d, ok := strings.CutPrefix(r.URL.Path, s.path)
	switch {
	case !ok, r.Method != http.MethodGet && r.Method != http.MethodHead:
		http.NotFound(w, r)
	case r.Header.Get("Authorization") != "":
		http.Error(w, "InvalidAuthenticationInfo", http.StatusBadRequest)
	case !strings.HasSuffix(r.URL.RawQuery, blobSignature):
		http.Error(w, "AuthenticationFailed", http.StatusForbidden)
	default:
		inner := r.Clone(r.Context())
		inner.URL.Path = "/v2/" + r.URL.Query().Get("from") + "/blobs/" + d
		next.ServeHTTP(w, inner)
	}
}

// answerRecorded passes on an answer that was recorded.
func answerRecorded(w http.ResponseWriter, own *httptest.ResponseRecorder) {
	maps.Copy(w.Header(), own.Header())
	w.WriteHeader(own.Code)
	_, _ = w.Write(own.Body.Bytes())
}
