package ghcr_test

import (
	"cmp"
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/kinds"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/kindtest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/vendors"
	"github.com/regsweep/regsweep/internal/retain"
)

const path = "acme/team/app"

// clock is the time of a fake and of its client. Whoever waits moves it on.
type clock struct {
	mu     sync.Mutex
	at     time.Time
	waited time.Duration
	most   time.Duration // at once
}

func newClock() *clock { return &clock{at: time.Date(2026, 1, 23, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// wait takes the place of waiting.
func (c *clock) wait(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at, c.waited, c.most = c.at.Add(d), c.waited+d, max(c.most, d)
	return context.Cause(ctx)
}

// open opens a registry by the table of kinds.
func open(host string, o registry.Options) (registry.Registry, error) {
	o.Kind = cmp.Or(o.Kind, "ghcr")
	return kinds.Open(host, o)
}

func login(secret string) registry.Credentials {
	return registry.Credentials{Explicit: func(host string) (registry.Login, bool) {
		return registry.Login{Username: "octocat", Password: registry.Secret(secret)}, secret != "" && host != "api.github.com"
	}}
}

// stand is a fake of github.com and its clock.
type stand struct {
	kindtest.Stand
	fake  *vendors.GHCR
	clock *clock
}

// newStand starts a fake. The client logs in with the first of its tokens.
func newStand(t *testing.T, o vendors.GHCROptions) stand {
	t.Helper()
	c := newClock()
	o.Now = c.Now
	secret := vendors.GHCRAll
	if len(o.Tokens) > 0 {
		secret = o.Tokens[0].Secret
	}
	f := vendors.NewGHCR(t, o)
	host := "ghcr.io"
	if o.Server != "" {
		host = "containers." + o.Server
	}
	return stand{kindtest.Stand{
		Fake: f, Host: host, Path: path, Open: open, Now: c.Now(),
		Options: registry.Options{Credentials: login(secret), Now: c.Now},
		Context: func(ctx context.Context) context.Context { return registry.WithWait(ctx, c.wait) },
		Protect: func(_ *testing.T, d oci.Digest) { f.SetPopular(path, d) },
	}, f, c}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	start := func(t *testing.T) kindtest.Stand {
		return newStand(t, vendors.GHCROptions{Public: true}).Stand
	}
	kindtest.Conformance(t, start)
	kindtest.Referrers(t, start)
	kindtest.ExtendedReferrers(t, start)
}

func TestFaults(t *testing.T) {
	t.Parallel()
	kindtest.Faults(t, func(t *testing.T) kindtest.Stand {
		return newStand(t, vendors.GHCROptions{Public: true}).Stand
	}, kindtest.Paths{
		List:   registrytest.Fault{Method: http.MethodGet, Path: "*/versions"},
		Delete: registrytest.Fault{Method: http.MethodDelete, Path: "*/versions/*"},
	})
}

var keepOne = retain.Policy{KeepLast: 1}
