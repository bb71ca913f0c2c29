package e2e

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/regsweep/regsweep/e2e/registries"
	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// commands are what a script can say about its registry. They fail the script when they fail; none can be negated.
var commands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	// registry [2.8] [delete-disabled] [read-only] [auth=USER:PASSWORD]: start it anew, with what it holds.
	"registry": command(0, restart),
	// stopregistry: nobody listens any more.
	"stopregistry": command(0, func(s *stage, _ *testscript.TestScript, _ []string) error {
		s.plain.Close()
		s.tls.Close()
		return nil
	}),

	// push REPOSITORY TAG AGE [oci] [size=BYTES]: an image that was built so long ago, such as 3d or 2h; - is unknown.
	"push": command(3, pushImage),
	// multi REPOSITORY TAG AGE [list]: an OCI index, or a docker manifest list, of two platforms.
	"multi": command(3, pushIndex),
	// alias REPOSITORY TAG NEW...: more tags for what a tag points at.
	"alias": command(3, func(s *stage, ts *testscript.TestScript, args []string) error {
		d, err := s.digest(args[0], args[1])
		for _, t := range args[2:] {
			s.digests[args[0]+":"+t] = d
		}
		return cmp.Or(err, s.pusher(args[0]).Tag(context.Background(), d, args[2:]...))
	}),
	// sign REPOSITORY TAG: what cosign attaches.
	"sign": command(2, func(s *stage, ts *testscript.TestScript, args []string) error {
		d, err := s.digest(args[0], args[1])
		if err == nil {
			_, err = s.pusher(args[0]).Signature(context.Background(), d, ".sig")
		}
		return err
	}),
	// refer REPOSITORY TAG: an SBOM with a subject, and the fallback tag that lists it.
	"refer": command(2, func(s *stage, ts *testscript.TestScript, args []string) error {
		d, err := s.digest(args[0], args[1])
		if err == nil {
			_, _, err = s.pusher(args[0]).Referrer(context.Background(), d, "application/spdx+json")
		}
		return err
	}),
	// digest VARIABLE REPOSITORY TAG: set a variable to the digest that was pushed.
	"digest": command(3, func(s *stage, ts *testscript.TestScript, args []string) error {
		d, err := s.digest(args[1], args[2])
		ts.Setenv(args[0], d.String())
		ts.Setenv(args[0]+"_TAG", strings.Replace(d.String(), ":", "-", 1))
		return err
	}),

	// config VARIABLE REPOSITORY TAG: set a variable to the digest of an image's config, which is the image's id.
	"config": command(3, func(s *stage, ts *testscript.TestScript, args []string) error {
		_, body, err := s.get("/v2/" + args[1] + "/manifests/" + args[2])
		var manifest struct{ Config struct{ Digest string } }
		err = cmp.Or(err, json.Unmarshal(body, &manifest))
		ts.Setenv(args[0], manifest.Config.Digest)
		return err
	}),

	// tags REPOSITORY TAG...: the repository has exactly these tags; attachments' tags by their ending.
	"tags": command(1, checkTags),
	// manifests REPOSITORY N: the registry has so many manifests of it, tagged or not.
	"manifests": command(2, func(s *stage, _ *testscript.TestScript, args []string) error {
		n, err := s.manifests(args[0])
		return cmp.Or(err, want("manifests", strconv.Itoa(n), args[1]))
	}),
	// pullable REPOSITORY TAG...: everything that a pull needs is there.
	"pullable": command(2, func(s *stage, _ *testscript.TestScript, args []string) error {
		var errs []error
		for _, tag := range args[1:] {
			errs = append(errs, registrytest.Pullable(func(path string) (int, []byte) {
				status, body, err := s.get("/v2/" + args[0] + "/" + path)
				errs = append(errs, err)
				return status, body
			}, tag))
		}
		return errors.Join(errs...)
	}),
	// deletions N: so many deletions were asked for since the script began.
	"deletions": command(1, func(s *stage, _ *testscript.TestScript, args []string) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		return want("deletions", strconv.Itoa(s.deletions), args[0])
	}),
	// accounted FILE REPOSITORY: the JSON report says deleted of exactly what is gone, and of nothing else.
	"accounted": command(2, accounted),

	// untouched: the storage holds the same bytes as when this was said first.
	"untouched": command(0, func(s *stage, _ *testscript.TestScript, _ []string) error {
		now, err := s.content()
		if s.storage == "" {
			s.storage = now
		}
		return cmp.Or(err, want("storage", now, s.storage))
	}),

	// fault loop|elsewhere|html|type|body|refuse|deny-push [SUFFIX]: what is wrong with the registry from now on, where a path ends so.
	"fault": command(1, addFault),
	// retag REPOSITORY TAG NEW: somebody points a new tag at an image while the run looks at the repository again.
	"retag": command(3, addTag),
	// sigterm FILE N: send SIGTERM to the process whose id is in the file when N deletions are on their way.
	"sigterm": command(2, addSignal),

	// exits CODE PROGRAM ARG...: run a program to its end, which must be that exit code.
	"exits": command(2, func(_ *stage, ts *testscript.TestScript, args []string) error {
		return exits(ts, args[0], args[1], args[2:]...)
	}),
	// told N: standard error has so many lines, each of which is regsweep's and fit for a log.
	"told": command(1, func(_ *stage, ts *testscript.TestScript, args []string) error {
		said, n := ts.ReadFile("stderr"), 0
		for line := range strings.Lines(said) {
			n++
			line = strings.TrimSuffix(line, "\n")
			if !strings.HasPrefix(line, "regsweep: ") || strings.ContainsFunc(line, unicode.IsControl) || strings.HasSuffix(line, ".") {
				return fmt.Errorf("stderr has the line %q", line)
			}
		}
		return want("lines of stderr", strconv.Itoa(n), args[0])
	}),

	// action CODE INPUT=VALUE...: run the step of action.yml as a runner does, with these inputs.
	"action": command(1, runAction),
	// gitlab-job CODE FILE JOB: run the script of a job as a GitLab runner does.
	"gitlab-job": command(3, runJob),
}

// command makes a testscript command of a function that needs at least so many arguments.
func command(least int, f func(s *stage, ts *testscript.TestScript, args []string) error) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) < least {
			ts.Fatalf("this command takes no ! and at least %d arguments", least)
		}
		ts.Check(f(ts.Value(stageKey{}).(*stage), ts, args))
	}
}

func want(what, got, want string) error {
	if got != want {
		return fmt.Errorf("%s: got %s, want %s", what, got, want)
	}
	return nil
}

func restart(s *stage, _ *testscript.TestScript, args []string) error {
	var o registries.Options
	s.run = registries.Distribution3
	for _, a := range args {
		key, value, _ := strings.Cut(a, "=")
		switch key {
		case "2.8":
			s.run = registries.DockerRegistry2
		case "delete-disabled":
			o.DisableDelete = true
		case "read-only":
			o.ReadOnly = true
		case "auth":
			o.Username, o.Password, _ = strings.Cut(value, ":")
		default:
			return fmt.Errorf("unknown option %s", a)
		}
	}
	return s.start(o)
}

// built returns when something was built that is so old.
func built(age string) (time.Time, error) {
	if age == "-" {
		return time.Time{}, nil
	}
	scale := map[byte]time.Duration{'m': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour}[age[len(age)-1]]
	n, err := strconv.Atoi(age[:len(age)-1])
	if err != nil || scale == 0 {
		return time.Time{}, fmt.Errorf("no age: %s", age)
	}
	return time.Now().Add(-time.Duration(n) * scale).Truncate(time.Second), nil
}

func pushImage(s *stage, _ *testscript.TestScript, args []string) error {
	created, err := built(args[2])
	i := fixture.Image{Tags: args[1:2], Created: created}
	for _, o := range args[3:] {
		size, isSize := strings.CutPrefix(o, "size=")
		switch {
		case isSize:
			i.Size, err = strconv.Atoi(size)
		case o == "oci":
			i.MediaType = fixture.OCIManifest
		default:
			err = fmt.Errorf("unknown option %s", o)
		}
	}
	if err != nil {
		return err
	}
	d, err := s.pusher(args[0]).Image(context.Background(), i)
	s.digests[args[0]+":"+args[1]] = d
	return err
}

func pushIndex(s *stage, _ *testscript.TestScript, args []string) error {
	created, err := built(args[2])
	if err != nil {
		return err
	}
	index, image := fixture.OCIIndex, fixture.OCIManifest
	if slices.Contains(args[3:], "list") {
		index, image = fixture.DockerList, fixture.DockerManifest
	}
	p := s.pusher(args[0])
	var images []fixture.Image
	for _, platform := range []string{"linux/amd64", "linux/arm64"} {
		images = append(images, fixture.Image{Seed: args[1] + platform, Platform: platform, Created: created, MediaType: image})
	}
	children, err := p.Images(context.Background(), images)
	if err != nil {
		return err
	}
	d, err := p.Index(context.Background(), fixture.Index{Tags: args[1:2], Children: children, MediaType: index})
	s.digests[args[0]+":"+args[1]] = d
	return err
}

func (s *stage) digest(path, tag string) (oci.Digest, error) {
	d, ok := s.digests[path+":"+tag]
	if !ok {
		return "", fmt.Errorf("%s:%s was not pushed", path, tag)
	}
	return d, nil
}

func checkTags(s *stage, _ *testscript.TestScript, args []string) error {
	got, err := s.tags(args[0])
	if err != nil {
		return err
	}
	wanted := slices.Sorted(slices.Values(args[1:]))
	if !slices.Equal(got, wanted) {
		return fmt.Errorf("%s has the tags %v, want %v", args[0], got, wanted)
	}
	return nil
}

// accounted holds a report against the registry: every image has been decided, every deletion has an outcome, and
// what is said to be deleted is gone while all else is there.
func accounted(s *stage, ts *testscript.TestScript, args []string) error {
	var report struct {
		Repositories []struct {
			Repository string
			Images     []struct {
				Digest, Verdict string
				Outcome         *string
			}
			Deleted, Skipped int
		}
	}
	if err := json.Unmarshal([]byte(ts.ReadFile(args[0])), &report); err != nil {
		return err
	}
	for _, r := range report.Repositories {
		if !strings.HasSuffix(r.Repository, "/"+args[1]) {
			continue
		}
		if r.Deleted == 0 || r.Skipped == 0 {
			return fmt.Errorf("deleted %d and skipped %d, want some of both", r.Deleted, r.Skipped)
		}
		for _, i := range r.Images {
			status, _, err := s.get("/v2/" + args[1] + "/manifests/" + i.Digest)
			if err != nil {
				return err
			}
			gone := i.Outcome != nil && *i.Outcome == "deleted"
			if gone != (status == http.StatusNotFound) || (i.Verdict == "delete") != (i.Outcome != nil) {
				return fmt.Errorf("%+v answers %d", i, status)
			}
		}
		return nil
	}
	return fmt.Errorf("%s is not in the report", args[1])
}

// exits runs a program and checks its exit code.
func exits(ts *testscript.TestScript, code, name string, args ...string) error {
	err := ts.Exec(name, args...)
	got := 0
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		return err
	}
	return want("exit code", strconv.Itoa(got), code)
}

func discard() *log.Logger { return log.New(io.Discard, "", 0) }
