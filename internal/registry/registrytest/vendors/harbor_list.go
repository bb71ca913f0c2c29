package vendors

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
)

// harborArtifact is an artifact in the listing.
type harborArtifact struct {
	ID                int               `json:"id"`
	Type              string            `json:"type"`
	MediaType         string            `json:"media_type"`
	ManifestMediaType string            `json:"manifest_media_type"`
	ArtifactType      string            `json:"artifact_type"`
	RepositoryName    string            `json:"repository_name"`
	Digest            oci.Digest        `json:"digest"`
	Size              int64             `json:"size"`
	PushTime          string            `json:"push_time"`
	PullTime          string            `json:"pull_time"`
	References        []harborReference `json:"references"`
	Tags              []harborTag       `json:"tags"`
	Accessories       []harborAccessory `json:"accessories"`
}

type harborReference struct {
	ChildDigest oci.Digest      `json:"child_digest"`
	Platform    json.RawMessage `json:"platform,omitempty"`
}

type harborTag struct {
	Name      string `json:"name"`
	PushTime  string `json:"push_time"`
	PullTime  string `json:"pull_time"`
	Immutable bool   `json:"immutable"`
}

type harborAccessory struct {
	Digest  oci.Digest `json:"digest"`
	Size    int64      `json:"size"`
	Type    string     `json:"type"`
	Subject oci.Digest `json:"subject_artifact_digest"`
}

const harborNever = "0001-01-01T00:00:00.000Z"

func harborTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// harborPage is what a client asked of the listing.
type harborPage struct {
	page, size                      int
	base, tagged, untagged          bool
	tags, accessories, immutability bool
	oldest                          bool
}

func askHarbor(q url.Values) (p harborPage, refusal *harborError) {
	unprocessable := func(message string) (harborPage, *harborError) {
		return p, &harborError{http.StatusUnprocessableEntity, "UNPROCESSABLE_ENTITY", message}
	}
	var errs [2]error
	p.page, errs[0] = strconv.Atoi(cmp.Or(q.Get("page"), "1"))
	p.size, errs[1] = strconv.Atoi(cmp.Or(q.Get("page_size"), "10"))
	switch {
	case errs[0] != nil || errs[1] != nil:
		return unprocessable("page and page_size in query must be of type int64")
	case p.page < 1:
		return unprocessable("page in query should be greater than or equal to 1")
	case p.size < 1: // 0 is not documented (unverified)
		return unprocessable("page_size in query should be greater than or equal to 1")
	case p.size > 100:
		return unprocessable("page_size in query should be less than or equal to 100")
	}
	for term := range strings.SplitSeq(q.Get("q"), ",") {
		switch term {
		case "":
		case "base=*":
			p.base = true
		case "tags=*":
			p.tagged = true
		case "tags=nil":
			p.untagged = true
		default:
			return p, &harborError{http.StatusBadRequest, "BAD_REQUEST", "invalid query " + term}
		}
	}
	p.tags = q.Get("with_tag") != "false"
	p.accessories = q.Get("with_accessory") == "true"
	p.immutability = q.Get("with_immutable_status") == "true"
	p.oldest = q.Get("sort") == "push_time"
	return p, nil
}

// listArtifacts answers the listing. Without base=* it leaves out accessories, and children without a tag. The newest
// come first unless the client wants them last; that this is so without a sort is unverified.
func (f *Harbor) listArtifacts(w http.ResponseWriter, r *http.Request, path string) {
	p, refusal := askHarbor(r.URL.Query())
	if refusal != nil {
		answerOCI(w, refusal.status, refusal.code, refusal.message)
		return
	}
	if !slices.Contains(f.Repositories(), path) {
		answerOCI(w, http.StatusNotFound, "NOT_FOUND", "repository "+path+" not found")
		return
	}
	all := f.holdings(path)
	var list []*holding
	for d, h := range all {
		accessory := h.subject != "" || slices.ContainsFunc(h.tags, isCosignTag)
		hidden := accessory || len(h.tags) == 0 && len(listedBy(all, d)) > 0
		if (p.base || !hidden) && (!p.tagged || len(h.tags) > 0) && (!p.untagged || len(h.tags) == 0) {
			list = append(list, h)
		}
	}
	slices.SortFunc(list, func(a, b *holding) int {
		c := cmp.Or(b.pushed.Compare(a.pushed), cmp.Compare(a.digest, b.digest))
		if p.oldest {
			return -c
		}
		return c
	})
	from := min((p.page-1)*p.size, len(list))
	to := min(from+p.size, len(list))
	out := []harborArtifact{}
	for i, h := range list[from:to] {
		a := f.artifact(path, all, h, p)
		a.ID = from + i + 1
		out = append(out, a)
	}
	w.Header().Set("X-Total-Count", strconv.Itoa(len(list)))
	if links := p.links(r.URL, len(list)); links != "" {
		w.Header().Set("Link", links)
	}
	answerJSON(w, http.StatusOK, out)
}

// links are relative, and the query in them is not escaped.
func (p harborPage) links(u *url.URL, total int) string {
	var links []string
	link := func(page int, rel string) {
		q := u.Query()
		q.Set("page", strconv.Itoa(page))
		q.Set("page_size", strconv.Itoa(p.size))
		text, err := url.QueryUnescape(q.Encode())
		if err != nil {
			panic(err) // it was encoded in the line above
		}
		links = append(links, fmt.Sprintf(`<%s?%s>; rel="%s"`, u.EscapedPath(), text, rel))
	}
	if p.page > 1 && (p.page-1)*p.size < total {
		link(p.page-1, "prev")
	}
	if p.page*p.size < total {
		link(p.page+1, "next")
	}
	return strings.Join(links, " , ")
}

func isCosignTag(tag string) bool {
	hex, ok := strings.CutSuffix(tag, ".sig")
	return ok && oci.Digest(strings.Replace(hex, "-", ":", 1)).Validate() == nil
}

func (f *Harbor) artifact(path string, all map[oci.Digest]*holding, h *holding, p harborPage) harborArtifact {
	a := harborArtifact{
		Type: "IMAGE", MediaType: cmp.Or(h.configType, h.mediaType), ManifestMediaType: h.mediaType,
		ArtifactType: cmp.Or(h.artifactType, h.configType, h.mediaType), RepositoryName: path, Digest: h.digest, Size: h.size,
		PushTime: harborTime(h.pushed), PullTime: harborNever,
	}
	for i, c := range h.children {
		a.References = append(a.References, harborReference{c, h.platforms[i]})
	}
	times := f.TagTimes(path)
	for _, tag := range h.tags {
		if p.tags {
			t := times[tag]
			pushed := t.Created
			if !t.Switched.IsZero() {
				pushed = t.Switched
			}
			a.Tags = append(a.Tags, harborTag{tag, harborTime(pushed), harborNever, p.immutability && f.isImmutable(tag)})
		}
	}
	for _, d := range accessoriesOf(all, h.digest) {
		if p.accessories {
			kind := "subject.accessory"
			if slices.ContainsFunc(all[d].tags, isCosignTag) {
				kind = "signature.cosign"
			}
			a.Accessories = append(a.Accessories, harborAccessory{d, all[d].size, kind, h.digest})
		}
	}
	return a
}
