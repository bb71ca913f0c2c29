package e2e

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// rankVia are the flags that rank by a dry run next to the registry. How it is stopped is not among them.
func (d *depot) rankVia() []string {
	return []string{"--gc-via", "local:", "--gc-binary", d.Binary, "--gc-config", d.Config}
}

// What rank makes of a dry run that it has made itself is what it makes of the log of one that was made by hand. The
// registry serves all the while, and nothing is deleted.
func TestRankGCIsTheDryRunByHand(t *testing.T) {
	t.Parallel()
	eachLine(t, func(t *testing.T, d *depot) {
		d.builds("team/app", 7, 4000)
		d.builds("team/web", 3, 90000)
		latest := d.pusher("team/latest") // two manifests without a tag
		for _, seed := range []string{"one", "two", "three"} {
			latest.Image(fixture.Image{Seed: seed, Tags: []string{"latest"}, Size: 100})
		}
		gone := latest.Image(fixture.Image{Seed: "gone", Tags: []string{"gone"}, Size: 5000}) // what a collection would delete
		wire{T: t, Server: server{URL: d.URL, Host: d.Host}, Path: "team/latest", Push: latest}.Do("DELETE", "manifests/"+gone.String())
		serving, before := d.serving(), contents(t, d.Dir)

		var log, stderr bytes.Buffer
		byHand := bounded(t, d.Binary, "garbage-collect", "--dry-run", d.Config)
		byHand.Stdout, byHand.Stderr = &log, &stderr
		if err := byHand.Run(); err != nil {
			t.Fatalf("%v\n%s", err, stderr.String())
		}
		want := rankJSON(t, log.Bytes(), "--from", "-")
		got := rankJSON(t, nil, d.rankVia()...)
		if !reflect.DeepEqual(got, want) || len(want.Repositories) != 3 {
			t.Errorf("next to the registry: %+v\nby hand: %+v", got, want)
		}
		if top := got.Repositories[0]; top.Repository != "team/app" || top.Manifests != 7 {
			t.Errorf("the first is %+v, want team/app with 7 manifests", top)
		}
		if d.serving() != serving || !d.Answers() {
			t.Error("the registry was restarted")
		}
		if after := contents(t, d.Dir); !maps.Equal(after, before) {
			t.Errorf("the storage had %d files and has %d", len(before), len(after))
		}
	})
}

// contents are the files below a folder, with their sizes.
func contents(t *testing.T, dir string) map[string]int64 {
	t.Helper()
	out := map[string]int64{}
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil {
			out[path] = info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// A dry run that fails is told in one line and a hint, exit 4, and nothing is touched.
func TestRankGCFails(t *testing.T) {
	t.Parallel()
	d := newDepot(t, lines[0])
	d.builds("team/app", 2, 100)
	dir := t.TempDir()
	program := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte("#!/bin/sh\n[ \"$1\" = --version ] && exec "+d.Binary+" --version\n"+text), 0o700); err != nil {
			t.Fatal(err)
		}
		return file
	}
	for name, c := range map[string]struct {
		flags []string // after those that are right
		says  []string
	}{
		"no such configuration":   {[]string{"--gc-config", dir + "/none.yml"}, []string{"find the registry's configuration on local:: tried " + dir + "/none.yml", "hint: --gc-config"}},
		"no such program":         {[]string{"--gc-binary", dir + "/none"}, []string{"local:", "hint: --gc-binary"}},
		"a program of its own":    {[]string{"--gc-binary", "/bin/true"}, []string{"not the CNCF registry", "hint: --gc-binary"}},
		"a collection that fails": {[]string{"--gc-binary", program("fails", "echo broken disk >&2; exit 1\n")}, []string{"garbage-collect --dry-run: ", "exited with 1: broken disk", "hint: "}},
		"rubbish":                 {[]string{"--gc-binary", program("rubbish", "echo '<html>'\n")}, []string{"not the log of a garbage collection", "hint: "}},
		"a dry run without end":   {[]string{"--gc-timeout", "1s", "--gc-binary", program("endless", "exec sleep 600\n")}, []string{"longer than --gc-timeout", "hint: "}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := d.regsweep(append(append([]string{"rank"}, d.rankVia()...), c.flags...)...)
			d.want(got, 4, c.says...)
			if n := strings.Count(got.stderr, "\n"); n != 2 {
				t.Errorf("%d lines, want an error and a hint:\n%s", n, got.stderr)
			}
			d.healthy("team/app", "b1", "b2")
		})
	}
}
