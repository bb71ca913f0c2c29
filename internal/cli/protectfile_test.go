package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/inuse"
	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// sweepFrom runs the program with a standard input, in which HOST stands for the registry.
func sweepFrom(t *testing.T, reg *registrytest.Registry, stdin string, args ...string) outcome {
	t.Helper()
	fill := strings.NewReplacer("HOST", reg.Host())
	args = slices.Clone(args)
	for i := range args {
		args[i] = fill.Replace(args[i])
	}
	return start(t.Context(), World{
		Args:  args,
		Stdin: strings.NewReader(fill.Replace(stdin)),
	})
}

func TestProtectFile(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	digests := builds(reg.Pusher(t, "team/app"), 9)
	builds(reg.Pusher(t, "team/web"), 3)
	list := filepath.Join(t.TempDir(), "list.txt")
	if err := os.WriteFile(list, []byte("# what support asked for\n"+digests[2].String()+" # ticket 7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	pods := "HOST/team/app:b1 HOST/team/web:b2 HOST/team/app@" + digests[4].String()
	got := sweepFrom(t, reg, pods, "HOST/team/app", "HOST/team/web", "--keep-last", "1", "--protect-file", "-", "--protect-file", list)
	left := reg.Tags("team/app")
	if got.code != exitDone || len(left) != 4 || left["b1"] == "" || left["b3"] == "" || left["b5"] == "" || left["b9"] == "" || len(reg.Tags("team/web")) != 2 {
		t.Errorf("exit %d, left %v and %v\n%s", got.code, left, reg.Tags("team/web"), got.stderr)
	}
	for _, want := range []string{"protect latest and what standard input and " + list + " name", "in use (standard input:1)", "in use (" + list + ":2: ticket 7)"} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("the report does not say %q", want)
		}
	}
	if want := "team/web: --protect-file " + list + " names no image of this repository\n"; !strings.Contains(got.stderr, want) || strings.Count(got.stderr, "names no image") != 1 {
		t.Errorf("the only warning should be %q", want)
	}
	if t.Failed() {
		t.Logf("stdout:\n%s\nstderr:\n%s", got.stdout, got.stderr)
	}
}

// What is in use stays under every policy of a policy file.
func TestProtectFileWithAPolicyFile(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	builds(reg.Pusher(t, "team/app"), 5)
	builds(reg.Pusher(t, "team/web"), 5)
	file := filepath.Join(t.TempDir(), "policy.yml")
	if err := os.WriteFile(file, []byte("policies:\n  - repositories: team/web\n    keep-last: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := sweepFrom(t, reg, "HOST/team/app:b1 HOST/team/web:b2", "HOST/team/app", "HOST/team/web", "--policy", file, "--keep-last", "2", "--protect-file", "-")
	app, web := reg.Tags("team/app"), reg.Tags("team/web")
	if got.code != exitDone || len(app) != 3 || app["b1"] == "" || web["b2"] == "" {
		t.Errorf("exit %d, left %v and %v\n%s%s", got.code, app, web, got.stdout, got.stderr)
	}
}

func TestProtectFileKeepsTheIndexOfADigest(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	p := reg.Pusher(t, "team/app")
	arm := p.Image(fixture.Image{Created: testNow.AddDate(0, 0, -9), Size: 100})
	p.Index(fixture.Index{Tags: []string{"1.0"}, Children: []oci.Digest{arm}})
	builds(p, 2)
	got := sweepFrom(t, reg, "docker-pullable://HOST/team/app@"+arm.String(), "HOST/team/app", "--keep-last", "1", "--protect-file", "-")
	if left := reg.Tags("team/app"); got.code != exitDone || len(left) != 2 || left["1.0"] == "" {
		t.Errorf("exit %d, left %v\n%s%s", got.code, left, got.stdout, got.stderr)
	}
}

// endless is a stream of zero bytes.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestProtectFileWithoutEnd(t *testing.T) {
	t.Parallel()
	got := start(t.Context(), World{Args: []string{"h.example/app", "--keep-last", "1", "--protect-file", "-"}, Stdin: endless{}})
	if got.code != exitUsage || !strings.Contains(got.stderr, "it is larger than 64 MiB") {
		t.Errorf("exit %d\n%s", got.code, got.stderr)
	}
}

// What is wrong with a file is found before anything is sent.
func TestProtectFileErrors(t *testing.T) {
	t.Parallel()
	large := filepath.Join(t.TempDir(), "large")
	if f, err := os.Create(large); err != nil || f.Truncate(inuse.MaxSize+1) != nil || f.Close() != nil {
		t.Fatal("cannot make a large file")
	}
	for name, c := range map[string]struct {
		stdin string
		files []string
		says  string
	}{
		"no such file":              {files: []string{"nowhere.txt"}, says: "--protect-file: open nowhere.txt: " + noFile},
		"a folder":                  {files: []string{t.TempDir()}, says: isFolder},
		"an empty file":             {files: []string{os.DevNull}, says: "--protect-file: " + os.DevNull + ": it names no image"},
		"empty standard input":      {files: []string{"-"}, says: "--protect-file: standard input: it names no image"},
		"one of several is empty":   {stdin: "b1", files: []string{"-," + os.DevNull}, says: os.DevNull + ": it names no image"},
		"standard input twice":      {stdin: "b1", files: []string{"-", "-"}, says: "standard input can be read only once"},
		"comments alone":            {stdin: "# HOST/team/app:b1\n", files: []string{"-"}, says: "names no image"},
		"UTF-16":                    {stdin: "\xff\xfeb\x001\x00", files: []string{"-"}, says: "line 1, column 4: a zero byte"},
		"a file beyond the limit":   {files: []string{large}, says: "it is larger than 64 MiB"},
		"the flag without any name": {files: []string{""}, says: "names no file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reg := registrytest.New(t, registrytest.Options{})
			builds(reg.Pusher(t, "team/app"), 3)
			sent := reg.Count("", "*")
			args := []string{"HOST/team/app", "--keep-last", "1"}
			for _, f := range c.files {
				args = append(args, "--protect-file="+f)
			}
			got := sweepFrom(t, reg, c.stdin, args...)
			if got.code != exitUsage || !strings.Contains(got.stderr, c.says) || reg.Count("", "*") != sent {
				t.Errorf("exit %d, %d requests, want %q in\n%s", got.code, reg.Count("", "*")-sent, c.says, got.stderr)
			}
		})
	}
}

// An index that runs without a tag is in no listing, and a doomed one can share its platforms.
func TestProtectFileNamesAnUntaggedIndex(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	push := reg.Pusher(t, "team/app")
	arm := push.Image(fixture.Image{Seed: "arm", Created: testNow.AddDate(0, 0, -9)})
	amd := push.Image(fixture.Image{Seed: "amd", Created: testNow.AddDate(0, 0, -9)})
	running := push.Index(fixture.Index{Children: []oci.Digest{arm, amd}})
	push.Index(fixture.Index{Tags: []string{"b0"}, Children: []oci.Digest{arm}})
	builds(push, 2)
	file := filepath.Join(t.TempDir(), "pods.txt")
	if err := os.WriteFile(file, []byte("image: "+reg.Host()+"/team/app@"+running.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := sweep(t, reg, nil, "HOST/team/app", "--keep-last", "1", "--protect-file", file)
	left := reg.Manifests("team/app")
	if got.code != exitDone || !slices.Contains(left, arm) || !slices.Contains(left, amd) || !slices.Contains(left, running) || len(left) != 4 {
		t.Errorf("exit %d, left %v\n%s%s", got.code, left, got.stdout, got.stderr)
	}
}
