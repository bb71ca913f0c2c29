package distribution_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// builds pushes b1 to bn.
func builds(t *testing.T, reg *registrytest.Registry, n int) {
	t.Helper()
	for i := range n {
		reg.Pusher(t, "team/app").Image(fixture.Image{Tags: []string{fmt.Sprintf("b%d", i+1)}, Created: built.AddDate(0, 0, i)})
	}
}

// The rest of a list is under the path of its beginning. Anything else may be another repository's.
func TestListGoesOnUnderItsOwnPath(t *testing.T) {
	t.Parallel()
	for link, want := range map[string]string{
		`</v2/team/app/tags/list?last=b2&n=2>; rel="next"`:                        "",
		`  < /v2/team/app/tags/list?last=b2&n=2 > ;  rel = "next" `:               "",
		`<http://HOST/v2/team/app/tags/list?last=b2&n=2>; rel="next"`:             "",
		`<?last=b2&n=2>; rel="next"`:                                              "",
		`</v2/app/tags/list?last=b2&n=2>; rel="next"`:                             "another list, /v2/app/tags/list",
		`</prefix/v2/team/app/tags/list?last=b2&n=2>; rel="next"`:                 "another list",
		`</v2/team%2Fapp/tags/list?last=b2&n=2>; rel="next"`:                      "another list",
		`<../../team2/app/tags/list?last=b2&n=2>; rel="next"`:                     "another list",
		`<http://registry.example.net/v2/team/app/tags/list?last=b2>; rel="next"`: "another host",
		`<http://127.0.0.1:1/v2/team/app/tags/list?last=b2>; rel="next"`:          "another host",
		`<http://127.0.0.1/v2/team/app/tags/list?last=b2>; rel="next"`:            "another host",
		`</v2/team/app/tags/list?last=b2&n=2>; rel="next", <x>; rel="next"`:       "another list",
	} {
		t.Run(link, func(t *testing.T) {
			t.Parallel()
			reg := registrytest.New(t, registrytest.Options{MaxTags: 2, AlwaysPage: true})
			builds(t, reg, 3)
			reg.AddFault(registrytest.Fault{Path: "*/tags/list", Edit: registrytest.SetHeader("Link", strings.ReplaceAll(link, "HOST", reg.Host()))})
			s, err := client(reg).Repository("team/app").Snapshot(t.Context(), registry.Query{})
			if want == "" && (err != nil || len(s.Images) != 3) {
				t.Errorf("got %d images, %v", len(s.Images), err)
			}
			if want != "" && (!errors.Is(err, registry.ErrIncomplete) || !strings.Contains(err.Error(), want)) {
				t.Errorf("got %v, want %q", err, want)
			}
		})
	}
}

func TestListThatIsAmbiguous(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{"tags":["b1","b2"],"tags":["b1"]}`, `{"tags":["b1"],"Tags":["b1","b2"]}`, `null`, `["b1"]`} {
		reg := registrytest.New(t, registrytest.Options{})
		builds(t, reg, 2)
		reg.AddFault(registrytest.Fault{Path: "*/tags/list", Edit: registrytest.SetBody(body)})
		_, err := client(reg).Repository("team/app").Snapshot(t.Context(), registry.Query{})
		if !errors.Is(err, registry.ErrIncomplete) || !strings.Contains(err.Error(), "tags/list") {
			t.Errorf("%s: got %v", body, err)
		}
	}
}

// Nothing can be asked for by a name that is no tag, so nothing depends on it.
func TestListedNamesThatCannotBeTags(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	builds(t, reg, 2)
	reg.AddFault(registrytest.Fault{Path: "*/tags/list", Times: -1, Edit: registrytest.SetBody(
		`{"tags":["@eaDir","b1","..","../../other/manifests/b1","a b","b2","","` + strings.Repeat("x", 200) + `"]}`,
	)})
	r := client(reg).Repository("team/app")
	s, err := r.Snapshot(t.Context(), registry.Query{})
	if err != nil || len(s.Images) != 2 || len(s.Warnings) != 1 || !strings.Contains(s.Warnings[0], `"@eaDir"`) || !strings.Contains(s.Warnings[0], "6 such names") {
		t.Errorf("got %d images, warnings %q, %v", len(s.Images), s.Warnings, err)
	}
	if later, err := r.Refresh(t.Context(), s, nil); err != nil || len(later.Ghosts) != 0 {
		t.Errorf("later: ghosts %q, %v", later.Ghosts, err)
	}
	if asked := reg.Requests(); slices.ContainsFunc(asked, func(r registrytest.Request) bool { return strings.Contains(r.Path, "other") }) {
		t.Errorf("asked: %v", asked)
	}
}

func TestListWithoutEnd(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	builds(t, reg, 1)
	n := 0
	reg.AddFault(registrytest.Fault{Path: "*/tags/list", Times: -1, Edit: func(r *registrytest.Response) {
		names := make([]string, 60_000)
		for i := range names {
			names[i] = fmt.Sprintf("%q", fmt.Sprintf("t%d", n*len(names)+i))
		}
		n++
		r.Body = []byte(`{"tags":[` + strings.Join(names, ",") + `]}`)
		r.Header.Set("Link", fmt.Sprintf(`<?page=%d>; rel="next"`, n))
	}})
	_, err := client(reg).Repository("team/app").Snapshot(t.Context(), registry.Query{})
	if !errors.Is(err, registry.ErrIncomplete) || !strings.Contains(err.Error(), "more than 500000 names") {
		t.Errorf("got %v", err)
	}
}
