package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/kinds"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
	"github.com/regsweep/regsweep/internal/registry/registrytest/vendors"
)

// listingResult is how long a service's repository took to read: by the service's own list, with one request for each tag,
// and with those that a date takes besides.
type listingResult struct {
	product           string
	tags              int
	list, each, dated reading
}

// reading is one way to read.
type reading struct {
	elapsed  time.Duration
	requests int
}

// farAway is the round trip to a service.
const farAway = 20 * time.Millisecond

// service is the fake of a service in use.
type service struct {
	kind, host, path string
	options          registry.Options
	fake             interface {
		Transport() http.RoundTripper
		Pusher(t testing.TB, path string) fixture.Tester
	}
}

// login logs in at the hosts.
func login(user, secret string, hosts ...string) registry.Credentials {
	known := map[string]bool{}
	for _, h := range hosts {
		known[h] = true
	}
	return registry.Credentials{Explicit: func(host string) (registry.Login, bool) {
		return registry.Login{Username: user, Password: registry.Secret(secret)}, known[host]
	}}
}

// services are those that have a list of their own.
var services = []func(t testing.TB) service{
	func(t testing.TB) service {
		f := vendors.NewGitLab(t, vendors.GitLabOptions{Logins: []vendors.Login{vendors.JobToken("acme/app", "j0b")}})
		job, host := vendors.JobToken("acme/app", "j0b"), "registry.gitlab.com"
		return service{"gitlab", host, "acme/app", registry.Options{Credentials: login(job.User, job.Password, host)}, f}
	},
	func(t testing.TB) service {
		f := vendors.NewGHCR(t, vendors.GHCROptions{})
		return service{"ghcr", "ghcr.io", "acme/team/app", registry.Options{Credentials: login("octocat", vendors.GHCRAll, "ghcr.io")}, f}
	},
	func(t testing.TB) service {
		f := vendors.NewDockerHub(t, vendors.DockerHubOptions{Limits: vendors.HubLimits{Pulls: 1_000_000, API: 1_000_000}})
		return service{"dockerhub", "docker.io", "acme/app", registry.Options{Credentials: login("acme", vendors.HubAll, "docker.io", "registry-1.docker.io")}, f}
	},
	func(t testing.TB) service {
		f := vendors.NewECR(t, vendors.ECROptions{})
		keys := f.UserKeys()
		env := map[string]string{"AWS_ACCESS_KEY_ID": keys.AccessKeyID, "AWS_SECRET_ACCESS_KEY": keys.SecretAccessKey, "AWS_SESSION_TOKEN": keys.SessionToken}
		return service{"ecr", f.RegistryHost(), "team/app", registry.Options{
			Credentials: login("AWS", f.Password(), f.RegistryHost()), Getenv: func(name string) string { return env[name] },
		}, f}
	},
	func(t testing.TB) service {
		f := vendors.NewGAR(t, vendors.GAROptions{})
		return service{"gar", f.RegistryHost(), "acme/images/team/app", registry.Options{Credentials: login("oauth2accesstoken", f.Token(), f.RegistryHost())}, f}
	},
	func(t testing.TB) service {
		f := vendors.NewACR(t, vendors.ACROptions{})
		user, password := f.Login()
		return service{"acr", f.RegistryHost(), "team/app", registry.Options{Credentials: login(user, password, f.RegistryHost())}, f}
	},
	func(t testing.TB) service {
		robot := vendors.Login{User: "robot$acme+prune", Password: "r0b0t", Actions: []string{"pull", "delete", "list"}, Under: "acme"}
		f, host := vendors.NewHarbor(t, vendors.HarborOptions{Logins: []vendors.Login{robot}}), "harbor.example"
		return service{"harbor", host, "acme/team/app", registry.Options{Credentials: login(robot.User, robot.Password, host)}, f}
	},
}

// listings reads a repository of so many tags on the fake of each service, far away: as regsweep does it, and as a client
// has to that knows only the OCI API.
func (b *bench) listings(ctx context.Context, tags int) ([]listingResult, error) {
	var out []listingResult
	var errs []error
	for _, start := range services {
		var res listingResult
		var err error
		// It is the only way to a fake, which stops when its test has ended.
		testing.Benchmark(func(t *testing.B) {
			if res.tags == 0 {
				res, err = list(ctx, t, start(t), tags)
			}
		})
		switch {
		case err != nil:
			errs = append(errs, err)
		case res.tags == 0:
			errs = append(errs, errNoFake)
		default:
			out = append(out, res)
			fmt.Fprintf(b.log, "%s, %d tags: %s by its list, %s one by one\n", res.product, tags, seconds(res.list.elapsed), seconds(res.each.elapsed))
		}
	}
	return out, errors.Join(errs...)
}

// errNoFake is returned when a fake could not be started or filled.
var errNoFake = errors.New("the fake of a service has failed")

// list reads a repository in all three ways.
func list(ctx context.Context, t testing.TB, s service, tags int) (listingResult, error) {
	images := repository{s.path, tags}.build()
	s.fake.Pusher(t, s.path).Images(images)
	out := listingResult{tags: tags}
	for _, way := range []struct {
		to    *reading
		kind  string
		query registry.Query
	}{
		{&out.list, s.kind, registry.Query{SkipDates: true}},
		{&out.each, "distribution", registry.Query{SkipDates: true}},
		{&out.dated, "distribution", registry.Query{}},
	} {
		line := &far{next: s.fake.Transport()}
		o := s.options
		o.Kind, o.Transport = way.kind, line
		r, err := kinds.Open(s.host, o)
		if err != nil {
			return out, err
		}
		if way.kind == s.kind {
			out.product = r.Traits().Product
		}
		began := time.Now()
		snapshot, err := r.Repository(s.path).Snapshot(ctx, way.query)
		if err != nil {
			return out, fmt.Errorf("%s, read as %s: %w", s.host, way.kind, err)
		}
		*way.to = reading{time.Since(began), int(line.requests.Load())}
		if len(snapshot.Images) != tags {
			return out, fmt.Errorf("%s, read as %s: got %d images, want %d", s.host, way.kind, len(snapshot.Images), tags)
		}
	}
	return out, nil
}

// far is a line on which each request takes a round trip more.
type far struct {
	next     http.RoundTripper
	requests atomic.Int64
}

// RoundTrip lets a request pass after its time.
func (f *far) RoundTrip(r *http.Request) (*http.Response, error) {
	f.requests.Add(1)
	wait := time.NewTimer(farAway)
	defer wait.Stop()
	select {
	case <-r.Context().Done():
		return nil, context.Cause(r.Context())
	case <-wait.C:
	}
	return f.next.RoundTrip(r)
}

// writeListings writes how long the lists took.
func writeListings(w io.Writer, rows []listingResult) {
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(w, "\n### Reading a repository by the service's own list, a round trip of %v\n\nOn fakes of the services, with pages as small as theirs, and without the limits of requests of Docker Hub:\n\n", farAway)
	writeRow(w, "", "tags", "by its list", "requests", "one request a tag", "requests", "with the date of each build", "requests", "one request a tag ÷ by its list")
	writeRule(w, 8)
	for _, r := range rows {
		writeRow(w, r.product, fmt.Sprint(r.tags), seconds(r.list.elapsed), fmt.Sprint(r.list.requests), seconds(r.each.elapsed), fmt.Sprint(r.each.requests),
			seconds(r.dated.elapsed), fmt.Sprint(r.dated.requests), times(float64(r.each.elapsed)/float64(r.list.elapsed)))
	}
}
