package gc

import (
	"bufio"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestParseVersion(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]struct {
		version string
		major   int
	}{
		"/srv/gitlab/registry github.com/docker/distribution v2.8.3":       {"v2.8.3", 2},
		"docker-registry github.com/docker/distribution 2.8.2+ds1":         {"2.8.2+ds1", 2},
		"registry github.com/docker/distribution v2.7.1":                   {"v2.7.1", 2},
		"/bin/registry github.com/docker/distribution v2.8.3 ":             {"v2.8.3", 2},
		"registry github.com/distribution/distribution/v3 v3.1.2+unknown":  {"v3.1.2+unknown", 3},
		"/bin/registry github.com/distribution/distribution/v3 3.0.0-rc.4": {"3.0.0-rc.4", 3},
		"registry github.com/docker/distribution v4.15.2-gitlab":           {},
		"": {}, "docker 24.0.5": {}, "registry of wives 2.8.2": {}, "registry github.com/docker/distribution": {},
	} {
		version, major, err := parseVersion(line)
		if version != want.version || major != want.major || (err == nil) != (want.major > 0) {
			t.Errorf("%q: got %s, %d, %v", line, version, major, err)
		}
	}
}

func TestParseConfig(t *testing.T) {
	t.Parallel()
	folder := config{driver: "filesystem", root: defaultRoot}
	for name, c := range map[string]struct {
		text string
		env  string // NAME=VALUE, separated by " & "
		want config
		fail string
	}{
		"a folder":                {text: "storage: {filesystem: {rootdirectory: /srv/images/}, delete: {enabled: true}}", want: config{driver: "filesystem", root: "/srv/images"}},
		"the default folder":      {text: "storage:\n  cache: {blobdescriptor: inmemory}\n  filesystem:\n", want: folder},
		"a name":                  {text: "storage: filesystem", want: folder},
		"the environment's":       {text: "storage: {filesystem: {rootdirectory: /a}}", env: "STORAGE_FILESYSTEM_ROOTDIRECTORY=/b", want: config{driver: "filesystem", root: "/b"}},
		"the environment's map":   {text: "storage: {filesystem: {rootdirectory: /a}}", env: `STORAGE_FILESYSTEM={"rootdirectory": "/c"}`, want: config{driver: "filesystem", root: "/c"}},
		"the environment's lines": {text: "storage: {s3: {bucket: b}}", env: "STORAGE=filesystem:\n  rootdirectory: /d\n", want: config{driver: "filesystem", root: "/d"}},
		"the environment alone":   {env: "STORAGE=filesystem & STORAGE_CACHE_BLOBDESCRIPTOR=inmemory & STORAGE_FILESYSTEM_ROOTDIRECTORY=/e", want: config{driver: "filesystem", root: "/e"}},
		"others of it":            {text: "storage: {filesystem: {}}", env: "HTTP_SECRET=[ & LOG_LEVEL=debug & STORAGE_DELETE_ENABLED=true", want: folder},
		"buckets":                 {text: "storage: {s3: {bucket: b}, tag: {concurrencylimit: 8}}", want: config{driver: "s3"}},
		"buckets by environment":  {text: "storage: {filesystem: {}, cache: {}}", env: "STORAGE=s3 & STORAGE_S3_BUCKET=b", want: config{driver: "s3"}},
		"two storages":            {text: "storage: {filesystem: {}}", env: "STORAGE_S3_BUCKET=b", fail: "it names several storages: filesystem, s3"},
		"read-only":               {text: "storage: {filesystem: {}, maintenance: {readonly: {enabled: true}}}", want: config{driver: "filesystem", root: defaultRoot, readOnly: true}},
		"read-only by JSON":       {text: "storage: {filesystem: {}}", env: `STORAGE_MAINTENANCE_READONLY={"enabled": true}`, want: config{driver: "filesystem", root: defaultRoot, readOnly: true}},
		"writable after all":      {text: "storage: {filesystem: {}, maintenance: {readonly: {enabled: true}}}", env: "STORAGE_MAINTENANCE_READONLY_ENABLED=false", want: folder},
		"a cache":                 {text: "storage: {filesystem: {}}\nproxy: {remoteurl: https://x}", want: config{driver: "filesystem", root: defaultRoot, proxy: "https://x"}},
		"a cache by environment":  {text: "storage: {filesystem: {}}", env: "PROXY_REMOTEURL=https://y", want: config{driver: "filesystem", root: defaultRoot, proxy: "https://y"}},
		"no cache after all":      {text: "storage: {filesystem: {}}\nproxy: {remoteurl: https://x}", env: "PROXY_REMOTEURL=", want: folder},
		"a relative folder":       {text: "storage: {filesystem: {rootdirectory: data}}", fail: "not the absolute path"},
		"everything":              {text: "storage: {filesystem: {rootdirectory: /..}}", fail: "not the absolute path"},
		"no storage":              {text: "version: 0.1", fail: "does not name a storage"},
		"no YAML":                 {text: "storage: [", fail: "not understood"},
		"no YAML in a variable":   {text: "storage: {filesystem: {}}", env: "STORAGE=[secret", fail: "the variable REGISTRY_STORAGE is not YAML"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := map[string]string{}
			for v := range strings.SplitSeq(c.env, " & ") {
				if key, value, ok := strings.Cut(v, "="); ok {
					env["REGISTRY_"+key] = value
				}
			}
			got, err := parseConfig(c.text, env)
			if c.fail != "" {
				if err == nil || !strings.Contains(err.Error(), c.fail) || strings.ContainsAny(err.Error(), "\n") || strings.Contains(err.Error(), "secret") {
					t.Errorf("got %v, want %s", err, c.fail)
				}
				return
			}
			if err != nil || got != c.want {
				t.Errorf("got %+v, %v; want %+v", got, err, c.want)
			}
		})
	}
}

func TestConfigArgument(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"":                                      "",
		"/etc/distribution/config.yml":          "/etc/distribution/config.yml",
		"serve /etc/docker/registry/config.yml": "/etc/docker/registry/config.yml",
		"registry serve --quiet /conf x.yml":    "/conf",
		"registry serve my.yaml":                "/data/my.yaml",
		"serve":                                 "",
		"sh -c /start --with /x.yml":            "/x.yml",
		"garbage-collect":                       "",
	} {
		if got := configArgument(strings.Fields(args), "/data"); got != want {
			t.Errorf("%q: got %q, want %q", args, got, want)
		}
	}
	if got := configArgument([]string{"serve", "c.yml"}, ""); got != "/c.yml" {
		t.Errorf("got %q", got)
	}
}

func TestCheckStorage(t *testing.T) {
	t.Parallel()
	around := facts{volumes: []string{"/var/lib/registry", "/var/lib/registry/tmp", "/srv"}, ephemeral: map[string]string{"/var/lib/registry/tmp": "emptyDir"}}
	for root, refused := range map[string]bool{"/var/lib/registry": false, "/srv/x": false, "/srvx": true, "/var/lib": true, "/var/lib/registry/tmp/x": true} {
		err := around.checkStorage(&site{config: config{driver: "filesystem", root: root}})
		var refusal *Refusal
		if errors.As(err, &refusal) != refused {
			t.Errorf("%s: got %v", root, err)
		}
	}
	s := site{config: config{driver: "s3"}}
	if err := around.checkStorage(&s); err != nil || len(s.notes) != 1 {
		t.Errorf("buckets: %v, %q", err, s.notes)
	}
}

func TestReadHead(t *testing.T) {
	t.Parallel()
	h, err := readHead(bufio.NewReader(strings.NewReader("a=1\nb=x=y\nerr=one\nerr=two\n\nthe rest")))
	if err != nil || h.one("a") != "1" || h.one("b") != "x=y" || !slices.Equal(h["err"], []string{"one", "two"}) {
		t.Errorf("got %v, %v", h, err)
	}
	for _, text := range []string{"", "a=1", "Welcome to the machine!\na=1\n\n"} {
		if h, err := readHead(bufio.NewReader(strings.NewReader(text))); err == nil {
			t.Errorf("%q: got %v", text, h)
		}
	}
}

func TestHeld(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		h    head
		want string
	}{
		{head{"now": {"1000"}, "since": {"400"}, "owner": {"ci\x1b[31m-7"}}, "held for 10m0s by ci [31m-7, whose garbage collection is not running now"},
		{head{}, "held for an unknown time by an unknown owner, whose garbage collection is not running now"},
		{head{"running": {"yes"}}, "whose garbage collection is running"},
	} {
		if got := held("/x", c.h).Error(); !strings.Contains(got, c.want) {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
