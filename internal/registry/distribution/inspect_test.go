package distribution_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

func TestServesReferrers(t *testing.T) {
	t.Parallel()
	answer := func(status int, mediaType, body string) *registrytest.Fault {
		return &registrytest.Fault{Path: "*/referrers/*", Times: -1, Status: status, Header: http.Header{"Content-Type": {mediaType}}, Body: body}
	}
	for name, c := range map[string]struct {
		fault  *registrytest.Fault
		served bool
		fails  bool
	}{
		"distribution":       {nil, false, false},
		"an index":           {answer(200, fixture.OCIIndex, `{"schemaVersion":2,"manifests":[]}`), true, false},
		"an index, charset":  {answer(200, fixture.OCIIndex+"; charset=utf-8", `{}`), true, false},
		"a page of a proxy":  {answer(200, "text/html", "<html>"), false, false},
		"no manifest":        {answer(404, "application/json", `{"errors":[{"code":"MANIFEST_UNKNOWN"}]}`), false, false},
		"not a method there": {answer(405, "text/plain", ""), false, false},
		"not allowed":        {answer(403, "application/json", `{"errors":[{"code":"DENIED"}]}`), false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reg := registrytest.New(t, registrytest.Options{})
			d := reg.Pusher(t, "team/app").Image(fixture.Image{Seed: "1", Tags: []string{"1"}})
			if c.fault != nil {
				reg.AddFault(*c.fault)
			}
			r := openHost(reg.Host(), registry.Options{}).Repository("team/app")
			if got, err := r.ServesReferrers(t.Context(), d); got != c.served || (err != nil) != c.fails {
				t.Errorf("got %t, %v", got, err)
			}
			if _, err := r.ServesReferrers(t.Context(), "latest/../x"); err == nil {
				t.Error("what is not a digest is asked about")
			}
		})
	}
}

// The access is that of the token which the snapshot has used; nothing is sent for it.
func TestAccess(t *testing.T) {
	t.Parallel()
	login := registry.Credentials{Explicit: func(string) (registry.Login, bool) {
		return registry.Login{Username: "ci", Password: "s3cret", Source: "a test"}, true
	}}
	for name, c := range map[string]struct {
		options registrytest.Options
		want    registry.Access
	}{
		"nothing is asked": {registrytest.Options{}, registry.Access{Source: "a test"}},
		"basic":            {registrytest.Options{Auth: registrytest.BasicAuth}, registry.Access{Source: "a test", Asked: true}},
		"a token":          {registrytest.Options{Auth: registrytest.TokenAuth}, registry.Access{Source: "a test", Asked: true}},
		"a JWT":            {registrytest.Options{Auth: registrytest.TokenAuth, JWT: true}, registry.Access{Source: "a test", Asked: true, Known: true, Actions: []string{"delete", "pull"}}},
		"a JWT with less":  {registrytest.Options{Auth: registrytest.TokenAuth, JWT: true, Deny: []string{"delete"}}, registry.Access{Source: "a test", Asked: true, Known: true, Actions: []string{"pull"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.options.Username, c.options.Password = "ci", "s3cret"
			reg := registrytest.New(t, c.options)
			reg.Pusher(t, "team/app").Image(fixture.Image{Seed: "1", Tags: []string{"1"}})
			r := openHost(reg.Host(), registry.Options{Credentials: login}).Repository("team/app")
			if _, err := r.Snapshot(t.Context(), registry.Query{}); err != nil {
				t.Fatal(err)
			}
			before := len(reg.Requests())
			got, err := r.Access(t.Context())
			slices.Sort(got.Actions)
			if err != nil || got.Source != c.want.Source || got.Asked != c.want.Asked || got.Known != c.want.Known || !slices.Equal(got.Actions, c.want.Actions) || len(reg.Requests()) != before {
				t.Errorf("got %+v, %v; want %+v", got, err, c.want)
			}
			if served, err := r.ServesReferrers(t.Context(), oci.Digest("sha256:"+zeros)); served || err != nil {
				t.Errorf("the referrers API: %t, %v", served, err)
			}
		})
	}
}

const zeros = "0000000000000000000000000000000000000000000000000000000000000000"

// A token server that does not know the action delete, as Quay's, leaves it out of every token. That says nothing of the
// right to delete.
func TestAccessOfAModestTokenServer(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{Auth: registrytest.TokenAuth, JWT: true})
	reg.Pusher(t, "team/app").Image(fixture.Image{Seed: "1", Tags: []string{"1"}})
	reg.AddFault(registrytest.Fault{Path: "/token", Status: http.StatusBadRequest, Body: `{"errors":[{"code":"BAD","message":"unknown action delete"}]}`})
	r := openHost(reg.Host(), registry.Options{}).Repository("team/app")
	if _, err := r.Snapshot(t.Context(), registry.Query{}); err != nil {
		t.Fatal(err)
	}
	if got, err := r.Access(t.Context()); err != nil || got.Known || !got.Asked {
		t.Errorf("got %+v, %v", got, err)
	}
}
