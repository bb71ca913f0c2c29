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
	for name, c := range map[string]struct {
		text string
		env  map[string]string
		want config
		fail string
	}{
		"a folder":               {text: "storage: {filesystem: {rootdirectory: /srv/images/}, delete: {enabled: true}}", want: config{driver: "filesystem", root: "/srv/images"}},
		"the default folder":     {text: "storage:\n  cache: {blobdescriptor: inmemory}\n  filesystem:\n", want: config{driver: "filesystem", root: "/var/lib/registry"}},
		"the environment's":      {text: "storage: {filesystem: {rootdirectory: /a}}", env: map[string]string{"env.root": "/b"}, want: config{driver: "filesystem", root: "/b"}},
		"buckets":                {text: "storage: {s3: {bucket: b}, tag: {concurrencylimit: 8}}", want: config{driver: "s3"}},
		"buckets by environment": {text: "storage: {filesystem: {}}", env: map[string]string{"env.driver": "s3"}, want: config{driver: "s3"}},
		"read-only":              {text: "storage: {filesystem: {}, maintenance: {readonly: {enabled: true}}}", want: config{driver: "filesystem", root: defaultRoot, readOnly: true}},
		"read-only by JSON":      {text: "storage: {filesystem: {}}", env: map[string]string{"env.readonly": `{"enabled": true}`}, want: config{driver: "filesystem", root: defaultRoot, readOnly: true}},
		"writable after all":     {text: "storage: {filesystem: {}, maintenance: {readonly: {enabled: true}}}", env: map[string]string{"env.readonly.enabled": "false"}, want: config{driver: "filesystem", root: defaultRoot}},
		"a cache":                {text: "storage: {filesystem: {}}\nproxy: {remoteurl: https://x}", want: config{driver: "filesystem", root: defaultRoot, proxy: "https://x"}},
		"a relative folder":      {text: "storage: {filesystem: {rootdirectory: data}}", fail: "not the absolute path"},
		"everything":             {text: "storage: {filesystem: {rootdirectory: /..}}", fail: "not the absolute path"},
		"no storage":             {text: "version: 0.1", fail: "does not name a storage"},
		"no YAML":                {text: "storage: [", fail: "not understood"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := parseConfig(c.text, c.env)
			if c.fail != "" {
				if err == nil || !strings.Contains(err.Error(), c.fail) || strings.Contains(err.Error(), "\n") {
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
