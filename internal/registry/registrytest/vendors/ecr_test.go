package vendors

import (
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// signFor signs a request as a client does.
func signFor(r *http.Request, k AWSKeys, service, region, body string, at time.Time) {
	r.Header.Set("X-Amz-Date", at.UTC().Format(amzTime))
	names := []string{"content-type", "host", "x-amz-date", "x-amz-target"}
	if k.SessionToken != "" {
		r.Header.Set("X-Amz-Security-Token", k.SessionToken)
		names = append(names, "x-amz-security-token")
		slices.Sort(names)
	}
	s := signature{k.AccessKeyID, []string{at.UTC().Format("20060102"), region, service, "aws4_request"}, names, ""}
	s.hex = sigV4{}.sign(k.SecretAccessKey, r, s, hexSHA256([]byte(body)))
	r.Header.Set("Authorization", fmt.Sprintf("%s Credential=%s/%s, SignedHeaders=%s, Signature=%s",
		sigV4Algorithm, s.id, strings.Join(s.scope, "/"), strings.Join(names, ";"), s.hex))
}

// callECR makes one call of the API with a body in JSON.
func callECR(t *testing.T, f *ECR, k AWSKeys, action, body string) cloudAnswer {
	t.Helper()
	target, service := ecrTarget, "ecr"
	if f.opts.Alias != "" {
		target, service = ecrPublicTarget, "ecr-public"
	}
	r := newRequest(t, "POST", "https://"+f.APIHost()+"/", body, "Content-Type", awsJSON, "X-Amz-Target", target+action)
	signFor(r, k, service, f.opts.Region, body, f.opts.Now())
	return send(t, f.Transport(), r)
}

type ecrAnswer struct {
	Type         string `json:"__type"`
	ImageDetails []ecrDetail
	NextToken    string
	ImageIDs     []ecrID `json:"imageIds"`
	Failures     []ecrFailure
	Images       []struct{ ImageManifest string }
	Referrers    []struct{ Digest oci.Digest }
}

// byDigest is the body of BatchDeleteImage.
func byDigest(t *testing.T, ds ...oci.Digest) string {
	t.Helper()
	ids := []ecrID{}
	for _, d := range ds {
		ids = append(ids, ecrID{ImageDigest: d.String()})
	}
	body, err := json.Marshal(map[string]any{"repositoryName": "team/app", "imageIds": ids})
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func failureCodes(a ecrAnswer) []string {
	var codes []string
	for _, f := range a.Failures {
		codes = append(codes, f.FailureCode)
	}
	return codes
}

func TestECRSignature(t *testing.T) {
	t.Parallel()
	c := newTestClock()
	f := NewECR(t, ECROptions{Now: c.now})
	f.Pusher(t, "team/app").Image(fixture.Image{Tags: []string{"1"}})
	body := `{"repositoryName":"team/app"}`
	user, session, ended := f.UserKeys(), f.SessionKeys(), f.SessionKeys()
	f.mu.Lock()
	f.keys[ended.AccessKeyID] = AWSKeys{ended.AccessKeyID, ended.SecretAccessKey, ended.SessionToken, c.now()}
	f.mu.Unlock()
	for _, tc := range []struct {
		name string
		edit func(r *http.Request)
		want string
	}{
		{"user", func(r *http.Request) { signFor(r, user, "ecr", "eu-west-1", body, c.now()) }, ""},
		{"session", func(r *http.Request) { signFor(r, session, "ecr", "eu-west-1", body, c.now()) }, ""},
		{"expired", func(r *http.Request) { signFor(r, ended, "ecr", "eu-west-1", body, c.now()) }, "ExpiredTokenException"},
		{"none", func(*http.Request) {}, "MissingAuthenticationTokenException"},
		{"bearer", func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }, "IncompleteSignatureException"},
		{"other region", func(r *http.Request) { signFor(r, user, "ecr", "us-east-1", body, c.now()) }, "InvalidSignatureException"},
		{"other service", func(r *http.Request) { signFor(r, user, "sts", "eu-west-1", body, c.now()) }, "InvalidSignatureException"},
		{"other body", func(r *http.Request) { signFor(r, user, "ecr", "eu-west-1", body+" ", c.now()) }, "InvalidSignatureException"},
		{"old", func(r *http.Request) { signFor(r, user, "ecr", "eu-west-1", body, c.now().Add(-6*time.Minute)) }, "InvalidSignatureException"},
		{"ahead", func(r *http.Request) { signFor(r, user, "ecr", "eu-west-1", body, c.now().Add(6*time.Minute)) }, "InvalidSignatureException"},
		{"unsigned header", func(r *http.Request) {
			signFor(r, user, "ecr", "eu-west-1", body, c.now())
			r.Header.Set("X-Amz-More", "1")
		}, "InvalidSignatureException"},
		{"wrong payload hash", func(r *http.Request) {
			signFor(r, user, "ecr", "eu-west-1", body, c.now())
			auth := r.Header.Get("Authorization")
			r.Header.Set("X-Amz-Content-Sha256", hexSHA256(nil))
			r.Header.Set("Authorization", strings.Replace(auth, "host;", "host;x-amz-content-sha256;", 1))
		}, "InvalidSignatureException"},
		{"without the session token", func(r *http.Request) {
			signFor(r, AWSKeys{AccessKeyID: session.AccessKeyID, SecretAccessKey: session.SecretAccessKey}, "ecr", "eu-west-1", body, c.now())
		}, "UnrecognizedClientException"},
		{"unknown key", func(r *http.Request) {
			signFor(r, AWSKeys{AccessKeyID: "AKIAUNKNOWN", SecretAccessKey: "x"}, "ecr", "eu-west-1", body, c.now())
		}, "UnrecognizedClientException"},
		{"wrong secret", func(r *http.Request) {
			signFor(r, AWSKeys{AccessKeyID: user.AccessKeyID, SecretAccessKey: "x"}, "ecr", "eu-west-1", body, c.now())
		}, "InvalidSignatureException"},
	} {
		r := newRequest(t, "POST", "https://"+f.APIHost()+"/", body, "Content-Type", awsJSON, "X-Amz-Target", ecrTarget+"DescribeImages")
		tc.edit(r)
		a := send(t, f.Transport(), r)
		got := decode[ecrAnswer](t, a)
		checkEqual(t, tc.name, got.Type, tc.want)
		if ok := a.status == http.StatusOK && len(got.ImageDetails) == 1; ok != (tc.want == "") || !ok && a.status != http.StatusBadRequest {
			t.Errorf("%s: got %d %s", tc.name, a.status, a.body)
		}
	}
	if got := callECR(t, f, f.SessionKeys(), "DescribeImages", body); got.status != 200 {
		t.Errorf("fresh keys: got %d %s", got.status, got.body)
	}
	k := f.SessionKeys()
	f.ExpireKeys()
	checkEqual(t, "after all keys ended", decode[ecrAnswer](t, callECR(t, f, k, "DescribeImages", body)).Type, "ExpiredTokenException")
}

func TestECRListsImages(t *testing.T) {
	t.Parallel()
	c := newTestClock()
	f := NewECR(t, ECROptions{Now: c.now, EmptyFirstPage: true})
	k, p := f.UserKeys(), f.Pusher(t, "team/app")
	small := p.Image(fixture.Image{Seed: "small"})
	large := p.Image(fixture.Image{Seed: "large", Size: 5000})
	index := p.Index(fixture.Index{Tags: []string{"v1", "latest"}, Children: []oci.Digest{small, large}})
	referrer := p.Image(fixture.Image{Seed: "sbom", MediaType: fixture.OCIManifest, Subject: index, ArtifactType: "application/spdx+json"})
	archived := p.Image(fixture.Image{Tags: []string{"old"}})
	f.SetStatus(archived, "ARCHIVED")
	f.SetPulled(large, c.now())
	c.move(time.Hour)
	p.Tag(large, "retagged")

	list := func(filter string) (all []ecrDetail, pages int) {
		token := ""
		for {
			pages++
			a := decode[ecrAnswer](t, callECR(t, f, k, "DescribeImages",
				`{"repositoryName":"team/app","maxResults":2`+filter+token+`}`))
			all = append(all, a.ImageDetails...)
			if a.NextToken == "" {
				return all, pages
			}
			token = fmt.Sprintf(`,"nextToken":%q`, a.NextToken)
		}
	}
	active, pages := list("")
	checkEqual(t, "pages, the first of them empty", pages, 3)
	checkEqual(t, "active images", len(active), 4)
	all, _ := list(`,"filter":{"tagStatus":"ANY","imageStatus":"ANY"}`)
	checkEqual(t, "all images", len(all), 5)
	untagged, _ := list(`,"filter":{"tagStatus":"UNTAGGED","imageStatus":"ANY"}`)
	checkEqual(t, "untagged images", len(untagged), 2)
	by := map[oci.Digest]ecrDetail{}
	for _, d := range all {
		by[d.ImageDigest] = d
	}
	checkEqual(t, "size of an index", by[index].ImageSizeInBytes, by[large].ImageSizeInBytes)
	checkEqual(t, "large is larger", by[large].ImageSizeInBytes > by[small].ImageSizeInBytes, true)
	checkSlices(t, "tags", by[index].ImageTags, []string{"latest", "v1"})
	checkEqual(t, "subject", by[referrer].SubjectManifestDigest, index)
	checkEqual(t, "artifact type", by[referrer].ArtifactMediaType, "application/spdx+json")
	checkEqual(t, "status", by[archived].ImageStatus, "ARCHIVED")
	checkEqual(t, "pushed, not moved by the tag", by[large].ImagePushedAt.String(), "1.772600767E9")
	checkEqual(t, "pulled", by[large].LastRecordedPullTime.String(), "1.772600767E9")
	if a := callECR(t, f, k, "DescribeImages", `{"repositoryName":"team/app","imageIds":[{"imageDigest":"`+small.String()+`"}]}`); strings.Contains(a.body, "imageTags") {
		t.Errorf("an untagged image has imageTags: %s", a.body)
	}
	got := decode[ecrAnswer](t, callECR(t, f, k, "BatchGetImage", byDigest(t, index, archived)))
	checkEqual(t, "manifests got", len(got.Images), 1)
	checkSlices(t, "manifests not got", failureCodes(got), []string{"ImageInaccessible"})
	refs := decode[ecrAnswer](t, callECR(t, f, k, "ListImageReferrers",
		`{"repositoryName":"team/app","maxResults":50,"nextToken":"","subjectId":{"imageDigest":"`+index.String()+`"}}`))
	if refs.NextToken == "" || len(refs.Referrers) != 0 {
		t.Fatalf("referrers: got %+v, want an empty first page", refs)
	}
	refs = decode[ecrAnswer](t, callECR(t, f, k, "ListImageReferrers", fmt.Sprintf(
		`{"repositoryName":"team/app","nextToken":%q,"subjectId":{"imageDigest":%q}}`, refs.NextToken, index)))
	if len(refs.Referrers) != 1 || refs.Referrers[0].Digest != referrer {
		t.Errorf("referrers: got %v, want %s", refs.Referrers, referrer)
	}
}

func TestECRRefusesCalls(t *testing.T) {
	t.Parallel()
	f := NewECR(t, ECROptions{Deny: []string{"ecr:BatchGetImage"}})
	k, p := f.UserKeys(), f.Pusher(t, "team/app")
	d := p.Image(fixture.Image{Tags: []string{"1"}})
	many := make([]oci.Digest, 101)
	for i := range many {
		many[i] = digest.FromString(fmt.Sprint(i))
	}
	f.Throttle("BatchDeleteImage", 1)
	for _, tc := range []struct{ name, action, body, want string }{
		{"throttled", "BatchDeleteImage", byDigest(t, d), "ThrottlingException"},
		{"too many", "BatchDeleteImage", byDigest(t, many...), "InvalidParameterException"},
		{"none", "BatchDeleteImage", byDigest(t), "InvalidParameterException"},
		{"unknown repository", "BatchDeleteImage", strings.Replace(byDigest(t, d), "team/app", "team/other", 1), "RepositoryNotFoundException"},
		{"other registry", "DescribeImages", `{"repositoryName":"team/app","registryId":"210987654321"}`, "RepositoryNotFoundException"},
		{"page too large", "DescribeImages", `{"repositoryName":"team/app","maxResults":1001}`, "InvalidParameterException"},
		{"page too small", "DescribeImages", `{"repositoryName":"team/app","maxResults":0}`, "InvalidParameterException"},
		{"made up token", "DescribeImages", `{"repositoryName":"team/app","nextToken":"x"}`, "InvalidParameterException"},
		{"wrong filter", "DescribeImages", `{"repositoryName":"team/app","filter":{"tagStatus":"SOME"}}`, "InvalidParameterException"},
		{"no repository", "DescribeImages", `{}`, "InvalidParameterException"},
		{"unknown image", "DescribeImages", byDigest(t, many[0]), "ImageNotFoundException"},
		{"denied", "BatchGetImage", byDigest(t, d), "AccessDeniedException"},
		{"unknown action", "DeleteEverything", `{}`, "UnknownOperationException"},
		{"no JSON", "DescribeImages", `{`, "SerializationException"},
	} {
		a := callECR(t, f, k, tc.action, tc.body)
		checkEqual(t, tc.name, decode[ecrAnswer](t, a).Type, tc.want)
		checkEqual(t, tc.name, a.status, http.StatusBadRequest)
	}
	checkEqual(t, "refused, once for each image", len(f.Refused()), 1+101+1+1)
	checkEqual(t, "first refused", f.Refused()[0].Digest, d)
	checkSlices(t, "refused", slices.Compact(refusedCodes(&f.Books)),
		[]string{"ThrottlingException", "InvalidParameterException", "RepositoryNotFoundException"})
	checkEqual(t, "deleted", len(f.Deleted()), 0)
	checkEqual(t, "after the throttle", len(decode[ecrAnswer](t, callECR(t, f, k, "BatchDeleteImage", byDigest(t, d))).ImageIDs), 1)
}

func TestECRDeletes(t *testing.T) {
	t.Parallel()
	for _, settles := range []bool{false, true} {
		f := NewECR(t, ECROptions{SettlesInCall: settles, ImmutableTags: true})
		k, p := f.UserKeys(), f.Pusher(t, "team/app")
		child, other := p.Image(fixture.Image{Tags: []string{"child"}}), p.Image(fixture.Image{Seed: "other"})
		index := p.Index(fixture.Index{Tags: []string{"a", "b"}, Children: []oci.Digest{child, other}})
		broken := p.Image(fixture.Image{Tags: []string{"broken"}})
		f.Fail(broken, "KmsError")

		a := decode[ecrAnswer](t, callECR(t, f, k, "BatchDeleteImage", byDigest(t, child, broken, digest.FromString("x"), "sha256:x", "")))
		checkSlices(t, "failures", failureCodes(a),
			[]string{"ImageReferencedByManifestList", "KmsError", "ImageNotFound", "InvalidImageDigest", "MissingDigestAndTag"})
		checkEqual(t, "reason", a.Failures[0].FailureReason, "Requested image referenced by manifest list: ["+index.String()+"]")
		// The tag of a child does not go either.
		a = decode[ecrAnswer](t, callECR(t, f, k, "BatchDeleteImage", `{"repositoryName":"team/app","imageIds":[{"imageTag":"child"},{"imageDigest":"`+index.String()+`","imageTag":"child"}]}`))
		checkSlices(t, "by tag", failureCodes(a), []string{"ImageReferencedByManifestList", "ImageTagDoesNotMatchDigest"})

		a = decode[ecrAnswer](t, callECR(t, f, k, "BatchDeleteImage", byDigest(t, index, child)))
		want, codes := []ecrID{{index.String(), "a"}, {index.String(), "b"}}, []string{"ImageReferencedByManifestList"}
		if settles {
			want, codes = append(want, ecrID{child.String(), "child"}), nil
		}
		checkSlices(t, "gone", a.ImageIDs, want)
		checkSlices(t, "failures", failureCodes(a), codes)
		if !settles {
			a = decode[ecrAnswer](t, callECR(t, f, k, "BatchDeleteImage", byDigest(t, child)))
			checkSlices(t, "in the next call", a.ImageIDs, []ecrID{{child.String(), "child"}})
		}
		a = decode[ecrAnswer](t, callECR(t, f, k, "BatchDeleteImage", byDigest(t, other)))
		checkSlices(t, "untagged", a.ImageIDs, []ecrID{{ImageDigest: other.String()}})
		checkSlices(t, "books", deletedDigests(&f.Books), []oci.Digest{index, child, other})
		checkEqual(t, "left", len(f.Images("team/app")), 1)
		for _, r := range f.Refused() { // what was not there is not refused
			checkEqual(t, r.What, r.Code == "ImageNotFound", false)
		}
	}
}

func TestECRDeletesTheImageWithItsLastTag(t *testing.T) {
	t.Parallel()
	f := NewECR(t, ECROptions{CascadeReferrers: true})
	k, p := f.UserKeys(), f.Pusher(t, "team/app")
	d := p.Image(fixture.Image{Tags: []string{"1", "2"}})
	sbom := p.Image(fixture.Image{Seed: "sbom", MediaType: fixture.OCIManifest, Subject: d, ArtifactType: "application/spdx+json"})
	for n, tag := range []string{"1", "2"} {
		a := decode[ecrAnswer](t, callECR(t, f, k, "BatchDeleteImage", `{"repositoryName":"team/app","imageIds":[{"imageTag":"`+tag+`"}]}`))
		checkSlices(t, tag, a.ImageIDs, []ecrID{{d.String(), tag}})
		checkEqual(t, "images left", len(f.Images("team/app")), 2-2*n)
	}
	checkSlices(t, "books", deletedDigests(&f.Books), []oci.Digest{d, sbom})
}

func TestECRRegistry(t *testing.T) {
	t.Parallel()
	c := newTestClock()
	f := NewECR(t, ECROptions{Now: c.now, ImmutableTags: true})
	p := f.Pusher(t, "team/app")
	child := p.Image(fixture.Image{Seed: "child"})
	index := p.Index(fixture.Index{Tags: []string{"a"}, Children: []oci.Digest{child}})
	twice := p.Image(fixture.Image{Tags: []string{"b", "c"}})
	password := f.Password()
	v2 := func(method, path string, headers ...string) cloudAnswer {
		if len(headers) == 0 {
			headers = []string{"Authorization", basicLogin("AWS", password)}
		}
		return send(t, f.Transport(), newRequest(t, method, "https://"+f.RegistryHost()+"/v2/"+path, "", headers...))
	}
	a := v2("GET", "", "X-None", "1")
	checkEqual(t, "challenge", a.header.Get("WWW-Authenticate"), `Basic realm="https://123456789012.dkr.ecr.eu-west-1.amazonaws.com/",service="ecr.amazonaws.com"`)
	checkEqual(t, "without a login", a.status, http.StatusUnauthorized)
	checkEqual(t, "wrong password", v2("GET", "", "Authorization", basicLogin("AWS", "x")).code(), "DENIED")
	checkEqual(t, "wrong user", v2("GET", "", "Authorization", basicLogin("root", password)).code(), "DENIED")
	checkEqual(t, "login", v2("GET", "").status, http.StatusOK)

	checkEqual(t, "unknown repository", v2("GET", "team/other/tags/list").code(), "NAME_UNKNOWN")
	a = v2("GET", "team/app/tags/list?n=1001")
	checkEqual(t, "too many tags", fmt.Sprint(a.status, a.code()), "405UNSUPPORTED")
	tags, next := []string{}, "team/app/tags/list?n=2"
	for next != "" {
		a := v2("GET", next)
		tags = append(tags, decode[struct{ Tags []string }](t, a).Tags...)
		_, next, _ = strings.Cut(strings.TrimSuffix(a.header.Get("Link"), `>; rel="next"`), "/v2/")
	}
	slices.Sort(tags)
	checkSlices(t, "tags", tags, []string{"a", "b", "c"})

	checkEqual(t, "immutable", v2("PUT", "team/app/manifests/a").code(), "TAG_INVALID")
	checkEqual(t, "referenced child", v2("DELETE", "team/app/manifests/"+child.String()).code(), "DENIED")
	checkEqual(t, "no digest", v2("DELETE", "team/app/manifests/sha256:x").code(), "DIGEST_INVALID")
	checkEqual(t, "one tag of two", v2("DELETE", "team/app/manifests/b").status, http.StatusAccepted)
	checkEqual(t, "left", len(f.Images("team/app")), 3)
	checkEqual(t, "last tag", v2("DELETE", "team/app/manifests/c").status, http.StatusAccepted)
	checkEqual(t, "index", v2("DELETE", "team/app/manifests/"+index.String()).status, http.StatusAccepted)
	checkEqual(t, "child", v2("DELETE", "team/app/manifests/"+child.String()).status, http.StatusAccepted)
	checkEqual(t, "gone", v2("DELETE", "team/app/manifests/"+child.String()).code(), "MANIFEST_UNKNOWN")
	checkSlices(t, "books", deletedDigests(&f.Books), []oci.Digest{twice, index, child})
	checkSlices(t, "refused", refusedCodes(&f.Books), []string{"DENIED", "DIGEST_INVALID"})
	c.move(loginLife)
	checkEqual(t, "expired", fmt.Sprint(v2("GET", "").status, v2("GET", "").code()), "403DENIED")
}

func TestECRRegistryModes(t *testing.T) {
	t.Parallel()
	del := func(f *ECR) cloudAnswer {
		d := f.Pusher(t, "team/app").Image(fixture.Image{Tags: []string{"1"}})
		return send(t, f.Transport(), newRequest(t, "DELETE", "https://"+f.RegistryHost()+"/v2/team/app/manifests/"+d.String(), "",
			"Authorization", basicLogin("AWS", f.Password())))
	}
	old := NewECR(t, ECROptions{NoOCIDelete: true})
	a := del(old)
	checkEqual(t, "without deletion", fmt.Sprint(a.status, a.body), "404404 page not found\n")
	denied := NewECR(t, ECROptions{Deny: []string{"ecr:BatchDeleteImage"}})
	checkEqual(t, "denied", del(denied).status, http.StatusForbidden)
	for _, f := range []*ECR{old, denied} {
		checkEqual(t, "images left", len(f.Images("team/app")), 1)
		checkEqual(t, "refused", len(f.Refused()), 1)
	}
	checkEqual(t, "China", NewECR(t, ECROptions{Region: "cn-north-1"}).APIHost(), "api.ecr.cn-north-1.amazonaws.com.cn")
}

func TestECRPublic(t *testing.T) {
	t.Parallel()
	f := NewECR(t, ECROptions{Alias: "acme"})
	d := f.Pusher(t, "acme/app").Image(fixture.Image{Tags: []string{"1"}})
	get := func(path string, headers ...string) cloudAnswer {
		return send(t, f.Transport(), newRequest(t, "GET", "https://public.ecr.aws"+path, "", headers...))
	}
	checkEqual(t, "challenge", get("/v2/acme/app/tags/list").header.Get("WWW-Authenticate"),
		`Bearer realm="https://public.ecr.aws/token/",service="public.ecr.aws",scope="aws"`)
	token := decode[map[string]string](t, get("/token/?service=public.ecr.aws&scope=aws"))["token"]
	checkEqual(t, "read by everybody", get("/v2/acme/app/tags/list", "Authorization", "Bearer "+token).status, http.StatusOK)
	r := newRequest(t, "DELETE", "https://public.ecr.aws/v2/acme/app/manifests/"+d.String(), "", "Authorization", "Bearer "+token)
	checkEqual(t, "not deleted by everybody", send(t, f.Transport(), r).code(), "DENIED")
	a := callECR(t, f, f.UserKeys(), "DescribeImages", `{"repositoryName":"app"}`)
	if strings.Contains(a.body, "imageStatus") || len(decode[ecrAnswer](t, a).ImageDetails) != 1 {
		t.Errorf("images: got %s", a.body)
	}
	a = callECR(t, f, f.UserKeys(), "BatchDeleteImage", strings.Replace(byDigest(t, d), "team/app", "app", 1))
	checkSlices(t, "deleted", decode[ecrAnswer](t, a).ImageIDs, []ecrID{{d.String(), "1"}})
}

func TestECRKeys(t *testing.T) {
	t.Parallel()
	f := NewECR(t, ECROptions{})
	f.Pusher(t, "team/app").Image(fixture.Image{Tags: []string{"1"}})
	good := url.Values{
		"Action": {"AssumeRoleWithWebIdentity"}, "Version": {"2011-06-15"}, "RoleArn": {f.RoleARN()},
		"RoleSessionName": {"prune"}, "WebIdentityToken": {f.WebIdentity()},
	}
	for _, tc := range []struct{ name, field, value, want string }{
		{"action", "Action", "GetCallerIdentity", "InvalidAction"},
		{"token", "WebIdentityToken", "x", "InvalidIdentityToken"},
		{"no token", "WebIdentityToken", "", "MissingParameter"},
		{"role", "RoleArn", "arn:aws:iam::123456789012:role/admin", "AccessDenied"},
		{"session name", "RoleSessionName", "a b", "ValidationError"},
	} {
		q := url.Values{}
		for name, values := range good {
			q[name] = values
		}
		q.Set(tc.field, tc.value)
		a := send(t, f.Transport(), newRequest(t, "GET", "https://sts.eu-west-1.amazonaws.com/?"+q.Encode(), ""))
		var e stsError
		if err := xml.Unmarshal([]byte(a.body), &e); err != nil || e.Code != tc.want || a.status < 400 {
			t.Errorf("%s: got %d %s, %v", tc.name, a.status, a.body, err)
		}
	}
	var answer stsAnswer
	a := send(t, f.Transport(), newRequest(t, "POST", "http://"+f.Host()+"/", good.Encode(), "Content-Type", "application/x-www-form-urlencoded"))
	if err := xml.Unmarshal([]byte(a.body), &answer); err != nil {
		t.Fatal(err)
	}
	keys := []AWSKeys{{AccessKeyID: answer.Keys.AccessKeyID, SecretAccessKey: answer.Keys.SecretAccessKey, SessionToken: answer.Keys.SessionToken}}
	for _, tc := range []struct {
		path, auth string
		want       int
	}{
		{"/v1/credentials", f.ContainerToken(), 200},
		{"/v1/credentials", "Bearer " + f.ContainerToken(), 401},
		{"/v1/credentials", "", 401},
		{"/v2/credentials/" + f.ContainerToken(), "", 200},
		{"/v2/credentials/other", "", 400},
	} {
		a := send(t, f.Transport(), newRequest(t, "GET", f.URL()+tc.path, "", "Authorization", tc.auth))
		checkEqual(t, tc.path, a.status, tc.want)
		if got := decode[map[string]string](t, a); tc.want == 200 {
			keys = append(keys, AWSKeys{AccessKeyID: got["AccessKeyId"], SecretAccessKey: got["SecretAccessKey"], SessionToken: got["Token"]})
		}
	}
	for _, k := range keys {
		a := callECR(t, f, k, "GetAuthorizationToken", `{}`)
		data := decode[struct {
			AuthorizationData []struct{ AuthorizationToken, ProxyEndpoint string }
		}](t, a).AuthorizationData[0]
		login, err := base64.StdEncoding.DecodeString(data.AuthorizationToken)
		user, password, _ := strings.Cut(string(login), ":")
		a = send(t, f.Transport(), newRequest(t, "GET", data.ProxyEndpoint+"/v2/", "", "Authorization", basicLogin(user, password)))
		if err != nil || a.status != http.StatusOK {
			t.Errorf("login: got %d %s, %v", a.status, a.body, err)
		}
	}
	checkEqual(t, "strays", len(f.Strays()), 0)
}

func basicLogin(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}
