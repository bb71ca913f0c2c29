package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/regsweep/regsweep/internal/oci"
)

// step is what a request of the program is for.
type step string

const (
	list     step = "list"     // of the tags
	head     step = "head"     // of a manifest
	manifest step = "manifest" // is read
	config   step = "config"   // is read
	probe    step = "probe"    // whether tags can be deleted
	upload   step = "upload"   // of the placeholder's config
	untag    step = "untag"    // a tag is removed or pointed at the placeholder
	unplace  step = "unplace"  // the placeholder is deleted
	deletion step = "deletion" // of a digest
	refers   step = "refers"   // what refers to a manifest
	other    step = "other"
)

// hooks are what a test does at a door.
type hooks struct {
	// watch is called with what a request is about, before anything else.
	watch func(s step, reference string)
	// before is called when the nth request of its step has arrived. What it returns false for does not reach the
	// registry and is not answered.
	before func(s step, n int) bool
	// after is called when the registry has carried out a request and its answer is not sent yet.
	after func(s step, n int)
}

// door is the way by which the program comes to a registry. It counts the steps and can hold them up.
type door struct {
	host   string
	proxy  *httputil.ReverseProxy
	known  *pushLog // what the test has pushed: no other digest is there to be deleted
	busy   sync.WaitGroup
	mu     sync.Mutex
	shut   bool // nobody comes in any more
	hooks  hooks
	counts map[step]int
	pushed map[oci.Digest]bool // by the program
}

// newDoor opens a door to a registry.
func newDoor(t *testing.T, s server, known *pushLog) *door {
	t.Helper()
	target, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	d := &door{known: known, counts: map[step]int{}, pushed: map[oci.Digest]bool{}}
	d.proxy = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
		},
		Transport: own,
		ModifyResponse: func(r *http.Response) error {
			if r.Request.Method == http.MethodPut && r.StatusCode == http.StatusCreated {
				d.mu.Lock()
				defer d.mu.Unlock()
				d.pushed[oci.Digest(r.Header.Get("Docker-Content-Digest"))] = true
			}
			return nil
		},
		ErrorLog: discard(),
	}
	front := httptest.NewServer(d)
	t.Cleanup(front.Close)
	d.host = strings.TrimPrefix(front.URL, "http://")
	return d
}

// ServeHTTP answers with the registry's answer.
func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s, n, h, open := d.enter(r)
	if !open {
		panic(http.ErrAbortHandler)
	}
	defer d.busy.Done()
	if h.watch != nil {
		h.watch(s, r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:])
	}
	if h.before != nil && !h.before(s, n) {
		panic(http.ErrAbortHandler)
	}
	// The registry finishes what it has begun when the program hangs up, so that a test knows when it has.
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	defer cancel()
	r = r.WithContext(ctx)
	if h.after == nil {
		d.proxy.ServeHTTP(w, r)
		return
	}
	answer := httptest.NewRecorder()
	d.proxy.ServeHTTP(answer, r)
	h.after(s, n)
	for key, values := range answer.Header() {
		w.Header()[key] = values
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes()) // the program may be gone by now
}

func (d *door) enter(r *http.Request) (s step, n int, h hooks, open bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.shut {
		return "", 0, hooks{}, false
	}
	d.busy.Add(1)
	s = d.step(r)
	d.counts[s]++
	return s, d.counts[s], d.hooks, true
}

// reopen lets requests in, counted from nothing, when those of an earlier run have been carried out.
func (d *door) reopen() {
	d.busy.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.counts)
	d.shut, d.hooks = false, hooks{}
}

// close lets no more requests in: a program that was killed has sent them.
func (d *door) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.shut = true
}

// step tells what a request is for.
func (d *door) step(r *http.Request) step {
	ref := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	digest := oci.Digest(ref).Validate() == nil
	switch {
	case strings.Contains(r.URL.Path, "/blobs/uploads/"):
		return upload
	case strings.Contains(r.URL.Path, "/blobs/"):
		return config
	case strings.HasSuffix(r.URL.Path, "/tags/list"):
		return list
	case strings.Contains(r.URL.Path, "/referrers/"):
		return refers
	case !strings.Contains(r.URL.Path, "/manifests/"):
		return other
	case r.Method == http.MethodHead:
		return head
	case r.Method == http.MethodGet:
		return manifest
	case strings.HasPrefix(ref, "regsweep-probe-"):
		return probe
	case r.Method == http.MethodPut, !digest:
		return untag
	case d.pushed[oci.Digest(ref)]:
		return unplace
	case !d.known.Has(oci.Digest(ref)):
		return probe
	}
	return deletion
}

// hook sets what happens from now on.
func (d *door) hook(h hooks) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.hooks = h
}

// counted returns how many requests there were of each step, when all of them have been carried out.
func (d *door) counted() map[step]int {
	d.busy.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.counts)
}

// swept is a run of the program.
type swept struct {
	code           int // -1: killed
	stdout, stderr string
	report         jsonReport
}

// jsonReport is what the tests read of a report.
type jsonReport struct {
	ExitCode     int `json:"exit_code"`
	Repositories []struct {
		Kind   string `json:"registry_kind"`
		Images []struct {
			Digest  oci.Digest
			Verdict string
			Outcome *string
			Error   *string
			Reasons []struct{ Rule string }
		}
		Skipped    int
		Way        string       `json:"deleted_by"`
		Unfinished []oci.Digest `json:"unfinished"`
	}
}

// outcomes returns what the report says of each deletion.
func (r jsonReport) outcomes() map[oci.Digest]string {
	out := map[oci.Digest]string{}
	for _, repository := range r.Repositories {
		for _, i := range repository.Images {
			if i.Outcome != nil {
				out[i.Digest] = *i.Outcome
			}
		}
	}
	return out
}

// running is a program that was started.
type running struct {
	t              *testing.T
	cmd            *exec.Cmd
	stdout, stderr bytes.Buffer
	report         string
	exited         chan struct{}
}

// start starts the program with an environment of its own.
func start(t *testing.T, args ...string) *running {
	t.Helper()
	dir := t.TempDir()
	r := &running{t: t, report: filepath.Join(dir, "report.json"), exited: make(chan struct{})}
	r.cmd = sweep(t, append(args, "--report", r.report)...)
	r.cmd.Env = []string{"HOME=" + dir}
	r.cmd.Stdout, r.cmd.Stderr = &r.stdout, &r.stderr
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = r.cmd.Wait() // the exit code says how it ended
		close(r.exited)
	}()
	return r
}

// end waits for the program and reads its report, which one that was killed has not written.
func (r *running) end() swept {
	r.t.Helper()
	<-r.exited
	out := swept{code: r.cmd.ProcessState.ExitCode(), stdout: r.stdout.String(), stderr: r.stderr.String()}
	text, err := os.ReadFile(r.report)
	if err == nil && len(text) > 0 {
		err = json.Unmarshal(text, &out.report)
	}
	if err != nil && (out.code >= 0 || !errors.Is(err, os.ErrNotExist)) {
		r.t.Errorf("read the report: %v\n%s", err, out.stderr)
	}
	return out
}

// kill ends the program at once, and returns when it has ended. The request that it has just sent is lost.
func kill(r *running) (goesOn bool) {
	_ = r.cmd.Process.Kill() // it may have ended
	<-r.exited
	return false
}

// terminate asks the program to end.
func terminate(r *running) (goesOn bool) {
	_ = r.cmd.Process.Signal(syscall.SIGTERM)
	return true
}
