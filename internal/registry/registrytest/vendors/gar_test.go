package vendors

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

const (
	garPath     = "acme/docker/team/app"
	garVersions = "/v1/projects/acme/locations/europe/repositories/docker/packages/team%2Fapp/versions"
)

// askGAR sends a request with an access token, to the API or, below /v2/, to the registry.
func askGAR(t *testing.T, f *GAR, method, path, body string) cloudAnswer {
	t.Helper()
	host := garAPI
	if strings.HasPrefix(path, "/v2/") {
		host = f.RegistryHost()
	}
	return send(t, f.Transport(), newRequest(t, method, "https://"+host+path, body, "Authorization", "Bearer "+f.Token()))
}

// garCode is the status of an error of the API.
func garCode(t *testing.T, a cloudAnswer) string {
	t.Helper()
	return decode[struct{ Error struct{ Status string } }](t, a).Error.Status
}

type garAnswer struct {
	Name     string
	Done     bool
	Error    *struct{ Code int }
	Versions []struct {
		Name        string
		RelatedTags []struct{ Name, Version string }
		Metadata    struct{ ImageSizeBytes, MediaType, BuildTime, Name string }
	}
	DockerImages []struct {
		URI            string
		ImageManifests []struct{ Digest oci.Digest }
	}
	NextPageToken string
}

func TestGARListsTags(t *testing.T) {
	t.Parallel()
	c := newTestClock()
	f := NewGAR(t, GAROptions{Now: c.now})
	p := f.Pusher(t, garPath)
	d := p.Image(fixture.Image{Tags: []string{"b", "a"}, Created: time.UnixMilli(1679889694265)})
	index := p.Index(fixture.Index{Children: []oci.Digest{d}})
	f.Pusher(t, garPath+"/sub/below").Image(fixture.Image{Tags: []string{"1"}})
	type list struct {
		Child, Tags []string
		Manifest    map[oci.Digest]struct {
			ImageSizeBytes, MediaType     string
			Tag                           []string
			TimeCreatedMs, TimeUploadedMs any
		}
	}
	a := askGAR(t, f, "GET", "/v2/"+garPath+"/tags/list?n=1", "")
	got := decode[list](t, a)
	checkSlices(t, "tags", got.Tags, []string{"a", "b"})
	checkSlices(t, "children", got.Child, []string{"sub"})
	checkSlices(t, "tags of the image", got.Manifest[d].Tag, []string{"a", "b"})
	checkEqual(t, "link", a.header.Get("Link"), "")
	checkEqual(t, "created", got.Manifest[d].TimeCreatedMs, any("1679889694265"))
	checkEqual(t, "uploaded", got.Manifest[d].TimeUploadedMs, any(fmt.Sprint(c.now().UnixMilli())))
	checkEqual(t, "index created", got.Manifest[index].TimeCreatedMs, any("0"))
	checkEqual(t, "media type", got.Manifest[index].MediaType, fixture.OCIIndex)
	checkEqual(t, "unknown", askGAR(t, f, "GET", "/v2/acme/docker/none/tags/list", "").code(), "NAME_UNKNOWN")
	numbers := NewGAR(t, GAROptions{Now: c.now, NumberTimes: true, ZeroCreated: true})
	d = numbers.Pusher(t, garPath).Image(fixture.Image{Tags: []string{"1"}, Created: c.now()})
	got = decode[list](t, askGAR(t, numbers, "GET", "/v2/"+garPath+"/tags/list", ""))
	checkEqual(t, "uploaded, a number", got.Manifest[d].TimeUploadedMs, any(float64(c.now().UnixMilli())))
	checkEqual(t, "created, none", got.Manifest[d].TimeCreatedMs, any(0.0))
}

func TestGARDeletesInOrder(t *testing.T) {
	t.Parallel()
	f := NewGAR(t, GAROptions{})
	p := f.Pusher(t, garPath)
	child := p.Image(fixture.Image{Seed: "child"})
	index := p.Index(fixture.Index{Tags: []string{"v1", "v2"}, Children: []oci.Digest{child}})
	referrer, fallback := p.Referrer(index, "application/spdx+json")
	del := func(ref string) string {
		a := askGAR(t, f, "DELETE", "/v2/"+garPath+"/manifests/"+ref, "")
		return fmt.Sprint(a.status, a.code())
	}
	refs := askGAR(t, f, "GET", "/v2/"+garPath+"/referrers/"+index.String(), "")
	checkEqual(t, "referrers", strings.Contains(refs.body, referrer.String()), true)
	checkEqual(t, "tagged", del(index.String()), "400GOOGLE_MANIFEST_DANGLING_TAG")
	checkEqual(t, "child", del(child.String()), "400GOOGLE_MANIFEST_DANGLING_PARENT_IMAGE")
	checkEqual(t, "tag", del("v1"), "202")
	checkEqual(t, "tag", del("v2"), "202")
	checkEqual(t, "subject", del(index.String()), "400GOOGLE_MANIFEST_DANGLING_PARENT_IMAGE")
	checkEqual(t, "referrer in an index", del(referrer.String()), "400GOOGLE_MANIFEST_REFERRING_MANIFEST")
	checkEqual(t, "fallback tag", del(strings.Replace(index.String(), ":", "-", 1)), "202")
	checkEqual(t, "fallback index", del(fallback.String()), "202")
	checkEqual(t, "referrer", del(referrer.String()), "202")
	checkEqual(t, "index", del(index.String()), "202")
	checkEqual(t, "child", del(child.String()), "202")
	checkEqual(t, "gone", del(child.String()), "404MANIFEST_UNKNOWN")
	checkEqual(t, "no tag", del("v1"), "404MANIFEST_UNKNOWN")
	checkSlices(t, "books", deletedDigests(&f.Books), []oci.Digest{fallback, referrer, index, child})
	checkEqual(t, "refused", len(f.Refused()), 4)
	checkEqual(t, "left", len(f.Versions(garPath)), 0)
}

func TestGARUnseenParent(t *testing.T) {
	t.Parallel()
	f := NewGAR(t, GAROptions{SlowOperations: 2})
	d := f.Pusher(t, garPath).Image(fixture.Image{Tags: []string{"1"}})
	parent := f.AddUnseenParent(garPath, d)
	checkEqual(t, "unseen", askGAR(t, f, "GET", "/v2/"+garPath+"/manifests/"+parent.String(), "").status, http.StatusNotFound)
	checkEqual(t, "tagged", garCode(t, askGAR(t, f, "DELETE", garVersions+"/"+d.String(), "")), "FAILED_PRECONDITION")
	checkEqual(t, "tag", askGAR(t, f, "DELETE", "/v2/"+garPath+"/manifests/1", "").status, http.StatusAccepted)
	a := askGAR(t, f, "DELETE", "/v2/"+garPath+"/manifests/"+d.String(), "")
	if a.code() != "GOOGLE_MANIFEST_DANGLING_PARENT_IMAGE" || !strings.Contains(a.body, parent.String()) {
		t.Errorf("by digest: got %s", a.body)
	}
	op := decode[garAnswer](t, askGAR(t, f, "DELETE", garVersions+"/"+d.String(), ""))
	for _, want := range []bool{false, true} {
		op = decode[garAnswer](t, askGAR(t, f, "GET", "/v1/"+op.Name, ""))
		checkEqual(t, "done", op.Done, want)
	}
	if op.Error == nil || op.Error.Code != 9 {
		t.Errorf("without force: got %+v", op)
	}
	op = decode[garAnswer](t, askGAR(t, f, "DELETE", garVersions+"/"+d.String()+"?force=true", ""))
	checkEqual(t, "at first", fmt.Sprint(op.Done, len(f.Versions(garPath))), "false 1")
	for range 2 { // a list lets the operation go on too
		askGAR(t, f, "GET", garVersions, "")
	}
	checkEqual(t, "left", len(f.Versions(garPath)), 0)
	op = decode[garAnswer](t, askGAR(t, f, "GET", "/v1/"+op.Name, ""))
	checkEqual(t, "done", op.Done && op.Error == nil, true)
	checkEqual(t, "no such operation", garCode(t, askGAR(t, f, "GET", "/v1/projects/acme/locations/europe/operations/x", "")), "NOT_FOUND")
}

func TestGARVersionsOfTheAPI(t *testing.T) {
	t.Parallel()
	f := NewGAR(t, GAROptions{})
	p := f.Pusher(t, garPath)
	child := p.Image(fixture.Image{Seed: "child"})
	index := p.Index(fixture.Index{Tags: []string{"v1"}, Children: []oci.Digest{child}})
	seen, token := map[string]int{}, ""
	for range 2 {
		a := decode[garAnswer](t, askGAR(t, f, "GET", garVersions+"?pageSize=1&view=FULL&pageToken="+token, ""))
		for _, v := range a.Versions {
			seen[v.Name[strings.LastIndex(v.Name, "/")+1:]] = len(v.RelatedTags)
			checkEqual(t, "metadata", strings.HasPrefix(v.Metadata.Name, "projects/acme/locations/europe/repositories/docker/dockerImages/team%2Fapp@sha256:"), true)
		}
		token = a.NextPageToken
	}
	checkEqual(t, "versions and their tags", fmt.Sprint(seen), fmt.Sprint(map[string]int{index.String(): 1, child.String(): 0}))
	checkEqual(t, "token after the last page", token, "")
	if a := askGAR(t, f, "GET", garVersions, ""); strings.Contains(a.body, "relatedTags") {
		t.Errorf("basic view has tags: %s", a.body)
	}
	images := decode[garAnswer](t, askGAR(t, f, "GET", "/v1/projects/acme/locations/europe/repositories/docker/dockerImages", ""))
	children := 0
	for _, i := range images.DockerImages {
		children += len(i.ImageManifests)
	}
	checkEqual(t, "images and children", fmt.Sprint(len(images.DockerImages), children), "2 1")

	checkEqual(t, "token", garCode(t, askGAR(t, f, "GET", garVersions+"?pageToken=eA==", "")), "INVALID_ARGUMENT")
	checkEqual(t, "package", garCode(t, askGAR(t, f, "GET", strings.Replace(garVersions, "app", "none", 1), "")), "NOT_FOUND")
	checkEqual(t, "slash", garCode(t, askGAR(t, f, "GET", strings.Replace(garVersions, "%2F", "/", 1), "")), "NOT_FOUND")
	checkEqual(t, "location", garCode(t, askGAR(t, f, "GET", strings.Replace(garVersions, "europe", "us", 1), "")), "NOT_FOUND")

	// An index that a client pushed is not deleted around by force.
	op := decode[garAnswer](t, askGAR(t, f, "DELETE", garVersions+"/"+child.String()+"?force=true", ""))
	checkEqual(t, "child by force", op.Done && op.Error != nil, true)
	name := func(d oci.Digest) string {
		return fmt.Sprintf("%q", strings.TrimPrefix(garVersions, "/v1/")+"/"+d.String())
	}
	checkEqual(t, "no JSON", garCode(t, askGAR(t, f, "POST", garVersions+":batchDelete", "{")), "INVALID_ARGUMENT")
	checkEqual(t, "no version", garCode(t, askGAR(t, f, "POST", garVersions+":batchDelete", `{"names":["x"]}`)), "INVALID_ARGUMENT")
	askGAR(t, f, "POST", garVersions+":batchDelete", `{"validateOnly":true,"names":[`+name(index)+`]}`)
	checkEqual(t, "after validation", len(f.Versions(garPath)), 2)
	op = decode[garAnswer](t, askGAR(t, f, "POST", garVersions+":batchDelete", `{"names":[`+name(index)+`,`+name(child)+`]}`))
	checkEqual(t, "batch", op.Done && op.Error == nil, true)
	checkSlices(t, "books", deletedDigests(&f.Books), []oci.Digest{index, child})
}

func TestGARRefusesCallers(t *testing.T) {
	t.Parallel()
	f := NewGAR(t, GAROptions{})
	d := f.Pusher(t, garPath).Image(fixture.Image{Tags: []string{"1"}})
	token := f.Token()
	ask := func(url string, headers ...string) cloudAnswer {
		return send(t, f.Transport(), newRequest(t, "GET", url, "", headers...))
	}
	registry := "https://europe-docker.pkg.dev"
	a := ask(registry + "/v2/" + garPath + "/tags/list")
	checkEqual(t, "challenge", a.header.Get("WWW-Authenticate"),
		`Bearer realm="https://europe-docker.pkg.dev/v2/token",service="europe-docker.pkg.dev",scope="repository:`+garPath+`:pull"`)
	for _, tc := range []struct {
		user, password string
		want           int
	}{
		{"oauth2accesstoken", token, 200},
		{"_json_key", f.Key(), 200},
		{"_json_key_base64", base64.StdEncoding.EncodeToString([]byte(f.Key())), 200},
		{"_json_key", token, 401},
		{"oauth2accesstoken", "x", 401},
		{"somebody", token, 401},
	} {
		a := ask(registry+"/v2/token?service=europe-docker.pkg.dev", "Authorization", basicLogin(tc.user, tc.password))
		checkEqual(t, tc.user, a.status, tc.want)
		if tc.want == 200 {
			own := decode[struct{ Token string }](t, a).Token
			checkEqual(t, "registry", ask(registry+"/v2/", "Authorization", "Bearer "+own).status, 200)
			checkEqual(t, "API", garCode(t, ask("https://"+garAPI+garVersions, "Authorization", "Bearer "+own)), "UNAUTHENTICATED")
		}
	}
	checkEqual(t, "API", ask("https://"+garAPI+garVersions, "Authorization", "Bearer "+token).status, 200)
	f.ExpireTokens()
	checkEqual(t, "API, ended", ask("https://"+garAPI+garVersions, "Authorization", "Bearer "+token).status, 401)
	checkEqual(t, "registry, ended", ask(registry+"/v2/", "Authorization", "Bearer "+token).status, 401)
	f.SetQuota(1)
	checkEqual(t, "within the quota", askGAR(t, f, "GET", garVersions, "").status, 200)
	checkEqual(t, "over the quota", garCode(t, askGAR(t, f, "GET", garVersions, "")), "RESOURCE_EXHAUSTED")

	writer := NewGAR(t, GAROptions{ReadWrite: true})
	immutable := NewGAR(t, GAROptions{ImmutableTags: true})
	for _, f := range []*GAR{writer, immutable} {
		f.Pusher(t, garPath).Image(fixture.Image{Tags: []string{"1"}})
	}
	checkEqual(t, "writer", askGAR(t, writer, "DELETE", "/v2/"+garPath+"/manifests/1", "").code(), "DENIED")
	checkEqual(t, "writer", garCode(t, askGAR(t, writer, "DELETE", garVersions+"/"+d.String()+"?force=true", "")), "PERMISSION_DENIED")
	checkEqual(t, "immutable", askGAR(t, immutable, "DELETE", "/v2/"+garPath+"/manifests/1", "").code(), "FAILED_PRECONDITION")
	checkEqual(t, "immutable", garCode(t, askGAR(t, immutable, "DELETE", garVersions+"/"+d.String()+"?force=true", "")), "FAILED_PRECONDITION")
	checkEqual(t, "immutable", garCode(t, askGAR(t, immutable, "DELETE", strings.Replace(garVersions, "versions", "tags/1", 1), "")), "FAILED_PRECONDITION")
	checkEqual(t, "immutable", askGAR(t, immutable, "PUT", "/v2/"+garPath+"/manifests/1", "").code(), "DENIED")
	checkEqual(t, "deleted", len(append(writer.Deleted(), immutable.Deleted()...)), 0)
	gcr := NewGAR(t, GAROptions{GCR: true})
	gcr.Pusher(t, "acme/app").Image(fixture.Image{Tags: []string{"1"}})
	checkEqual(t, "gcr.io", askGAR(t, gcr, "GET", "/v1/projects/acme/locations/us/repositories/gcr.io/packages/app/versions", "").status, 200)
}
