package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/regsweep/regsweep/internal/ci"
	"github.com/regsweep/regsweep/internal/gc"
	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
)

// nextTo is where a registry runs and how its own program is run there, for a collection or its dry run.
type nextTo struct {
	Via        string        `name:"gc-via" placeholder:"TARGET" help:"Where the registry runs: local:, ssh://user@host[:port], docker://container, docker+ssh://user@host[:port]/container or kubectl://namespace/deployment/name."`
	Binary     string        `name:"gc-binary" placeholder:"FILE" help:"The registry's program. Default: registry or docker-registry, whichever is there."`
	Config     string        `name:"gc-config" placeholder:"FILE" help:"The registry's configuration. Default: /etc/distribution/config.yml, else /etc/docker/registry/config.yml."`
	Timeout    time.Duration `name:"gc-timeout" placeholder:"TIME" help:"End the collection after this long. Default: 1h."`
	SSHKey     string        `name:"gc-ssh-key" placeholder:"FILE" help:"Private key for ssh. Default: ssh's own choice."`
	KnownHosts string        `name:"gc-known-hosts" placeholder:"FILE" help:"File with the host's key, which is always checked. Default: ssh's own."`
}

// collection is how a registry's own garbage collection is run, after a prune or alone.
type collection struct {
	nextTo          `group:"gc"`
	Stop            string        `group:"gc" name:"gc-stop" placeholder:"COMMAND" help:"Stops the registry; shell text, run next to it. Needed for local: and ssh://."`
	Start           string        `group:"gc" name:"gc-start" placeholder:"COMMAND" help:"Starts it again."`
	Mode            string        `group:"gc" name:"gc-mode" enum:"offline,live" default:"offline" placeholder:"MODE" help:"offline stops the registry, collects and starts it again. live collects while it serves and then restarts it: what is pushed meanwhile can be lost. Default: ${default}."`
	Wait            time.Duration `group:"gc" name:"gc-wait" placeholder:"TIME" help:"How long the registry may take to answer after its start. Default: 1m."`
	DeleteUntagged  bool          `group:"gc" name:"gc-delete-untagged" help:"Delete manifests without a tag as well. Refused on 2.x, where it destroys multi-arch images."`
	DestroysIndexes bool          `group:"gc" name:"gc-delete-untagged-destroys-multi-arch-images" help:"Do it on 2.x all the same, where there is no multi-arch image."`
	BreakLock       bool          `group:"gc" name:"gc-break-lock" help:"Take the lock that an earlier collection has left behind."`
}

// target reads the target and what belongs to it. Every error is bad input.
func (c collection) target(getenv func(string) string) (*gc.Target, error) {
	if c.Wait < 0 {
		return nil, errors.New("--gc-wait is a time from now on")
	}
	return c.nextTo.target(gc.TargetOptions{Stop: c.Stop, Start: c.Start})
}

// target reads the target, for which o has the commands that stop and start the registry. Every error is bad input.
func (n nextTo) target(o gc.TargetOptions) (*gc.Target, error) {
	if n.Via == "" {
		return nil, errNoTarget
	}
	if n.Timeout < 0 {
		return nil, errors.New("--gc-timeout is a time from now on")
	}
	for flag, file := range map[string]string{"gc-ssh-key": n.SSHKey, "gc-known-hosts": n.KnownHosts} {
		if file == "" {
			continue
		}
		if _, err := os.Stat(file); err != nil { // ssh would only say that it may not in
			return nil, fmt.Errorf("--%s: %w", flag, err)
		}
	}
	o.SSHKey, o.KnownHosts, o.Environment = n.SSHKey, n.KnownHosts, withoutSecrets(os.Environ())
	o.Lifetime = cmp.Or(n.Timeout, time.Hour) + time.Hour
	t, err := gc.ParseTarget(n.Via, o)
	if err != nil {
		return nil, fmt.Errorf("--gc-via: %w", err)
	}
	return t, nil
}

// errNoTarget is returned when it is not said where the registry runs.
var errNoTarget = errors.New("--gc-via: it is not said where the registry runs")

// withoutSecrets leaves out of an environment what regsweep alone is given.
func withoutSecrets(env []string) []string {
	return slices.DeleteFunc(env, func(e string) bool {
		name, _, _ := strings.Cut(e, "=")
		switch name {
		case "REGSWEEP_PASSWORD", "INPUT_PASSWORD", "PLUGIN_PASSWORD":
			return true
		}
		return false
	})
}

// collect has the registry of a host collected and returns what became of it, with the exit code. kept are the images
// that have to be whole afterwards.
func (c collection) collect(ctx context.Context, s *session, front *front) (*gc.Result, int) {
	target, err := c.target(s.process.getenv)
	if err != nil { // it was read before
		return &gc.Result{Via: c.Via, Err: err}, exitUsage
	}
	if gc.Mode(c.Mode) == gc.Live {
		s.say.warningf("--gc-mode live: what is pushed to the registry while it is collected can lose its layers")
	}
	res := gc.Run(ctx, target, front, gc.Options{
		Binary: c.Binary, Config: c.Config, Mode: gc.Mode(c.Mode), Timeout: c.Timeout, Wait: c.Wait,
		DeleteUntagged: c.DeleteUntagged, DestroysMultiArch: c.DestroysIndexes, BreakLock: c.BreakLock,
		Owner: owner(s.system, s.process.getenv), Untagged: front.untagged(),
		Say: func(text string) { s.say.line("", "garbage collection: %s", text) },
	})
	for _, n := range res.Notes {
		s.say.warningf("garbage collection: %s", n)
	}
	if res.Err == nil {
		return &res, exitDone
	}
	return &res, s.failedCollection(&res)
}

// failedCollection says why a collection failed and returns the exit code.
func (s *session) failedCollection(res *gc.Result) int {
	text := "garbage collection: " + strings.ReplaceAll(res.Err.Error(), "\n", "; ")
	var absent *gc.NotBackError
	if res.Restarted && !errors.As(res.Err, &absent) {
		text += "; the registry serves again"
	}
	s.say.errorf("%s", text)
	var advice interface{ Hint() string }
	if errors.As(res.Err, &advice) && advice.Hint() != "" {
		s.say.hintf("%s", advice.Hint())
	}
	var refusal *gc.Refusal
	var missing *gc.MissingError
	switch {
	case errors.As(res.Err, &absent), errors.As(res.Err, &missing):
		return exitRegistry
	case errors.As(res.Err, &refusal):
		return exitRefused
	case errors.Is(res.Err, context.Canceled):
		return exitCancelled
	}
	return exitRegistry
}

// owner says in the lock who collects: the build, else the machine and the process.
func owner(system ci.System, getenv func(string) string) string {
	name, err := os.Hostname()
	if err != nil {
		name = "an unnamed host"
	}
	out := fmt.Sprintf("regsweep, process %d on %s", os.Getpid(), name)
	if system.BuildURL != "" {
		out += " (" + system.BuildURL + ")"
	} else if user := getenv("USER"); user != "" {
		out += " (" + user + ")"
	}
	return out
}

// front is the registry as its clients see it, and the images that have to be whole.
type front struct {
	clients *clients
	host    string
	kept    []keptImages
}

// keptImages are those of one repository.
type keptImages struct {
	repository oci.Repository
	images     []oci.Image
}

// Answers asks once whether the registry serves.
func (f *front) Answers(ctx context.Context) error {
	client, err := f.clients.of(f.host)
	if err != nil {
		return err
	}
	return client.Ping(ctx)
}

// Verify asks for everything that the kept images are made of.
func (f *front) Verify(ctx context.Context) (gc.Check, error) {
	var out gc.Check
	for _, k := range f.kept {
		client, err := f.clients.of(f.host)
		if err != nil {
			return gc.Check{}, err
		}
		verifier, can := client.Repository(k.repository.Path).(registry.Verifier)
		if !can {
			return gc.Check{}, fmt.Errorf("%s: this kind of registry cannot be verified", k.repository)
		}
		absent, err := verifier.Missing(ctx, k.images)
		if err != nil {
			return gc.Check{}, fmt.Errorf("%s: %w", k.repository, err)
		}
		out.Images += len(k.images)
		for _, d := range absent {
			out.Missing = append(out.Missing, gc.Missing{Repository: k.repository, Digest: d})
		}
	}
	return out, nil
}

// untagged are the images that no tag leads to, not even through an index.
func (f *front) untagged() []oci.Digest {
	var out []oci.Digest
	for _, k := range f.kept {
		reached := map[oci.Digest]bool{}
		byDigest := map[oci.Digest]oci.Image{}
		for _, i := range k.images {
			byDigest[i.Digest] = i
		}
		var reach func(d oci.Digest)
		reach = func(d oci.Digest) {
			if i, ok := byDigest[d]; ok && !reached[d] {
				reached[d] = true
				for _, c := range i.Children {
					reach(c)
				}
			}
		}
		for _, i := range k.images {
			if len(i.Tags) > 0 {
				reach(i.Digest)
			}
		}
		for _, i := range k.images {
			if !reached[i.Digest] {
				out = append(out, i.Digest)
			}
		}
	}
	return out
}
