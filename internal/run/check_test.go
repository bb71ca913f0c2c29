package run

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/gc"
	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/report"
	"github.com/regsweep/regsweep/internal/state"
)

// standIn is a registry with one repository that answers what a test says.
type standIn struct {
	repository registry.Repository
	traits     registry.Traits
}

func (s standIn) Repository(string) registry.Repository          { return s.repository }
func (s standIn) Catalog(context.Context) ([]string, error)      { return []string{"team/app"}, nil }
func (s standIn) Ping(context.Context) error                     { return nil }
func (s standIn) Traits() registry.Traits                        { return s.traits }
func (s standIn) open(string) (registry.Registry, error)         { return s, nil }
func (s standIn) check(t *testing.T, job CheckJob) report.Checks { return checkOf(t, s.open, job) }

// plainRepository can do what every repository can.
type plainRepository struct {
	snapshot oci.Snapshot
	unread   error
	result   registry.Result // of each deletion
	deleted  *int
}

func (r plainRepository) Snapshot(context.Context, registry.Query) (oci.Snapshot, error) {
	return r.snapshot, r.unread
}

func (r plainRepository) Refresh(context.Context, oci.Snapshot, map[string]oci.Digest) (oci.Snapshot, error) {
	return r.snapshot, nil
}

func (r plainRepository) Delete(_ context.Context, level []oci.Image) []registry.Result {
	if r.deleted != nil {
		*r.deleted++
	}
	if len(level) != 1 || level[0].Digest.Validate() != nil || len(level[0].Tags) > 0 {
		return []registry.Result{{Err: errors.New("not a digest alone")}}
	}
	return []registry.Result{r.result}
}

// The abilities that some kinds have.
type (
	inspected struct {
		plainRepository
		access registry.Access
		refers error
	}
	probed struct {
		plainRepository
		err error
	}
	tagged struct {
		plainRepository
		can bool
		err error
	}
	limited struct {
		plainRepository
		left   int
		resets time.Time
		known  bool
	}
	undetermined struct {
		plainRepository
		traits registry.Traits
	}
)

func (r inspected) Access(context.Context) (registry.Access, error) { return r.access, nil }
func (r inspected) ServesReferrers(context.Context, oci.Digest) (bool, error) {
	return r.refers == nil, r.refers
}
func (r probed) Probe(context.Context) error                 { return r.err }
func (r tagged) CanDeleteTags(context.Context) (bool, error) { return r.can, r.err }
func (r limited) Remaining(context.Context) (int, time.Time, bool) {
	return r.left, r.resets, r.known
}

func (r tagged) DeleteTag(context.Context, string, oci.Digest) (bool, error) {
	return false, errors.New("a check removes no tag")
}

func (r undetermined) Recognized() (registry.Repository, registry.Traits) {
	return r.plainRepository, r.traits
}

var app = oci.Repository{Host: "registry.example.com", Path: "team/app"}

func checkOf(t *testing.T, open func(string) (registry.Registry, error), job CheckJob) report.Checks {
	t.Helper()
	if job.Images == nil {
		job.Images = []oci.Repository{app}
	}
	return Check(t.Context(), job, World{Open: open, Now: func() time.Time { return time.Unix(0, 0) }})
}

// finding is the only line on a topic.
func finding(t *testing.T, c report.Checks, topic report.CheckTopic) report.CheckLine {
	t.Helper()
	var found []report.CheckLine
	for _, s := range c.Sections {
		for _, l := range s.Lines {
			if l.Topic == topic {
				found = append(found, l)
			}
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d findings on %s: %+v", len(found), topic, c.Sections)
	}
	return found[0]
}

// Whether a login may delete is found out by the ability that fits best, and without --probe nothing is deleted at all.
func TestCheckDelete(t *testing.T) {
	t.Parallel()
	forbidden := registry.Mark(errors.New("403"), registry.ErrForbidden)
	unclear := registry.Mark(errors.New("418"), registry.ErrTagDeletionUnclear)
	inUse := registry.Mark(errors.New("409"), registry.ErrInUse)
	never := plainRepository{result: registry.Result{Err: errors.New("it must not be asked")}}
	gives := func(r registry.Result) registry.Repository { return plainRepository{result: r} }
	grants := func(known bool, source string, actions ...string) registry.Repository {
		return inspected{access: registry.Access{Source: source, Asked: true, Known: known, Actions: actions}}
	}
	for name, c := range map[string]struct {
		repository registry.Repository
		probe      bool
		state      report.CheckState
		says       string
		kind       error
	}{
		"not asked":                      {never, false, report.CheckUnknown, "not known", nil},
		"the kind's own way":             {probed{never, nil}, true, report.CheckOK, "would delete", nil},
		"the kind's own way, refused":    {probed{never, forbidden}, true, report.CheckProblem, "403", registry.ErrForbidden},
		"the kind has no way to tell":    {probed{never, registry.ErrRightUnknown}, true, report.CheckUnknown, "does not say whether", registry.ErrRightUnknown},
		"tags and digests":               {tagged{never, true, nil}, true, report.CheckOK, "by digest and by tag", nil},
		"digests, not tags":              {tagged{never, false, nil}, true, report.CheckOK, "by digest alone", nil},
		"tags unclear":                   {tagged{never, false, unclear}, true, report.CheckUnknown, "418", registry.ErrTagDeletionUnclear},
		"no tags and no digests":         {tagged{never, false, forbidden}, true, report.CheckProblem, "403", registry.ErrForbidden},
		"a digest of nothing":            {gives(registry.Result{}), true, report.CheckOK, "by digest", nil},
		"a digest of nothing is deleted": {gives(registry.Result{Existed: true}), true, report.CheckUnknown, "which does not exist", nil},
		"a digest of nothing is in use":  {gives(registry.Result{Err: inUse}), true, report.CheckUnknown, "409", registry.ErrInUse},
		"a digest is refused":            {gives(registry.Result{Err: forbidden}), true, report.CheckProblem, "403", registry.ErrForbidden},
		"a token that grants it":         {grants(true, "f", "pull", "delete"), false, report.CheckOK, "grants delete", nil},
		"a token that grants all":        {grants(true, "f", "*"), false, report.CheckOK, "grants delete", nil},
		"a token that grants less":       {grants(true, "f", "pull"), false, report.CheckProblem, "only pull", registry.ErrForbidden},
		"a token that grants nothing":    {grants(true, "f"), false, report.CheckProblem, "grants nothing", registry.ErrForbidden},
		"a token without a login":        {grants(true, "", "pull"), false, report.CheckProblem, "only pull", registry.ErrUnauthorized},
		"a token that does not say":      {grants(false, "f"), false, report.CheckUnknown, "not known", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := finding(t, standIn{repository: c.repository}.check(t, CheckJob{Probe: c.probe}), report.TopicDelete)
			if got.State != c.state || !strings.Contains(got.Text, c.says) || c.kind != nil && !errors.Is(got.Err, c.kind) {
				t.Errorf("got %+v", got)
			}
		})
	}
	deleted := 0
	standIn{repository: plainRepository{deleted: &deleted}}.check(t, CheckJob{})
	if deleted > 0 {
		t.Errorf("%d deletions without --probe", deleted)
	}
}

func TestCheckQuota(t *testing.T) {
	t.Parallel()
	resets := time.Date(2026, 11, 27, 13, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		quota limited
		state report.CheckState
		says  string
	}{
		"some are left": {limited{left: 4200, resets: resets, known: true}, report.CheckOK, "4200 requests left until 2026-11-27T13:00:00Z"},
		"one, no time":  {limited{left: 1, known: true}, report.CheckOK, "1 request left"},
		"none is left":  {limited{resets: resets, known: true}, report.CheckProblem, "no request is left until"},
		"not known":     {limited{}, report.CheckUnknown, "does not say"},
	} {
		got := finding(t, standIn{repository: c.quota}.check(t, CheckJob{}), report.TopicQuota)
		if got.State != c.state || !strings.Contains(got.Text, c.says) || c.state == report.CheckProblem && (got.Hint() == "" || !errors.Is(got.Err, registry.ErrLimited)) {
			t.Errorf("%s: got %+v, hint %q", name, got, got.Hint())
		}
	}
}

// What a registry is is told by its first answer, and not known before one.
func TestCheckRegistry(t *testing.T) {
	t.Parallel()
	zot := registry.Traits{Kind: "zot", Product: "zot"}
	answer := &registry.Error{Status: 500}
	for name, c := range map[string]struct {
		registry standIn
		kind     string
		want     string
	}{
		"by its host":          {standIn{plainRepository{}, zot}, "", "zot (zot), told by its host"},
		"by the user":          {standIn{plainRepository{}, zot}, "zot", "zot (zot), as --registry-kind says"},
		"by its answer":        {standIn{repository: undetermined{plainRepository{}, zot}}, "", "zot (zot), told by its first answer"},
		"by an error's answer": {standIn{repository: undetermined{plainRepository{unread: answer}, zot}}, "", "zot (zot), told by its first answer"},
		"by nothing":           {standIn{repository: undetermined{plainRepository{unread: errors.New("connection refused")}, zot}}, "", "not known, because it has not answered"},
	} {
		checks := c.registry.check(t, CheckJob{Kind: c.kind})
		if got := finding(t, checks, report.TopicRegistry); got.Text != c.want || (checks.Sections[0].Kind == "") != (got.State == report.CheckUnknown) {
			t.Errorf("%s: got %+v", name, got)
		}
	}
	failed := checkOf(t, func(string) (registry.Registry, error) { return nil, errors.New("no certificate") }, CheckJob{})
	if got := finding(t, failed, report.TopicRegistry); got.State != report.CheckProblem || got.Text != "no certificate" {
		t.Errorf("got %+v", got)
	}
}

func TestCheckContents(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	image := func(kind oci.Kind, created, pushed time.Time, tags ...string) oci.Image {
		return oci.Image{Digest: randomDigest(), Kind: kind, Created: created, Pushed: pushed, Tags: tags}
	}
	full := oci.Snapshot{Ghosts: []string{"gone"}, Images: []oci.Image{
		image(oci.KindImage, at, at, "1", "latest"), image(oci.KindIndex, time.Time{}, at, "2"), image(oci.KindChild, time.Time{}, at),
		image(oci.KindImage, at, time.Time{}), image(oci.KindAttachment, time.Time{}, at, "sha256-x.sig"),
	}}
	undated := oci.Snapshot{Images: []oci.Image{image(oci.KindImage, time.Time{}, time.Time{}, "1")}}
	lists := registry.Traits{ListsUntagged: true, PushTime: true}
	for name, c := range map[string]struct {
		snapshot oci.Snapshot
		traits   registry.Traits
		want     map[report.CheckTopic]string // state, text
	}{
		"full": {full, lists, map[report.CheckTopic]string{
			report.TopicTags: "ok the registry lists 4 tags of 3 images, and 1 tag without a manifest", report.TopicUntagged: "ok the registry lists manifests without a tag: 1 now",
			report.TopicPushTimes: "ok known of 4 of 5 manifests", report.TopicBuildDates: "ok usable of 1 of 2 images with a tag",
		}},
		"undated": {undated, registry.Traits{}, map[report.CheckTopic]string{
			report.TopicUntagged: "no the registry does not list", report.TopicPushTimes: "no the registry does not say", report.TopicBuildDates: "no usable of none of 1 image with a tag",
		}},
		"empty": {oci.Snapshot{}, lists, map[report.CheckTopic]string{
			report.TopicTags: "ok the registry lists 0 tags", report.TopicUntagged: "ok the registry lists manifests without a tag: 0 now", report.TopicPushTimes: "unknown", report.TopicBuildDates: "unknown", report.TopicReferrers: "unknown",
		}},
	} {
		checks := standIn{inspected{plainRepository: plainRepository{snapshot: c.snapshot}}, c.traits}.check(t, CheckJob{})
		for topic, want := range c.want {
			if got := finding(t, checks, topic); !strings.HasPrefix(string(got.State)+" "+got.Text, want) {
				t.Errorf("%s: got %s %q, want %q", name, got.State, got.Text, want)
			}
		}
	}
}

// A referrers API that cannot be asked about does not make a check fail.
func TestCheckReferrersUnknown(t *testing.T) {
	t.Parallel()
	snapshot := oci.Snapshot{Images: []oci.Image{{Digest: randomDigest(), Kind: oci.KindImage, Tags: []string{"1"}}}}
	got := finding(t, standIn{repository: inspected{plainRepository: plainRepository{snapshot: snapshot}, refers: &registry.Error{Status: 502}}}.check(t, CheckJob{}), report.TopicReferrers)
	if got.State != report.CheckUnknown || got.Err == nil {
		t.Errorf("got %+v", got)
	}
}

func TestCheckUnfinished(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	dir, err := state.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	journal, err := dir.Journal(app)
	if err != nil {
		t.Fatal(err)
	}
	defer journal.Close() // the run that works is not disturbed
	if err := journal.Write([]oci.Image{{Digest: randomDigest()}, {Digest: randomDigest()}}); err != nil {
		t.Fatal(err)
	}
	checks := standIn{repository: plainRepository{unread: registry.ErrUnauthorized}}.check(t, CheckJob{StateFolder: folder})
	if got := finding(t, checks, report.TopicUnfinished); got.State != report.CheckOK || got.Count == nil || *got.Count != 2 {
		t.Errorf("got %+v", got)
	}
	below := filepath.Join(folder, "a", "b")
	if got := finding(t, standIn{repository: plainRepository{}}.check(t, CheckJob{StateFolder: below}), report.TopicFolder); got.State != report.CheckOK {
		t.Errorf("got %+v", got)
	}
}

func TestCheckGCFindings(t *testing.T) {
	t.Parallel()
	folder := gc.Findings{Binary: "/bin/registry", Version: "v3.1.2", Config: "/etc/config.yml", Driver: "filesystem", Root: "/srv", Free: 1 << 30}
	with := func(change func(*gc.Findings)) gc.Findings {
		f := folder
		change(&f)
		return f
	}
	digest := randomDigest()
	snapshot := oci.Snapshot{Images: []oci.Image{{Digest: randomDigest()}, {Digest: digest, Tags: []string{"1"}}}}
	for name, c := range map[string]struct {
		found gc.Findings
		err   error
		want  map[report.CheckTopic]string
	}{
		"its own":      {with(func(f *gc.Findings) { f.Recognized = true }), nil, map[report.CheckTopic]string{report.TopicBinary: "ok /bin/registry, version v3.1.2", report.TopicConfig: "ok /etc/config.yml", report.TopicStorage: "ok /srv, which holds", report.TopicSpace: "ok 1.0 GiB free"}},
		"not told":     {folder, nil, map[report.CheckTopic]string{report.TopicStorage: "unknown /srv"}},
		"empty":        {with(func(f *gc.Findings) { f.Empty = true }), nil, map[report.CheckTopic]string{report.TopicStorage: "no /srv"}},
		"no df":        {with(func(f *gc.Findings) { f.Free = -1 }), nil, map[report.CheckTopic]string{report.TopicSpace: "unknown"}},
		"not a folder": {gc.Findings{Driver: "s3", Free: -1, Notes: []string{"a note"}}, nil, map[report.CheckTopic]string{report.TopicStorage: "unknown s3", report.TopicNote: "unknown a note"}},
		"it fails":     {gc.Findings{}, &gc.Refusal{Why: "it is a cache"}, map[report.CheckTopic]string{report.TopicHost: "problem refused: it is a cache"}},
	} {
		checks := standIn{repository: plainRepository{snapshot: snapshot}}.check(t, CheckJob{Via: "docker://registry", Inspect: func(_ context.Context, held []gc.Held) (gc.Findings, error) {
			if len(held) != 1 || held[0] != (gc.Held{Repository: app, Digest: digest}) {
				t.Errorf("%s: asked about %v", name, held)
			}
			return c.found, c.err
		}})
		for topic, want := range c.want {
			if got := finding(t, checks, topic); !strings.HasPrefix(string(got.State)+" "+got.Text, want) {
				t.Errorf("%s: got %s %q, want %q", name, got.State, got.Text, want)
			}
		}
	}
}
