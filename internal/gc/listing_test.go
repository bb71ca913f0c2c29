package gc

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
)

// The digests in the logs of real dry runs with --delete-untagged: latest of team/multi is a signed index that was pushed
// again, with two platforms each time; latest of team/app was pushed three times.
const (
	overwrittenIndex = oci.Digest("sha256:8f622000371d4268ef90257d223035073debdea313d82cd16f9363ba880774d4")
	taggedIndex      = oci.Digest("sha256:8c85962f5a5f275184bd8f922a850eba81ce2f6713262d55ad688020bd3bb21e")
	platformOfTagged = oci.Digest("sha256:58ad2cd2b37ca229c67fbd45fae75a3d8ae5ce9c727f34cdfda62285ee742d97")
)

func listingOf(t *testing.T, text string) (Listing, error) {
	t.Helper()
	var out Listing
	log, err := (&parser{listing: &out}).read(strings.NewReader(text))
	out.Log = log
	out.sort()
	return out, err
}

// What has no tag is named by 2.x under its repository and by 3.x with it. The platforms of a tagged index have no tag of
// their own: 2.x names them, 3.x does not.
func TestListing(t *testing.T) {
	t.Parallel()
	for file, c := range map[string]struct {
		multi     int
		platforms bool
	}{"untagged-multi-2.8.log": {5, true}, "untagged-multi-3.1.log": {3, false}} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			l, err := listingOf(t, logText(t, file))
			if err != nil || l.named != l.Log.ManifestsEligible {
				t.Fatalf("named %d of %d, %v", l.named, l.Log.ManifestsEligible, err)
			}
			if got := l.Paths(); !slices.Equal(got, []string{"team/app", "team/multi"}) {
				t.Errorf("the repositories are %q", got)
			}
			multi := l.Candidates("team/multi")
			if len(multi) != c.multi || !slices.Contains(multi, overwrittenIndex) || slices.Contains(multi, taggedIndex) || slices.Contains(multi, platformOfTagged) != c.platforms {
				t.Errorf("the candidates are %v", multi)
			}
			if len(l.Candidates("team/app")) != 2 || len(l.Candidates("team/whole"))+len(l.Candidates("team/none")) != 0 {
				t.Errorf("the others are %v, %v", l.Candidates("team/app"), l.Candidates("team/whole"))
			}
			if !l.Holds("team/multi", overwrittenIndex) || !l.Holds("team/multi", taggedIndex) || l.Holds("team/app", taggedIndex) || l.Holds("team/none", taggedIndex) {
				t.Error("what the storage holds is wrong")
			}
			if _, known := l.Age("team/multi", overwrittenIndex); known {
				t.Error("it has an age before anybody has asked")
			}
			if _, known := l.Age("team/none", overwrittenIndex); known {
				t.Error("it has an age in a repository that is not there")
			}
		})
	}
}

// A log that is cut, or that names something in a way that is not known, names nothing.
func TestListingIsWholeOrAnError(t *testing.T) {
	t.Parallel()
	two, three := logText(t, "untagged-multi-2.8.log"), logText(t, "untagged-multi-3.1.log")
	line := eligibleManifest + "{team/app sha256:40dbe4a337e97044479f251f6166f95b1bbff6e3a54f53ac793ca420b57f5535"
	for name, c := range map[string]struct{ text, says string }{
		"cut":                   {two[:len(two)/2], "it is cut off"},
		"cut in a line":         {two[:strings.Index(two, "40dbe4a337")], "it is cut off"},
		"another form":          {strings.Replace(three, line, eligibleManifest+"[team/app", 1), "names a manifest in an unknown way"},
		"not a repository":      {strings.Replace(three, "{team/app", "{../app", 1), "names a manifest in an unknown way"},
		"not a digest":          {strings.Replace(three, line, eligibleManifest+"{team/app sha256:40db", 1), "names a manifest in an unknown way"},
		"of no repository":      {eligibleManifest + overwrittenIndex.String() + "\n" + two, "names a manifest of no repository"},
		"after the summary":     {two + eligibleManifest + overwrittenIndex.String() + "\n", "names a manifest of no repository"},
		"GitLab's":              {`time="x" level=info msg="mark stage complete" go.version=go1.25 version=v4.0-gitlab` + "\n", "it is cut off"},
		"the tags are cut":      {strings.Replace(three, " [latest]}", " ["+strings.Repeat("tag ", maxLine/4)+"]}", 1), ""},
		"another digest's kind": {strings.Replace(three, overwrittenIndex.String()+" [", "sha512:"+strings.Repeat("ab", 64)+" [", 1), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, err := listingOf(t, c.text)
			if c.says == "" {
				if err != nil || l.named != 5 {
					t.Errorf("named %d, %v", l.named, err)
				}
			} else if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want %q", err, c.says)
			}
		})
	}
}

func TestListUntagged(t *testing.T) {
	t.Parallel()
	two := strings.Replace(fakeProbe, "distribution/v3 v3.1.2", "distribution v2.8.2", 1)
	abort := func(f *fakeHost, said string) {
		f.probe, f.log = two, logText(t, "dry-run-2.8.log")
		runs := 0
		f.fail = func(step string) error {
			if step != "run" {
				return nil
			}
			if runs++; runs > 1 {
				return nil
			}
			return &CommandError{"sh", 1, said, errors.New("exit status 1")}
		}
	}
	for name, c := range map[string]struct {
		change func(*fakeHost)
		says   string
		kind   Kind
		named  int
	}{
		"3.x":                  {func(*fakeHost) {}, "", "", 5},
		"2.x":                  {func(f *fakeHost) { f.probe, f.log = two, logText(t, "untagged-multi-2.8.log") }, "", "", 7},
		"another's storage":    {func(f *fakeHost) { f.storage += "lacks=team/app@sha256:" + fakeHex + "\n" }, "which the registry serves: it is not this registry's", KindRefused, 0},
		"no folder":            {func(f *fakeHost) { f.storage = "repositories=0\n" }, "does not exist", KindRefused, 0},
		"nothing was pushed":   {func(f *fakeHost) { f.storage, f.sample = "root=yes\nrepositories=0\n", nil }, "", "", 0},
		"buckets":              {func(f *fakeHost) { f.config = "storage: {s3: {}}" }, "", "", 5},
		"a proxy":              {func(f *fakeHost) { f.config += "\nproxy: {remoteurl: https://x}" }, "pull-through cache", KindRefused, 0},
		"GitLab's":             {func(f *fakeHost) { f.probe = strings.Replace(fakeProbe, "v3.1.2", "v4.15.2-gitlab", 1) }, "this is GitLab's registry", KindRefused, 0},
		"cut":                  {func(f *fakeHost) { f.log = f.log[:len(f.log)/2] }, "garbage-collect --dry-run: not the log of a garbage collection", KindFailed, 0},
		"a number too few":     {func(f *fakeHost) { f.log = strings.Replace(f.log, "and 5 manifests", "and 6 manifests", 1) }, "it names 5 manifests without a tag, and its summary says 6", KindFailed, 0},
		"it fails":             {failing("run"), "garbage-collect --dry-run: run fails", KindFailed, 0},
		"a repository on 2.x":  {func(f *fakeHost) { abort(f, "failed to retrieve tags unknown repository name=team/bydigest") }, "", "", 87},
		"another end on 2.x":   {func(f *fakeHost) { abort(f, "invalid checksum digest format") }, "invalid checksum digest format", KindFailed, 0},
		"no times of pushes":   {failing("pushed"), "", "", 5},
		"it takes too long":    {func(f *fakeHost) { f.took = 2 * time.Hour }, "it took longer than --gc-timeout", KindFailed, 0},
		"it does not end well": {failing("close"), "close fails", KindFailed, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				f.log = logText(t, "untagged-multi-3.1.log")
				c.change(f)
				l, err := ListUntagged(t.Context(), f.target(), Options{}, f.sample)
				if c.says == "" && (err != nil || l.named != c.named) {
					t.Errorf("named %d, want %d: %v", l.named, c.named, err)
				}
				if c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says) || KindOf(err) != c.kind || hintOf(err) == "" && c.kind != KindRefused || len(l.Paths()) > 0) {
					t.Errorf("got %v, hint %q, %v", err, hintOf(err), l.Paths())
				}
				if unknown := len(l.Notes) > 0; unknown != slices.Contains([]string{"buckets", "no times of pushes", "a repository on 2.x"}, name) {
					t.Errorf("notes %q", l.Notes)
				}
				f.wantSteps(t, "open", "close", "!stop", "!lock")
			})
		})
	}
}

// A listing of many manifests takes few bytes for each.
func TestListingIsSmall(t *testing.T) {
	t.Parallel()
	var l Listing
	for i := range 1000 {
		l.name("team/app", oci.Digest(fmt.Sprintf("sha256:%064x", i)))
	}
	l.sort()
	if size := reflect.TypeFor[candidate]().Size(); size != 40 || len(l.Candidates("team/app")) != 1000 {
		t.Errorf("a candidate has %d bytes", size)
	}
}
