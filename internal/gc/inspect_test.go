package gc

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/regsweep/regsweep/internal/oci"
)

func TestInspect(t *testing.T) {
	t.Parallel()
	held := []Held{{oci.Repository{Host: "registry.example", Path: "team/app"}, "sha256:" + fakeHex}}
	for name, c := range map[string]struct {
		change func(*fakeHost)
		held   []Held
		want   Findings // of a folder
		says   string
	}{
		"it is the registry's":    {func(*fakeHost) {}, held, Findings{Root: "/srv", Recognized: true, Free: 4096 << 10}, ""},
		"nothing to tell it by":   {func(*fakeHost) {}, nil, Findings{Root: "/srv", Free: 4096 << 10}, ""},
		"nothing was ever pushed": {func(f *fakeHost) { f.storage = "root=yes\nrepositories=0\nfree=1\n" }, nil, Findings{Root: "/srv", Empty: true, Free: 1 << 10}, ""},
		"df says nothing":         {func(f *fakeHost) { f.storage = "root=yes\nrepositories=1\n" }, held, Findings{Root: "/srv", Recognized: true, Free: -1}, ""},
		"not a folder":            {func(f *fakeHost) { f.config = "storage: {s3: {bucket: b}}" }, held, Findings{Free: -1}, ""},
		"another registry's":      {func(f *fakeHost) { f.storage += "lacks=team/app\n" }, held, Findings{}, "does not hold team/app"},
		"no folder there":         {func(f *fakeHost) { f.storage = "repositories=0\n" }, held, Findings{}, "does not exist"},
		"a cache of another":      {func(f *fakeHost) { f.config += "\nproxy: {remoteurl: https://x}" }, held, Findings{}, "pull-through cache"},
		"no way back":             {func(f *fakeHost) { f.known.noRestart = &Refusal{Why: "it goes when it is stopped"} }, held, Findings{}, "it goes when it is stopped"},
		"no binary":               {func(f *fakeHost) { f.probe = "binary=\n\n" }, held, Findings{}, "find the registry's binary"},
		"no host":                 {failing("open"), held, Findings{}, "open fails"},
		"no clean end":            {failing("close"), held, Findings{}, "close fails"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				f.storage += "free=4096\n"
				c.change(f)
				got, err := Inspect(t.Context(), f.target(), Options{}, c.held)
				if c.says != "" {
					if err == nil || !strings.Contains(err.Error(), c.says) {
						t.Errorf("got %v, want %q", err, c.says)
					}
				} else if err != nil || got.Root != c.want.Root || got.Empty != c.want.Empty || got.Recognized != c.want.Recognized || got.Free != c.want.Free || got.Binary != "/bin/registry" || got.Version != "v3.1.2" || got.Config != "/etc/distribution/config.yml" {
					t.Errorf("got %+v, %v; want %+v", got, err, c.want)
				}
				if f.corrupt || !f.serving {
					t.Error("the registry was stopped")
				}
				f.wantSteps(t, "open", "close", "!stop", "!start", "!lock", "!collect")
			})
		})
	}
}
