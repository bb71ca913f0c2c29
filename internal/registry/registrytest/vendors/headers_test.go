package vendors

import (
	"testing"

	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

func TestHeaders(t *testing.T) {
	t.Parallel()
	o := HeadersOptions{Logins: []Login{{User: "ci", Password: "c", Actions: []string{"pull", "delete"}}, {User: "reader", Password: "r", Actions: []string{"pull"}}}}
	for _, tc := range []struct {
		name           string
		f              *Headers
		header, realm  string
		want, notThere string
	}{
		{"nexus", NewNexus(t, o), "Server", `BASIC realm="Sonatype Nexus Repository Manager"`, "Nexus/3.89.1-02 (COMMUNITY)", "X-JFrog-Version"},
		{"artifactory", NewArtifactory(t, o), "X-JFrog-Version", `Basic realm="Artifactory Realm"`, "Artifactory/7.117.5 81705900", "Server"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			v := visitor{t: t, base: tc.f.URL()}
			image := tc.f.Pusher(t, "app").Image(fixture.Image{Tags: []string{"a"}})
			path := manifestPath("app", image)
			a := v.delete(path)
			a.tells(t, "stranger", 401, "UNAUTHORIZED")
			alike(t, "realm", a.header.Get("WWW-Authenticate"), tc.realm)
			alike(t, "header", []any{a.header.Get(tc.header), a.header.Get(tc.notThere)}, []any{tc.want, ""})
			alike(t, "header", v.as("ci", "c").get("/v2/").header.Get(tc.header), tc.want)
			v.as("reader", "r").delete(path).tells(t, "reader", 403, "DENIED")
			v.as("ci", "c").delete(path).tells(t, "ci", 202, "")
			v.as("ci", "c").delete(path).tells(t, "again", 404, "MANIFEST_UNKNOWN")
			alike(t, "tags", len(tc.f.Tags("app")), 0)
			alike(t, "books", []int{len(tc.f.Deleted()), len(tc.f.Refused())}, "[1 3]")
		})
	}
}

func TestNexusLeavesTags(t *testing.T) {
	t.Parallel()
	f := NewNexus(t, HeadersOptions{LeavesTags: true})
	v := visitor{t: t, base: f.URL()}
	image := f.Pusher(t, "app").Image(fixture.Image{Tags: []string{"a"}})
	v.delete(manifestPath("app", image)).tells(t, "digest", 202, "")
	alike(t, "listed", f.Tags("app")["a"], image)
	alike(t, "there", v.get(manifestPath("app", "a")).status, 404)
}
