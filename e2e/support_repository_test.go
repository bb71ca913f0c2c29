package e2e

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	client "github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/distribution"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
	wiring "github.com/regsweep/regsweep/internal/registry/wire"
	"github.com/regsweep/regsweep/internal/retain"
	"github.com/regsweep/regsweep/internal/state"
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// ago is so many days before now.
func ago(days int) time.Time { return now.AddDate(0, 0, -days) }

// stand is one repository of a registry, over the wire and through the product's client.
type stand struct {
	wire
	repo   repository
	log    *requestLog
	pushes *pushLog
	by     prune.Way // how executions delete; "" is by digest
	state  string    // the folder of their journal
}

// newStand makes the client as the program does; edit may change its options.
func newStand(t *testing.T, s server, path string, edit func(*client.Options)) stand {
	t.Helper()
	transport, err := wiring.NewTransport(s.host, client.TLS{}, client.DefaultReaders)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(transport.CloseIdleConnections)
	log := &requestLog{next: transport}
	o := client.Options{Transport: log, RetryBase: time.Millisecond, Credentials: login(s.username, s.password)}
	if edit != nil {
		edit(&o)
	}
	opened, err := distribution.Open(s.host, o)
	if err != nil {
		t.Fatal(err)
	}
	push, pushes := s.pusher(t, path)
	return stand{
		wire: wire{t, s, path, push}, repo: repository{opened.Repository(path).(*distribution.Repository)}, log: log, pushes: pushes, state: t.TempDir(),
	}
}

func login(username, password string) client.Credentials {
	return client.Credentials{Fallback: func(string) (client.Login, bool) {
		return client.Login{Username: username, Password: client.Secret(password)}, username != ""
	}}
}

// repository is the product's own, with a deletion of one manifest.
type repository struct{ *distribution.Repository }

func (r repository) delete(ctx context.Context, d oci.Digest) (existed bool, err error) {
	res := r.Delete(ctx, []oci.Image{{Digest: d}})[0]
	return res.Existed, res.Err
}

// requestLog writes down what the client asks for.
type requestLog struct {
	next http.RoundTripper
	// query is added to requests for a list that have none, as a registry's own link to its next page does.
	query string

	mu       sync.Mutex
	sent     []string // "METHOD path"
	accepted []string // those among them that the registry has carried out
	pushed   []string // the digests of the manifests among those
}

func (l *requestLog) RoundTrip(r *http.Request) (*http.Response, error) {
	if l.query != "" && r.URL.RawQuery == "" && strings.HasSuffix(r.URL.Path, "/tags/list") {
		r = r.Clone(r.Context())
		r.URL.RawQuery = l.query
	}
	resp, err := l.next.RoundTrip(r)
	if err == nil { // not the attempt by which https finds out that the registry speaks http
		l.mu.Lock()
		defer l.mu.Unlock()
		l.sent = append(l.sent, r.Method+" "+r.URL.Path)
		if resp.StatusCode < http.StatusMultipleChoices {
			l.accepted = append(l.accepted, r.Method+" "+r.URL.Path)
			if r.Method == http.MethodPut {
				l.pushed = append(l.pushed, resp.Header.Get("Docker-Content-Digest"))
			}
		}
	}
	return resp, err
}

// asked counts the requests with a method.
func (l *requestLog) asked(method string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(ofMethod(l.sent, method))
}

// deleted returns the references that were deleted, in the order of the answers, and without the placeholders that the
// client itself has pushed.
func (l *requestLog) deleted() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.DeleteFunc(ofMethod(l.accepted, http.MethodDelete), func(ref string) bool { return slices.Contains(l.pushed, ref) })
}

// manifestsDeleted returns the digests among what was deleted.
func (l *requestLog) manifestsDeleted() []oci.Digest {
	var out []oci.Digest
	for _, ref := range l.deleted() {
		if d := oci.Digest(ref); d.Validate() == nil {
			out = append(out, d)
		}
	}
	return out
}

// ofMethod returns the last part of the path of each request with a method.
func ofMethod(requests []string, method string) []string {
	var out []string
	for _, s := range requests {
		if m, path, _ := strings.Cut(s, " "); m == method {
			out = append(out, path[strings.LastIndex(path, "/")+1:])
		}
	}
	return out
}

// aged pushes an image under a tag; it was built so many days ago.
func (s stand) aged(tag string, days int) oci.Digest {
	s.t.Helper()
	return s.push.Image(fixture.Image{Tags: []string{tag}, Created: ago(days)})
}

// multi pushes an index of two platforms under a tag.
func (s stand) multi(tag string, days int, mediaType string) (index oci.Digest, children []oci.Digest) {
	s.t.Helper()
	for _, p := range []string{"linux/amd64", "linux/arm64"} {
		i := fixture.Image{Seed: tag + p, Platform: p, Created: ago(days), MediaType: fixture.OCIManifest, Size: 100}
		if mediaType == fixture.DockerList {
			i.MediaType = fixture.DockerManifest
		}
		children = append(children, s.push.Image(i))
	}
	return s.push.Index(fixture.Index{Tags: []string{tag}, Children: children, MediaType: mediaType}), children
}

func (s stand) snapshot() oci.Snapshot {
	s.t.Helper()
	got, err := s.repo.Snapshot(s.t.Context(), client.Query{})
	if err != nil {
		s.t.Fatal("snapshot:", err)
	}
	return got
}

// of returns the image of a snapshot with the digest.
func (s stand) of(snapshot oci.Snapshot, d oci.Digest) oci.Image {
	s.t.Helper()
	i := slices.IndexFunc(snapshot.Images, func(i oci.Image) bool { return i.Digest == d })
	if i < 0 {
		s.t.Fatalf("the snapshot has no %s", d)
	}
	return snapshot.Images[i]
}

// plan decides with everything that matters given; without a keep rule the newest image is kept.
func (s stand) plan(p retain.Policy, pushed ...oci.Pushed) retain.Plan {
	s.t.Helper()
	p.KeepLast = cmp.Or(p.KeepLast, 1)
	return retain.Decide(s.snapshot(), p, retain.Context{Pushed: pushed}, now)
}

// sweep plans, executes and holds the promises of every execution that runs to its end.
func (s stand) sweep(p retain.Policy) prune.Result {
	s.t.Helper()
	return s.execute(s.plan(p))
}

func (s stand) execute(plan retain.Plan) prune.Result {
	s.t.Helper()
	before := len(s.log.deleted())
	res := s.try(plan)
	if res.Err != nil {
		s.t.Errorf("execute: %v", res.Err)
	}
	equal(s.wire, "way", res.Way, s.way(plan))
	equal(s.wire, "warnings", len(res.Warnings), 0)
	manifests := map[oci.Digest]bool{}
	tags := map[string]bool{}
	for _, d := range plan.Decisions {
		manifests[d.Image.Digest] = true
		for _, t := range d.Image.Tags {
			tags[t] = d.Verdict == retain.Delete
		}
		status, outcome := s.do("HEAD", "manifests/"+d.Image.Digest.String()).status, res.Outcomes[d.Image.Digest]
		switch {
		case d.Verdict == retain.Keep || outcome.Status == prune.Skipped:
			s.pullable(d.Image.Digest.String())
		case outcome.Status != prune.Deleted && outcome.Status != prune.Gone:
			s.t.Errorf("%s: outcome %+v", retain.Name(d.Image), outcome)
		case status != http.StatusNotFound:
			s.t.Errorf("%s is said to be %s and answers %d", retain.Name(d.Image), outcome.Status, status)
		}
		// Deletions are of manifests alone: the layers are the garbage collection's.
		for _, b := range d.Image.Blobs {
			if b.Digest != absent {
				equal(s.wire, "blob of "+retain.Name(d.Image), s.do("HEAD", "blobs/"+b.Digest.String()).status, 200)
			}
		}
	}
	for _, ref := range s.log.deleted()[before:] {
		if !manifests[oci.Digest(ref)] && !tags[ref] {
			s.t.Errorf("%s was deleted, which is neither a manifest nor a doomed tag of the plan", ref)
		}
	}
	return res
}

// try executes a plan in the stand's way, with a journal, and checks what that says in the end.
func (s stand) try(plan retain.Plan) prune.Result {
	s.t.Helper()
	journal := s.journal()
	res := prune.Execute(s.t.Context(), plan, s.repo, prune.Options{By: s.by, Journal: journal})
	if err := journal.Close(); err != nil {
		s.t.Error(err)
	}
	journal = s.journal()
	equal(s.wire, "journal", fmt.Sprint(journal.Left()), fmt.Sprint(res.Left))
	if err := journal.Close(); err != nil {
		s.t.Error(err)
	}
	return res
}

func (s stand) journal() *state.Journal {
	s.t.Helper()
	dir, err := state.Open(s.state)
	if err != nil {
		s.t.Fatal(err)
	}
	j, err := dir.Journal(oci.Repository{Host: s.reg.host, Path: s.path})
	if err != nil {
		s.t.Fatal(err)
	}
	return j
}

// pullable checks that everything that a pull of the reference needs is there.
func (s stand) pullable(ref string) {
	s.t.Helper()
	err := pullable(func(path string) (int, []byte) {
		a := s.do("GET", path)
		return a.status, []byte(a.body)
	}, ref)
	if err != nil {
		s.t.Error(err)
	}
}

// pullable returns what a pull of the reference misses: a manifest, a child of an index, a config or a layer. get reads
// a path below the repository.
func pullable(get func(path string) (status int, body []byte), ref string) error {
	status, body := get("manifests/" + ref)
	if status != http.StatusOK {
		return fmt.Errorf("%s cannot be pulled: %d", ref, status)
	}
	type descriptor struct{ Digest oci.Digest }
	var m struct {
		Config            descriptor
		Layers, Manifests []descriptor
	}
	if err := json.Unmarshal(body, &m); err != nil {
		return fmt.Errorf("%s: %w", ref, err)
	}
	var errs []error
	for _, c := range m.Manifests {
		errs = append(errs, pullable(get, c.Digest.String()))
	}
	if len(m.Manifests) == 0 && m.Config.Digest != "" {
		for _, b := range append(m.Layers, m.Config) {
			if status, _ := get("blobs/" + b.Digest.String()); status != http.StatusOK {
				errs = append(errs, fmt.Errorf("%s cannot be pulled: blob %s: %d", ref, b.Digest, status))
			}
		}
	}
	return errors.Join(errs...)
}

// there checks which manifests the repository has.
func (s stand) there(want bool, digests ...oci.Digest) {
	s.t.Helper()
	for _, d := range digests {
		if got := s.do("HEAD", "manifests/"+d.String()).status == http.StatusOK; got != want {
			s.t.Errorf("%s: got %v, want %v", d, got, want)
		}
	}
}

// left checks the tags of the repository, in any order.
func (s stand) left(want ...string) {
	s.t.Helper()
	got, _ := s.tags("")
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		s.t.Errorf("left: got %v, want %v", got, want)
	}
}

// outcomes counts what became of the deletions.
func outcomes(res prune.Result) string {
	n := map[prune.Status]int{}
	for _, o := range res.Outcomes {
		n[o.Status]++
	}
	return fmt.Sprint(n)
}

func (s stand) tagPattern(text string) []retain.Pattern {
	s.t.Helper()
	ps, err := retain.ParsePatterns(text)
	if err != nil {
		s.t.Fatal(err)
	}
	return ps
}
