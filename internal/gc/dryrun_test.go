package gc

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestDryRun(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*fakeHost)
		says   string
		hint   string
	}{
		"it works":     {func(*fakeHost) {}, "", ""},
		"GitLab's":     {func(f *fakeHost) { f.probe = strings.Replace(fakeProbe, "v3.1.2", "v4.15.2-gitlab", 1) }, "this is GitLab's registry", "run gitlab-ctl"},
		"no host":      {failing("open"), "open fails", "--gc-binary and --gc-config name what to run there"},
		"no binary":    {func(f *fakeHost) { f.probe = "binary=\n\n" }, "find the registry's binary", "--gc-binary names"},
		"rubbish":      {func(f *fakeHost) { f.log = "<html>\n" }, "garbage-collect --dry-run: not the log of a garbage collection", "--gc-binary and --gc-config"},
		"it fails":     {failing("run"), "garbage-collect --dry-run: run fails", "--gc-binary and --gc-config"},
		"no end":       {func(f *fakeHost) { f.took = 2 * time.Hour }, "garbage-collect --dry-run: it took longer than --gc-timeout", "--gc-binary and --gc-config"},
		"no clean end": {failing("close"), "close fails", "--gc-binary and --gc-config"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				c.change(f)
				log, err := DryRun(t.Context(), f.target(), Options{})
				if c.says == "" {
					if err != nil || log.BlobsEligible != 2 {
						t.Errorf("got %+v, %v", log, err)
					}
				} else if err == nil || !strings.Contains(err.Error(), c.says) || !strings.HasPrefix(hintOf(err), c.hint) || (KindOf(err) != KindFailed) != (name == "GitLab's") {
					t.Errorf("got %v, hint %q", err, hintOf(err))
				}
				f.wantSteps(t, "open", "close", "!stop", "!lock")
			})
		})
	}
}
