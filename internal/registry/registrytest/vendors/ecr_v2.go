package vendors

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/regsweep/regsweep/internal/oci"
)

// refusal answers with an error and writes it into the books.
type refusal func(status int, code, message string)

// serveRegistry is /v2 with docker's login in front of it.
func (f *ECR) serveRegistry(w http.ResponseWriter, r *http.Request, next http.Handler) {
	path, kind, rest, ok := splitKinds(r.URL.Path)
	refuse := func(status int, code, message string) {
		if r.Method == http.MethodDelete && kind == "manifests" {
			f.addRefusal(refusalOf(path, rest, status, code))
		}
		answerOCI(w, status, code, message)
	}
	if !f.loggedIn(w, r, refuse) {
		return
	}
	if !ok {
		next.ServeHTTP(w, r)
		return
	}
	if !hasRepository(f.Registry, path) { // a push does not create one
		refuse(http.StatusNotFound, "NAME_UNKNOWN", f.unknown(path, f.opts.Account))
		return
	}
	if message, denied := f.denied(ecrAction(r.Method, kind), path); denied {
		refuse(http.StatusForbidden, "DENIED", message)
		return
	}
	if !f.answer(w, r, refuse) {
		next.ServeHTTP(w, r)
	}
}

// answer answers what the registry in memory does not know or may not do, and returns whether it did.
func (f *ECR) answer(w http.ResponseWriter, r *http.Request, refuse refusal) bool {
	path, kind, rest, _ := splitKinds(r.URL.Path)
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case kind == "tags" && rest == "list" && r.Method == http.MethodGet:
		f.listTags(w, r, path)
	case kind == "referrers" && r.Method == http.MethodGet && f.opts.Alias == "":
		answerReferrers(w, r, storedManifests(f.Registry, path), oci.Digest(rest))
	case kind == "manifests" && r.Method == http.MethodDelete && f.opts.NoOCIDelete:
		f.addRefusal(refusalOf(path, rest, http.StatusNotFound, "404 page not found"))
		http.Error(w, "404 page not found", http.StatusNotFound)
	case kind == "manifests" && r.Method == http.MethodDelete:
		f.deleteV2(w, path, rest, refuse)
	case kind == "manifests" && r.Method == http.MethodPut && f.opts.ImmutableTags && f.Tags(path)[rest] != "":
		refuse(http.StatusBadRequest, "TAG_INVALID", fmt.Sprintf(
			"The image tag '%s' already exists in the '%s' repository and cannot be overwritten because the tag is immutable.", rest, path))
	case kind == "manifests" && r.Method != http.MethodPut && f.statusOf(f.named(path, rest)) != "ACTIVE":
		refuse(http.StatusNotFound, "MANIFEST_UNKNOWN", "Requested image is archived") // unverified
	default:
		return false
	}
	return true
}

// named is the digest of a reference, which is a tag or a digest.
func (f *ECR) named(path, ref string) oci.Digest {
	if d, err := digest.Parse(ref); err == nil {
		return d
	}
	return f.Tags(path)[ref]
}

// ecrAction is the right that a request below /v2 needs.
func ecrAction(method, kind string) string {
	switch {
	case method == http.MethodDelete:
		return "BatchDeleteImage"
	case method == http.MethodPut && kind == "manifests":
		return "PutImage"
	case kind == "tags":
		return "ListImages"
	case kind == "blobs":
		return "GetDownloadUrlForLayer"
	case kind == "blobs/uploads":
		return "InitiateLayerUpload"
	}
	return "BatchGetImage"
}

// loggedIn checks the login of docker. A private registry wants it with each request, as user and password. A public one
// hands out tokens, and is read without a login. The answers to a wrong password are unverified.
func (f *ECR) loggedIn(w http.ResponseWriter, r *http.Request, refuse refusal) bool {
	user, password, basic := r.BasicAuth()
	challenge := fmt.Sprintf(`Basic realm="%s/",service="ecr.amazonaws.com"`, origin(r))
	if f.opts.Alias != "" {
		challenge = fmt.Sprintf(`Bearer realm="%s/token/",service="public.ecr.aws",scope="aws"`, origin(r))
		password, basic = strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		user = "AWS"
		if basic && password == anonymous && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
			return true
		}
	}
	f.mu.Lock()
	end, known := f.passwords[password]
	f.mu.Unlock()
	switch {
	case !basic:
		w.Header().Set("WWW-Authenticate", challenge)
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = fmt.Fprintln(w, "Not Authorized")
	case user != "AWS" || !known:
		refuse(http.StatusBadRequest, "DENIED", "Your Authorization Token is invalid.")
	case !f.opts.Now().Before(end):
		refuse(http.StatusForbidden, "DENIED", "Your authorization token has expired. Reauthenticate and try again.")
	default:
		return true
	}
	return false
}

// anonymous is the token of a public registry for everybody.
const anonymous = "anonymous-public-token"

// servePublicToken answers the token service of the public registry, with and without a login.
func (f *ECR) servePublicToken(w http.ResponseWriter, r *http.Request) {
	user, password, ok := r.BasicAuth()
	if !ok {
		answerJSON(w, http.StatusOK, map[string]string{"token": anonymous})
		return
	}
	f.mu.Lock()
	end, known := f.passwords[password]
	f.mu.Unlock()
	if user != "AWS" || !known || !f.opts.Now().Before(end) {
		answerOCI(w, http.StatusForbidden, "DENIED", "Your authorization token has expired. Reauthenticate and try again.")
		return
	}
	answerJSON(w, http.StatusOK, map[string]string{"token": password})
}

// listTags answers in no useful order, in pages of at most 1000: a greater n is refused
// (https://github.com/google/go-containerregistry/issues/681), with 405 (https://github.com/renovatebot/renovate/issues/3800).
func (f *ECR) listTags(w http.ResponseWriter, r *http.Request, path string) {
	n := maxBatch
	if text := r.URL.Query().Get("n"); text != "" {
		asked, err := strconv.Atoi(text)
		if err != nil || asked < 1 || asked > 1000 {
			answerOCI(w, http.StatusMethodNotAllowed, "UNSUPPORTED",
				"Invalid parameter at 'maxResults' failed to satisfy constraint: 'Member must have value less than or equal to 1000'")
			return
		}
		n = asked
	}
	tags := slices.SortedFunc(maps.Keys(f.Tags(path)), func(a, b string) int { return strings.Compare(hashed(a), hashed(b)) })
	if last := r.URL.Query().Get("last"); last != "" { // opaque: it is not a tag
		tags = slices.DeleteFunc(tags, func(tag string) bool { return hashed(tag) <= last })
	}
	if len(tags) > n {
		tags = tags[:n]
		next := url.Values{"last": {hashed(tags[n-1])}, "n": {strconv.Itoa(n)}}
		w.Header().Set("Link", fmt.Sprintf(`<%s/v2/%s/tags/list?%s>; rel="next"`, origin(r), path, next.Encode()))
	}
	body, err := json.Marshal(map[string]any{"name": path, "tags": append([]string{}, tags...)})
	if err != nil {
		panic(err) // strings always encode
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = w.Write(body)
}

func hashed(tag string) string { return digest.FromString(tag).Encoded() }

// deleteV2 deletes as BatchDeleteImage does: by digest with all tags, by tag the image with its last one. The codes of its
// refusals are unverified.
func (f *ECR) deleteV2(w http.ResponseWriter, path, ref string, refuse refusal) {
	id := ecrID{ImageTag: ref}
	if strings.Contains(ref, ":") {
		id = ecrID{ImageDigest: ref}
	}
	all := storedManifests(f.Registry, path)
	s, code := resolveECR(all, id)
	switch code {
	case "":
	case "ImageNotFound":
		answerOCI(w, http.StatusNotFound, "MANIFEST_UNKNOWN", ecrReasons[code])
		return
	default:
		refuse(http.StatusBadRequest, "DIGEST_INVALID", ecrReasons[code])
		return
	}
	if code, reason := f.ecrHeld(all, s); code != "" {
		refuse(http.StatusForbidden, "DENIED", reason)
		return
	}
	f.deleteImage(path, s, id.ImageTag)
	w.WriteHeader(http.StatusAccepted)
}
