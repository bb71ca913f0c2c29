package kindtest

import (
	"context"
	"net/http"
	"testing"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
	"github.com/regsweep/regsweep/internal/retain"
)

// Paths say which requests list and which delete in a kind: their method and path, as a [registrytest.Fault] has them.
type Paths struct{ List, Delete registrytest.Fault }

// Faults holds a kind to what must hold when lists and deletions fail: a list that is not whole deletes nothing, the
// outcomes are what the books say, and once the service works again a run brings the repository in order. start starts
// a fake of its own for each fault.
func Faults(t *testing.T, start func(t *testing.T) Stand, paths Paths) {
	t.Helper()
	for _, f := range listFaults {
		t.Run("list: "+f.name, func(t *testing.T) {
			t.Parallel()
			newBroken(t, start, paths).list(f)
		})
	}
	for _, f := range deleteFaults {
		t.Run("delete: "+f.name, func(t *testing.T) {
			t.Parallel()
			newBroken(t, start, paths).delete(f)
		})
	}
	for _, m := range meanwhile {
		t.Run("meanwhile: "+m.name, func(t *testing.T) {
			t.Parallel()
			b := newBroken(t, start, paths)
			var stay oci.Digest
			run := b.SweepIn(t.Context(), keepOne, func(retain.Plan) { stay = m.push(b) })
			if run.Err != nil || run.Result.Err != nil {
				t.Fatalf("the run failed: %v, %v", run.Err, run.Result.Err)
			}
			b.Books(run)
			b.There([]oci.Digest{stay, b.last}, nil)
		})
	}
	t.Run("delete: cancelled with a request on its way", func(t *testing.T) {
		t.Parallel()
		b := newBroken(t, start, paths)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		f := paths.Delete
		f.Before = cancel // the first one goes alone
		b.Fake.AddFault(f)
		run := b.SweepIn(ctx, keepOne, nil)
		if run.Result.Err == nil {
			t.Error("a cancelled run came to its end")
		}
		if n := run.Statuses()[prune.Deleted]; n < 1 {
			t.Errorf("outcomes %v, want the deletion counted that was on its way", run.Statuses())
		}
		b.Books(run)
		b.recovers()
	})
}

var keepOne = retain.Policy{KeepLast: 1}

// broken is a repository of a few builds, of which the last one stays.
type broken struct {
	*Bench
	paths Paths
	gone  []oci.Digest
	last  oci.Digest
}

func newBroken(t *testing.T, start func(t *testing.T) Stand, paths Paths) *broken {
	t.Helper()
	b := &broken{Bench: NewBench(t, start(t)), paths: paths}
	for n, tag := range []string{"b1", "b2", "b3", "b4"} {
		b.gone = append(b.gone, b.Aged(tag, 20-n))
	}
	index, parts := b.Multi("b5", 10)
	b.gone = append(append(b.gone, index), parts...)
	b.last = b.Aged("b6", 1)
	return b
}

// recovers clears the faults and holds the next runs to their aim.
func (b *broken) recovers() {
	b.T.Helper()
	b.Fake.ClearFaults()
	b.Settled(b.Sweep(keepOne), keepOne)
	b.There([]oci.Digest{b.last}, b.gone)
}

// fault is a fault in the place of an answer.
type fault struct {
	name  string
	fault registrytest.Fault
	works bool // the run comes to its aim all the same
}

// in puts the fault at requests of a kind.
func (f fault) in(place registrytest.Fault) registrytest.Fault {
	out := f.fault
	out.Method, out.Path = place.Method, place.Path
	return out
}

func html(status int) registrytest.Fault {
	return registrytest.Fault{
		Status: status, Header: http.Header{"Content-Type": {"text/html"}}, Body: "<html><body>Sign in</body></html>", Times: -1,
	}
}

func answer(status, times int, header ...string) registrytest.Fault {
	f := registrytest.Fault{Status: status, Times: times, Header: http.Header{"Content-Type": {"application/json"}}, Body: `{}`}
	for n := 0; n < len(header); n += 2 {
		f.Header.Set(header[n], header[n+1])
	}
	return f
}

func body(text string) registrytest.Fault {
	f := answer(http.StatusOK, -1)
	f.Body = text
	return f
}

var listFaults = []fault{
	{name: "a page of HTML", fault: html(http.StatusOK)},
	{name: "null", fault: body("null")},
	{name: "half of an answer", fault: body(`[{"id": 1, "name": "sha256:`)},
	{name: "no list", fault: body(`{"message": "hello"}`)},
	{name: "nothing", fault: body("")},
	{name: "500 for ever", fault: answer(http.StatusInternalServerError, -1)},
	{name: "502 once", fault: answer(http.StatusBadGateway, 1), works: true},
	{name: "broken off once", fault: registrytest.Fault{Break: true}, works: true},
	{name: "403 of something in front", fault: html(http.StatusForbidden)},
	{name: "404 of something in front", fault: html(http.StatusNotFound)},
	{name: "a limit of a day", fault: answer(http.StatusTooManyRequests, -1, "Retry-After", "86400")},
}

// list holds a run to a fault of the first list, and another one to the same fault of the look before the deletions.
func (b *broken) list(f fault) {
	b.T.Helper()
	b.Fake.AddFault(f.in(b.paths.List))
	run := b.Sweep(keepOne)
	if !f.works {
		if run.Err == nil {
			b.T.Error("there is a plan")
		}
		b.untouched()
		b.Fake.ClearFaults()
		run = b.SweepIn(b.T.Context(), keepOne, func(retain.Plan) { b.Fake.AddFault(f.in(b.paths.List)) })
		if run.Err != nil || run.Result.Err == nil {
			b.T.Errorf("got %v, %v; want a plan that is not executed", run.Err, run.Result.Err)
		}
		b.untouched()
	}
	if run.Err == nil {
		b.Books(run)
	}
	b.recovers()
}

// untouched holds that no deletion was asked for.
func (b *broken) untouched() {
	b.T.Helper()
	if d, r := b.Fake.Deleted(), b.Fake.Refused(); len(d)+len(r) > 0 {
		b.T.Errorf("deleted %+v, refused %+v", d, r)
	}
}

var deleteFaults = []fault{
	{name: "500 once", fault: answer(http.StatusInternalServerError, 1), works: true},
	{name: "500 after the deed", fault: applied(answer(http.StatusInternalServerError, 1)), works: true},
	{name: "broken off after the deed", fault: registrytest.Fault{Break: true, Apply: true}, works: true},
	{name: "500 for ever", fault: answer(http.StatusInternalServerError, -1)},
	{name: "401 from the third on", fault: later(answer(http.StatusUnauthorized, -1), 2)},
	{name: "403 of something in front", fault: html(http.StatusForbidden)},
	{name: "404 of something in front", fault: html(http.StatusNotFound)},
	{name: "200 of something in front", fault: html(http.StatusOK)},
	{name: "a redirect that changes the method", fault: answer(http.StatusMovedPermanently, -1, "Location", "/elsewhere")},
	{name: "a limit of a day", fault: answer(http.StatusTooManyRequests, -1, "Retry-After", "86400")},
}

func applied(f registrytest.Fault) registrytest.Fault {
	f.Apply = true
	return f
}

func later(f registrytest.Fault, after int) registrytest.Fault {
	f.After = after
	return f
}

// delete holds a run to a fault of its deletions.
func (b *broken) delete(f fault) {
	b.T.Helper()
	b.Fake.AddFault(f.in(b.paths.Delete))
	run := b.Sweep(keepOne)
	if run.Err != nil {
		b.T.Fatal(run.Err)
	}
	if f.works && run.Result.Err != nil {
		b.T.Error(run.Result.Err)
	}
	b.Books(run)
	if n := run.Statuses(); !f.works && f.fault.After == 0 && n[prune.Deleted]+n[prune.Gone] > 0 {
		b.T.Errorf("outcomes %v, and nothing can have been deleted", n)
	}
	b.recovers()
}

// meanwhile is what somebody pushes between the plan and its execution, and what has to stay because of it.
var meanwhile = []struct {
	name string
	push func(b *broken) oci.Digest
}{
	{"a tag at a doomed image", func(b *broken) oci.Digest {
		b.Push.Tag(b.gone[0], "v1")
		return b.gone[0]
	}},
	{"a tag moved to a doomed image", func(b *broken) oci.Digest {
		b.Push.Tag(b.gone[1], "b1")
		return b.gone[1]
	}},
	{"an index of a doomed child", func(b *broken) oci.Digest {
		child := b.gone[5]
		b.Push.Index(fixture.Index{Tags: []string{"v2"}, Children: []oci.Digest{child}})
		return child
	}},
	{"a signature of a doomed image", func(b *broken) oci.Digest {
		b.Push.Signature(b.gone[2], ".sig")
		return b.gone[2]
	}},
}
