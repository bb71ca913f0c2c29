package ecr_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/kindtest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/vendors"
)

// actions is a fake whose calls are told apart by their action: all of them are POST /. It counts them, and a fault whose
// path is the name of an action takes that action's calls.
type actions struct {
	*vendors.ECR

	mu     sync.Mutex
	calls  map[string]int // "" are those that are not the API's
	faults []*registrytest.Fault
	seen   map[*registrytest.Fault]int
}

func withActions(f *vendors.ECR) *actions {
	return &actions{ECR: f, calls: map[string]int{}, seen: map[*registrytest.Fault]int{}}
}

// AddFault adds a fault of an action, or of the fake.
func (a *actions) AddFault(f registrytest.Fault) {
	if strings.ContainsAny(f.Path, "/*") || f.Path == "" {
		a.ECR.AddFault(f)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	f.Times = max(f.Times, -1)
	if f.Times == 0 {
		f.Times = 1
	}
	a.faults = append(a.faults, &f)
}

// ClearFaults makes the service behave again.
func (a *actions) ClearFaults() {
	a.ECR.ClearFaults()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.faults = nil
}

// Transport counts what it passes on.
func (a *actions) Transport() http.RoundTripper { return acting{a, a.ECR.Transport()} }

// take counts a call and returns the fault that takes it; nil when none does.
func (a *actions) take(action string) *registrytest.Fault {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls[action]++
	for _, f := range a.faults {
		if f.Path != action || f.Times > 0 && a.seen[f] >= f.After+f.Times {
			continue
		}
		if a.seen[f]++; a.seen[f] > f.After {
			return f
		}
	}
	return nil
}

type acting struct {
	*actions
	next http.RoundTripper
}

var errBroken = errors.New("the connection is closed")

// RoundTrip implements [http.RoundTripper].
func (a acting) RoundTrip(req *http.Request) (*http.Response, error) {
	_, action, _ := strings.Cut(req.Header.Get("X-Amz-Target"), ".")
	f := a.take(action)
	if f == nil {
		return a.next.RoundTrip(req)
	}
	if f.Before != nil {
		f.Before()
	}
	if f.Apply || f.Status == 0 && !f.Break {
		resp, err := a.next.RoundTrip(req)
		if err != nil || f.Status == 0 && !f.Break {
			return resp, err
		}
		_ = resp.Body.Close()
	}
	if f.Break {
		return nil, errBroken
	}
	return &http.Response{
		StatusCode: f.Status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: f.Header.Clone(),
		Body: io.NopCloser(strings.NewReader(f.Body)), ContentLength: int64(len(f.Body)), Request: req,
	}, nil
}

func TestFaults(t *testing.T) {
	t.Parallel()
	kindtest.Faults(t, func(t *testing.T) kindtest.Stand {
		f := vendors.NewECR(t, vendors.ECROptions{})
		s := standOf(f, userKeys(f), dockerLogin(f))
		s.Fake = withActions(f)
		return s
	}, kindtest.Paths{List: registrytest.Fault{Path: "DescribeImages"}, Delete: registrytest.Fault{Path: "BatchDeleteImage"}})
}

func TestFaultsOfDockerLogin(t *testing.T) {
	t.Parallel()
	kindtest.Faults(t, func(t *testing.T) kindtest.Stand {
		f := vendors.NewECR(t, vendors.ECROptions{})
		return standOf(f, nil, dockerLogin(f))
	}, kindtest.Paths{
		List:   registrytest.Fault{Method: http.MethodGet, Path: "*/tags/list"},
		Delete: registrytest.Fault{Method: http.MethodDelete, Path: "*/manifests/*"},
	})
}
