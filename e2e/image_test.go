package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// stranger is a user that the image does not know, as a Jenkins agent's or OpenShift's.
const stranger = "12345:12345"

// workspace is a folder that belongs to the stranger, as a CI system mounts it.
func workspace(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	must(t, os.Chmod(filepath.Dir(dir), 0o755))
	must(t, os.Chown(dir, 12345, 12345))
	return dir
}

// TestImage builds the container image with "make image" and starts it in the ways that CI systems have. It reads Debian's
// archive, as the build of the image does.
func TestImage(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	base := e.base()
	const name = "localhost/regsweep:1.2.3"
	build := func(umask, name string, written time.Time) {
		t.Helper()
		dir := checkout(t, written)
		started := time.Now()
		cmd := bounded(t, "sh", "-c", `umask "$1" && shift && exec "$@"`, "-", umask, "make", "image", "VERSION=1.2.3", "EPOCH=1790000000",
			"IMAGE="+name, "ENGINE=podman "+strings.Join(e.flags, " "), "IMAGEFLAGS=--no-cache --isolation chroot --build-arg BASE="+base)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		t.Logf("built in %.1f s", time.Since(started).Seconds())
	}
	build("022", name, time.Now())
	build("077", "localhost/again", time.Unix(1e9, 0))

	const content = "{{.Digest}} of the layers {{.RootFS.Layers}}"
	if one, two := e.must("image", "inspect", "--format", content, name), e.must("image", "inspect", "--format", content, "localhost/again"); one != two {
		t.Errorf("built twice, it is\n%s and\n%s", one, two)
	}
	size := func(name string) int {
		n, err := strconv.Atoi(e.must("image", "inspect", "--format", "{{.Size}}", name))
		must(t, err)
		return n
	}
	if beyond := size(name) - size(base); beyond > 30e6 || beyond < 10e6 {
		t.Errorf("%d bytes beyond its base of %d", beyond, size(base))
	} else {
		t.Logf("%d bytes beyond its base of %d", beyond, size(base))
	}
	for label, want := range map[string]string{"version": "1.2.3", "base.name": base, "licenses": "Apache-2.0"} {
		if got := e.must("image", "inspect", "--format", `{{index .Labels "org.opencontainers.image.`+label+`"}}`, name); got != want {
			t.Errorf("label %s is %q, want %q", label, got, want)
		}
	}

	for _, way := range []struct {
		name string
		test func(*testing.T, engine, string)
	}{{"by hand", imageByHand}, {"entrypoint", imageEntrypoint}, {"Jenkins", imageJenkins}, {"GitLab", imageGitLab}, {"ssh", imageSSH}} {
		t.Run(way.name, func(t *testing.T) { way.test(t, engine{t, e.flags}, name) })
	}
}

// checkout copies what git has of the project, and what is new, into a folder, with all times set to one.
func checkout(t *testing.T, written time.Time) string {
	t.Helper()
	list, err := bounded(t, "git", "-C", "..", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate").Output()
	must(t, err)
	dir := t.TempDir()
	for path := range strings.SplitSeq(strings.TrimSuffix(string(list), "\x00"), "\x00") {
		text, err := os.ReadFile(filepath.Join("..", path))
		if err != nil {
			continue // deleted and not committed, or a link to a folder
		}
		to := filepath.Join(dir, path)
		must(t, os.MkdirAll(filepath.Dir(to), 0o700))
		must(t, os.WriteFile(to, text, 0o600))
		must(t, os.Chtimes(to, written, written))
	}
	return dir
}

// imageByHand is the image as a command: what stands behind its name are regsweep's arguments.
func imageByHand(t *testing.T, e engine, name string) {
	r := newTeam(t, "", "")
	repository := r.Host + "/team/app"
	for _, tt := range []struct {
		args []string
		code int
		says string
	}{
		{nil, 2, "regsweep: no keep rule was given"},
		{[]string{"--version"}, 0, "regsweep 1.2.3\n"},
		{[]string{"regsweep", "--version"}, 0, "regsweep 1.2.3\n"},
		{[]string{"rank", r.Host}, 0, "team/app"},
		{[]string{repository, "--keep-last", "5", "--dry-run"}, 0, "beyond the last 5"},
		{[]string{"prune", repository, "--keep-last", "5", "--dry-run"}, 0, "beyond the last 5"},
		{[]string{"--keep-last", "5", "--dry-run", repository}, 0, "beyond the last 5"},
		{[]string{"man"}, 0, `.TH "REGSWEEP"`},
		{[]string{"sh", "-c", `echo "$#:$2"`, "-", "a", "b  'c'"}, 0, "2:b  'c'\n"},
		{[]string{"sh", "-c", "exit 42"}, 42, ""},
		{[]string{"/bin/cat", "/etc/ssl/certs/ca-certificates.crt"}, 0, "BEGIN CERTIFICATE"},
	} {
		// a root file system that cannot be written to is what strict clusters want
		got := e.run("", []string{"--read-only", "--read-only-tmpfs=false", "--user", stranger, name}, tt.args...)
		if got.code != tt.code || !strings.Contains(got.stdout+got.stderr, tt.says) || strings.Contains(got.stderr, "warning") {
			t.Errorf("%q: exit %d, want %d and %q, without warnings:\n%s%s", tt.args, got.code, tt.code, tt.says, got.stdout, got.stderr)
		}
	}
	r.has("b1", "b2", "b3", "b4", "b5", "b6")
}

// imageEntrypoint holds that a command of regsweep is regsweep's in an image that has a program of its name, and that the
// scripts are what shellcheck wants.
func imageEntrypoint(t *testing.T, e engine, name string) {
	const script = `
	for c in prune check rank gc report man completion; do ln -s /bin/false "/usr/local/bin/$c"; done
	for c in prune check rank gc report man completion; do entrypoint "$c" --help | grep "^Usage: regsweep $c" >/dev/null || echo "$c is not regsweep's"; done
	for c in $(regsweep --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do command -v "$c" >/dev/null || echo "the entrypoint does not know $c"; done`
	if got := e.run("", []string{name}, "sh", "-c", script); got.code != 0 || got.stdout+got.stderr != "" {
		t.Errorf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	check := bounded(t, installed(t, "shellcheck", "shellcheck"), "../image/entrypoint", "../image/ssh")
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// imageJenkins does what the plugin Docker Pipeline does: it starts the image with "cat", as the agent's user, looks
// whether cat runs, and executes the steps in that container, each as the plugin Durable Task begins it.
// https://github.com/jenkinsci/docker-workflow-plugin (WithContainerStep, DockerClient)
func imageJenkins(t *testing.T, e engine, name string) {
	r := newTeam(t, "ci", "s3cret")
	dir := workspace(t)
	id := e.must(container("-t", "-d", "--user", stranger, "-w", dir, "-v", dir+":"+dir+":rw,z", "-e", "BUILD_NUMBER=6", "-e", "JENKINS_HOME=/x", name, "cat")...)
	defer e.must("rm", "-f", "-t", "0", id)
	if got := e.must("top", id, "comm"); got != "COMMAND\ncat" {
		t.Errorf("the processes are %q, and Jenkins looks for cat", got)
	}
	for file, text := range map[string]string{
		"script.sh": `regsweep --keep-last 2 --report regsweep-report.md "$IMAGE"`,
		"wrapper.sh": `{ while [ ! -f result.txt ]; do touch log.txt; sleep 1; done } &
			sh -xe script.sh >log.txt 2>&1; echo $? >result.txt.tmp; mv result.txt.tmp result.txt; wait`,
	} {
		must(t, os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644))
	}
	e.must("exec", "--env", "IMAGE="+r.Host+"/team/app:b6", "--env", "REGSWEEP_USERNAME=ci", "--env", "REGSWEEP_PASSWORD=s3cret", id, "nohup", "sh", "wrapper.sh")
	result, _ := os.ReadFile(filepath.Join(dir, "result.txt"))
	log, _ := os.ReadFile(filepath.Join(dir, "log.txt"))
	report, _ := os.ReadFile(filepath.Join(dir, "regsweep-report.md"))
	if string(result) != "0\n" || len(report) == 0 || !strings.Contains(string(log), "deleted 4 images") || strings.Contains(string(log), "warning") {
		t.Errorf("exit %q, a report of %d bytes, and the log\n%s", result, len(report), log)
	}
	r.has("b5", "b6")
}

// detect is how a GitLab runner begins a job in an image: it takes the best shell that there is, which reads the job's
// script from standard input. https://gitlab.com/gitlab-org/gitlab-runner/-/blob/main/shells/bash.go
const detect = `if [ -x /usr/local/bin/bash ]; then exec /usr/local/bin/bash
elif [ -x /usr/bin/bash ]; then exec /usr/bin/bash
elif [ -x /bin/bash ]; then exec /bin/bash
elif [ -x /bin/sh ]; then exec /bin/sh
else echo shell not found; exit 1; fi`

// imageGitLab runs the hidden job's script as GitLab's runners do, with the image's entrypoint and without, as root and as
// a user that the image does not know.
func imageGitLab(t *testing.T, e engine, name string) {
	var job struct {
		Job struct{ Script []string } `yaml:".regsweep"`
	}
	parse(t, file(t, "templates/regsweep/job.yml"), &job)
	script := "set -eo pipefail\n" + strings.Join(job.Job.Script, "\n") + "\n"
	for _, tt := range []struct {
		name  string
		flags []string
	}{
		{"entrypoint", nil},
		{"no entrypoint", []string{"--entrypoint", ""}},
		{"no entrypoint, unknown user", []string{"--entrypoint", "", "--user", stranger}},
	} {
		r := newTeam(t, "gitlab-ci-token", "job-s3cret")
		dir := workspace(t)
		flags := append(tt.flags, "-w", dir, "-v", dir+":"+dir, "-e", "GITLAB_CI=true", "-e", "REGSWEEP_KEEP_LAST=5", "-e", "CI_REGISTRY="+r.Host,
			"-e", "CI_REGISTRY_IMAGE="+r.Host+"/team/app", "-e", "CI_REGISTRY_USER=gitlab-ci-token", "-e", "CI_REGISTRY_PASSWORD=job-s3cret", name)
		got := e.run(script, flags, "sh", "-c", detect)
		reports, _ := filepath.Glob(filepath.Join(dir, "regsweep.*"))
		if got.code != 0 || !strings.Contains(got.stdout, "deleted 1 image") || len(reports) != 7 || strings.Contains(got.stderr, "warning") {
			t.Errorf("%s: exit %d, the reports %v, and\n%s%s", tt.name, got.code, reports, got.stdout, got.stderr)
		}
		r.has("b2", "b3", "b4", "b5", "b6")
	}
}

// imageSSH reaches a registry by ssh as a user that the image does not know, and whose home is where the environment says:
// there is the host's key.
func imageSSH(t *testing.T, e engine, name string) {
	s := newSSHD(t)
	d := newDepot(t, lines[0])
	d.builds("team/app", 3, 1000)
	dir := workspace(t)
	for from, to := range map[string]string{s.key: "key", s.knownHosts: ".ssh/known_hosts"} {
		text, err := os.ReadFile(from)
		must(t, err)
		must(t, os.MkdirAll(filepath.Join(dir, ".ssh"), 0o755))
		must(t, os.WriteFile(filepath.Join(dir, to), text, 0o600))
		must(t, os.Chown(filepath.Join(dir, to), 12345, 12345))
	}
	rank := []string{"rank", "--gc-via", "ssh://root@127.0.0.1:" + s.port, "--gc-ssh-key", dir + "/key", "--gc-binary", d.Binary, "--gc-config", d.Config}
	mounted := []string{"--user", stranger, "-v", dir + ":" + dir + ":ro"}
	for _, tt := range []struct {
		name  string
		flags []string
		code  int
		says  string
	}{
		{"home", []string{"-e", "HOME=" + dir}, 0, "team/app"},
		{"read-only with /tmp", []string{"-e", "HOME=" + dir, "--read-only", "--read-only-tmpfs=false", "--tmpfs", "/tmp"}, 0, "team/app"},
		{"no home", nil, 4, "Host key verification failed"},
	} {
		if got := e.run("", slices.Concat(mounted, tt.flags, []string{name}), rank...); got.code != tt.code || !strings.Contains(got.stdout+got.stderr, tt.says) {
			t.Errorf("%s: exit %d, want %d and %q:\n%s%s", tt.name, got.code, tt.code, tt.says, got.stdout, got.stderr)
		}
	}
	// docker exec, by which Jenkins runs its steps, knows nothing of the entrypoint; and root has an entry already
	for _, user := range []string{stranger, "0:0"} {
		got := e.run("", []string{"--entrypoint", "", "--user", user, name}, "sh", "-c", "ssh -V && ssh -G registry.example.com && ls /tmp")
		if want := map[string]string{stranger: "user regsweep\n", "0:0": "user root\n"}[user]; got.code != 0 || !strings.Contains(got.stdout, want) {
			t.Errorf("%s: exit %d, want %q:\n%s%s", user, got.code, want, got.stdout, got.stderr)
		}
		if left := strings.Contains(got.stdout, "passwd."); left != (user == stranger) {
			t.Errorf("%s: an entry was made: %t\n%s", user, left, got.stdout)
		}
	}
}
