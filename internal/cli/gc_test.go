package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/registry/registrytest"
)

// What is wrong with a garbage collection is found before anything is sent to a registry or deleted.
func TestGCBadInput(t *testing.T) {
	t.Parallel()
	local := []string{"--gc-via", "local:", "--gc-stop", "true", "--gc-start", "true"}
	with := func(args ...string) []string { return append(args, local...) }
	for name, c := range map[string]struct {
		args       []string
		says, hint string
	}{
		"no target":                {[]string{"gc", "HOST"}, "--gc-via", "for example --gc-via docker://registry"},
		"an unknown target":        {[]string{"gc", "HOST", "--gc-via", "ftp://x"}, "--gc-via", ""},
		"no way to stop it":        {[]string{"gc", "HOST", "--gc-via", "local:"}, "--gc-stop", ""},
		"a time that is over":      {with("gc", "HOST", "--gc-timeout=-1m"), "--gc-timeout", ""},
		"a wait that is over":      {with("gc", "HOST", "--gc-wait=-1m"), "--gc-wait", ""},
		"no such key":              {with("gc", "HOST", "--gc-ssh-key", "TMP/none"), "--gc-ssh-key", ""},
		"two registries":           {with("gc", "HOST", "other.example:5000"), "other.example:5000", ""},
		"a repository elsewhere":   {with("gc", "HOST", "other.example/team/app"), "other.example", ""},
		"what is not a registry":   {with("gc", "a b"), `"a b" is not a registry`, ""},
		"no registry at all":       {with("gc"), "no image is named", "name it"},
		"an unknown CI":            {with("gc", "HOST", "--ci", "travis"), "--ci", ""},
		"a report of another form": {with("gc", "HOST", "--report", "TMP/x.csv"), "--report", ""},
		"an age is missing":        {with("gc", "HOST", "--untagged"), "--untagged", "regsweep gc --help"},
		"what is not an age":       {with("gc", "HOST", "--untagged", "old"), "--untagged", "regsweep gc --help"},
		"a plan of nothing":        {with("gc", "HOST", "--dry-run"), "--dry-run needs --untagged", "rank --gc-via"},
		"no file of images in use": {with("gc", "HOST", "--untagged", "1d", "--protect-file", "TMP/none"), "--protect-file", ""},
		"a folder that is none":    {with("gc", "HOST", "--untagged", "1d", "--state-dir", "/dev/null/x"), "--state-dir", ""},
		"a flag that is gone":      {with("gc", "HOST", "--gc-delete-untagged"), "unknown flag --gc-delete-untagged", "--untagged AGE deletes manifests without a tag"},
		"another of these":         {with("HOST/a", "--keep-last", "1", "--gc", "--gc-delete-untagged-destroys-multi-arch-images"), "unknown flag", "--untagged AGE"},
		"after a prune of two":     {with("HOST/a", "other.example/b", "--keep-last", "1", "--gc"), "one registry", ""},
		"in parallel jobs":         {with("HOST/a", "HOST/b", "--keep-last", "1", "--gc", "--shard", "1/2"), "--gc", "regsweep gc once, in a job after these"},
		"offline, no collection":   {[]string{"HOST/a", "--keep-last", "1", "--delete-by", "offline"}, "--delete-by offline needs --gc", "leave --delete-by out"},
		"offline, live":            {with("HOST/a", "--keep-last", "1", "--gc", "--gc-mode", "live", "--delete-by", "offline"), "does not work with --gc-mode live", "leave one of the two out"},
		"after a prune, no target": {[]string{"HOST/a", "--keep-last", "1", "--gc"}, "--gc-via", "for example"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reg := registrytest.New(t, registrytest.Options{})
			got := sweep(t, reg, nil, c.args...)
			if got.code != exitUsage || !strings.Contains(got.stderr, c.says) || !strings.Contains(got.stderr, c.hint) {
				t.Errorf("exit %d, want %q and the hint %q\n%s", got.code, c.says, c.hint, got.stderr)
			}
			if n := len(reg.Requests()); n > 0 {
				t.Errorf("%d requests were sent", n)
			}
		})
	}
}

// A host without a registry's program is told before the registry is stopped, alone and after a prune, and the report has
// it.
func TestGCWithoutARegistryThere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	stopped := filepath.Join(dir, "stopped")
	via := []string{"--gc-via", "local:", "--gc-stop", "touch " + stopped, "--gc-start", "true", "--gc-binary", filepath.Join(dir, "none"), "--gc-config", filepath.Join(dir, "none.yml"), "--output", "json"}
	for name, args := range map[string][]string{
		"alone":         {"gc", "HOST", "HOST/team/app"},
		"after a prune": {"HOST/team/app", "--keep-last", "1", "--gc"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reg := registrytest.New(t, registrytest.Options{})
			builds(reg.Pusher(t, "team/app"), 3)
			got := sweep(t, reg, map[string]string{"USER": "ci"}, slices.Concat(args, via)...)
			if got.code != exitRegistry && got.code != exitRefused {
				t.Errorf("exit %d\n%s", got.code, got.stderr)
			}
			if !strings.Contains(got.stderr, "regsweep: garbage collection: ") || !strings.Contains(got.stdout, `"gc": {`) {
				t.Errorf("stderr:\n%s\nstdout:\n%s", got.stderr, got.stdout)
			}
			if _, err := os.Stat(stopped); err == nil {
				t.Error("the registry was stopped")
			}
		})
	}
}

// The password is not handed to what runs next to the registry.
func TestGCEnvironmentHasNoPassword(t *testing.T) {
	t.Parallel()
	got := withoutSecrets([]string{"PATH=/bin", "REGSWEEP_PASSWORD=s3cret", "INPUT_PASSWORD=s3cret", "PLUGIN_PASSWORD=s3cret", "HOME=/root"})
	if !slices.Equal(got, []string{"PATH=/bin", "HOME=/root"}) {
		t.Errorf("got %v", got)
	}
}
