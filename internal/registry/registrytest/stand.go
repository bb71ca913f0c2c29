package registrytest

import (
	"cmp"
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
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
	"github.com/regsweep/regsweep/internal/registry/wire"
	"github.com/regsweep/regsweep/internal/retain"
	"github.com/regsweep/regsweep/internal/state"
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// ago is so many days before now.
func ago(days int) time.Time { return now.AddDate(0, 0, -days) }

// Stand is one repository of a registry, over the wire and through the product's client.
type Stand struct {
	Wire
	Repo   registry.Repository
	Log    *RequestLog
	Pushes *PushLog
	Method prune.Method // how executions delete; "" is by digest
	State  string       // the folder of their journal
}

// NewStand opens the registry as the program does; edit may change the options.
func NewStand(t *testing.T, s Server, path string, edit func(*registry.Options)) Stand {
	t.Helper()
	transport, err := wire.NewTransport(s.Host, registry.TLS{}, registry.DefaultReaders)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(transport.CloseIdleConnections)
	log := &RequestLog{next: transport}
	o := registry.Options{Kind: cmp.Or(s.Kind, "distribution"), Transport: log, RetryBase: time.Millisecond, Credentials: login(s.Username, s.Password)}
	if edit != nil {
		edit(&o)
	}
	opened, err := s.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	push, pushes := s.Pusher(t, path)
	return Stand{
		Wire: Wire{t, s, path, push}, Repo: opened.Repository(path), Log: log, Pushes: pushes, State: t.TempDir(),
	}
}

// delete deletes one manifest.
func (s Stand) delete(d oci.Digest) (existed bool, err error) {
	res := s.Repo.Delete(s.T.Context(), []oci.Image{{Digest: d}})[0]
	return res.Existed, res.Err
}

func login(username, password string) registry.Credentials {
	return registry.Credentials{Fallback: func(string) (registry.Login, bool) {
		return registry.Login{Username: username, Password: registry.Secret(password)}, username != ""
	}}
}

// RequestLog writes down what the client asks for.
type RequestLog struct {
	next http.RoundTripper
	// query is added to requests for a list that have none, as a registry's own link to its next page does.
	query string

	mu       sync.Mutex
	sent     []string // "METHOD path"
	accepted []string // those among them that the registry has carried out
	pushed   []string // the digests of the manifests among those
}

// RoundTrip sends a request and writes it down.
func (l *RequestLog) RoundTrip(r *http.Request) (*http.Response, error) {
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
func (l *RequestLog) asked(method string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(ofMethod(l.sent, method))
}

// deleted returns the references that were deleted, in the order of the answers, and without the placeholders that the
// client itself has pushed.
func (l *RequestLog) deleted() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.DeleteFunc(ofMethod(l.accepted, http.MethodDelete), func(ref string) bool { return slices.Contains(l.pushed, ref) })
}

// manifestsDeleted returns the digests among what was deleted.
func (l *RequestLog) manifestsDeleted() []oci.Digest {
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

// Aged pushes an image under a tag; it was built so many days ago.
func (s Stand) Aged(tag string, days int) oci.Digest {
	s.T.Helper()
	return s.Push.Image(fixture.Image{Tags: []string{tag}, Created: ago(days)})
}

// Multi pushes an index of two platforms under a tag.
func (s Stand) Multi(tag string, days int, mediaType string) (index oci.Digest, children []oci.Digest) {
	s.T.Helper()
	for _, p := range []string{"linux/amd64", "linux/arm64"} {
		i := fixture.Image{Seed: tag + p, Platform: p, Created: ago(days), MediaType: fixture.OCIManifest, Size: 100}
		if mediaType == fixture.DockerList {
			i.MediaType = fixture.DockerManifest
		}
		children = append(children, s.Push.Image(i))
	}
	return s.Push.Index(fixture.Index{Tags: []string{tag}, Children: children, MediaType: mediaType}), children
}

// Snapshot reads the repository.
func (s Stand) Snapshot() oci.Snapshot {
	s.T.Helper()
	got, err := s.Repo.Snapshot(s.T.Context(), registry.Query{})
	if err != nil {
		s.T.Fatal("snapshot:", err)
	}
	return got
}

// of returns the image of a snapshot with the digest.
func (s Stand) of(snapshot oci.Snapshot, d oci.Digest) oci.Image {
	s.T.Helper()
	i := slices.IndexFunc(snapshot.Images, func(i oci.Image) bool { return i.Digest == d })
	if i < 0 {
		s.T.Fatalf("the snapshot has no %s", d)
	}
	return snapshot.Images[i]
}

// Plan decides with everything that matters given; without a keep rule the newest image is kept.
func (s Stand) Plan(p retain.Policy, pushed ...oci.Pushed) retain.Plan {
	s.T.Helper()
	p.KeepLast = cmp.Or(p.KeepLast, 1)
	plan, _, err := prune.Plan(s.T.Context(), s.Repo, s.Snapshot(), func(all oci.Snapshot) retain.Plan {
		return retain.Decide(all, p, retain.Context{Pushed: pushed}, now)
	})
	if err != nil {
		s.T.Fatal("plan:", err)
	}
	return plan
}

// Sweep plans, executes and holds the promises of every execution that runs to its end.
func (s Stand) Sweep(p retain.Policy) prune.Result {
	s.T.Helper()
	return s.Execute(s.Plan(p))
}

// Execute executes a plan that runs to its end, and holds the promises of every execution.
func (s Stand) Execute(plan retain.Plan) prune.Result {
	s.T.Helper()
	before := len(s.Log.deleted())
	res := s.Try(plan)
	if res.Err != nil {
		s.T.Errorf("execute: %v", res.Err)
	}
	s.took(plan, res.Method)
	for _, w := range res.Warnings {
		if !strings.HasSuffix(w, "is put back") { // which deletion by digest has no need of
			s.T.Errorf("warning: %s", w)
		}
	}
	manifests := map[oci.Digest]bool{}
	tags := map[string]bool{}
	for _, d := range plan.Decisions {
		manifests[d.Image.Digest] = true
		for _, t := range d.Image.Tags {
			tags[t] = d.Verdict == retain.Delete
		}
		status, outcome := s.Do("HEAD", "manifests/"+d.Image.Digest.String()).Status, res.Outcomes[d.Image.Digest]
		switch {
		case d.Verdict == retain.Keep || outcome.Status == prune.Skipped:
			s.Pullable(d.Image.Digest.String())
		case outcome.Status != prune.Deleted && outcome.Status != prune.Gone:
			s.T.Errorf("%s: outcome %+v", retain.Name(d.Image), outcome)
		case status != http.StatusNotFound:
			s.T.Errorf("%s is said to be %s and answers %d", retain.Name(d.Image), outcome.Status, status)
		}
		// Deletions are of manifests alone: the layers are the garbage collection's.
		for _, b := range d.Image.Blobs {
			if b.Digest != Absent && !s.Server.Frees {
				Equal(s.Wire, "blob of "+retain.Name(d.Image), s.Do("HEAD", "blobs/"+b.Digest.String()).Status, 200)
			}
		}
	}
	for _, ref := range s.Log.deleted()[before:] {
		if !manifests[oci.Digest(ref)] && !tags[ref] {
			s.T.Errorf("%s was deleted, which is neither a manifest nor a doomed tag of the plan", ref)
		}
	}
	return res
}

// Try executes a plan in the stand's way, with a journal, and checks what that says in the end.
func (s Stand) Try(plan retain.Plan) prune.Result {
	s.T.Helper()
	journal := s.Journal()
	res := prune.Execute(s.T.Context(), plan, s.Repo, prune.Options{Method: s.Method, Journal: journal})
	if err := journal.Close(); err != nil {
		s.T.Error(err)
	}
	journal = s.Journal()
	Equal(s.Wire, "journal", fmt.Sprint(journal.Left()), fmt.Sprint(res.Unfinished))
	if err := journal.Close(); err != nil {
		s.T.Error(err)
	}
	return res
}

// Journal opens the repository's journal.
func (s Stand) Journal() *state.Journal {
	s.T.Helper()
	dir, err := state.Open(s.State)
	if err != nil {
		s.T.Fatal(err)
	}
	j, err := dir.Journal(oci.Repository{Host: s.Server.Host, Path: s.Path})
	if err != nil {
		s.T.Fatal(err)
	}
	return j
}

// Pullable checks that everything that a pull of the reference needs is there.
func (s Stand) Pullable(ref string) {
	s.T.Helper()
	err := Pullable(func(path string) (int, []byte) {
		a := s.Do("GET", path)
		return a.Status, []byte(a.Body)
	}, ref)
	if err != nil {
		s.T.Error(err)
	}
}

// Pullable returns what a pull of the reference misses: a manifest, a child of an index, a config or a layer. get reads
// a path below the repository.
func Pullable(get func(path string) (status int, body []byte), ref string) error {
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
		errs = append(errs, Pullable(get, c.Digest.String()))
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

// There checks which manifests the repository has.
func (s Stand) There(want bool, digests ...oci.Digest) {
	s.T.Helper()
	for _, d := range digests {
		if got := s.Do("HEAD", "manifests/"+d.String()).Status == http.StatusOK; got != want {
			s.T.Errorf("%s: got %v, want %v", d, got, want)
		}
	}
}

// Left checks the tags of the repository, in any order.
func (s Stand) Left(want ...string) {
	s.T.Helper()
	got, _ := s.ListTags("")
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		s.T.Errorf("left: got %v, want %v", got, want)
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

func (s Stand) tagPattern(text string) []retain.Pattern {
	s.T.Helper()
	ps, err := retain.ParsePatterns(text)
	if err != nil {
		s.T.Fatal(err)
	}
	return ps
}
