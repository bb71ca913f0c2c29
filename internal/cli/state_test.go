package cli

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/registry/registrytest"
)

// The state folder is the one of the flag, else the cache folder of the user; without one a run goes on by digest.
func TestStateFolder(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Log("the default folder has another name here; only the flag is tried")
	}
	dir := t.TempDir()
	blocked := filepath.Join(dir, "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cache := filepath.Join(dir, "cache")
	for name, c := range map[string]struct {
		env  map[string]string
		args []string
		code int
		says string
		made string
	}{
		"none":                          {code: exitDone},
		"the user's":                    {env: map[string]string{"XDG_CACHE_HOME": cache}, code: exitDone, made: filepath.Join(cache, "regsweep")},
		"by the flag":                   {args: []string{"--state-dir", filepath.Join(dir, "own")}, code: exitDone, made: filepath.Join(dir, "own")},
		"by the flag, not to be had":    {args: []string{"--state-dir", filepath.Join(blocked, "x")}, code: exitUsage, says: "--state-dir"},
		"the user's, not to be had":     {env: map[string]string{"XDG_CACHE_HOME": blocked}, code: exitDone},
		"none, and the method needs it": {args: []string{"--delete-by", "tags-first"}, code: exitUsage, says: "no journal"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reg := registrytest.New(t, registrytest.Options{})
			builds(reg.Pusher(t, "team/app"), 3)
			got := sweep(t, reg, c.env, append([]string{"HOST/team/app", "--keep-last", "1"}, c.args...)...)
			if got.code != c.code || !strings.Contains(got.stderr, c.says) {
				t.Errorf("exit %d\n%s", got.code, got.stderr)
			}
			if c.made != "" && runtime.GOOS == "linux" {
				if _, err := os.Stat(c.made); err != nil {
					t.Error(err)
				}
			}
		})
	}
}
