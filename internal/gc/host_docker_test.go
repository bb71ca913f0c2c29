package gc

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

const inspected = `[{"Image":"sha256:0123","Args":["serve","/etc/registry/my.yaml","x"],"State":{"Running":true},
"Config":{"User":"1000:1000","Env":["PATH=/bin","REGISTRY_HTTP_SECRET=s3cret","REGISTRY_STORAGE=filesystem"]},
"HostConfig":{"NetworkMode":"backend"},"Mounts":[{"Type":"volume","Destination":"/var/lib/registry"},{"Type":"tmpfs","Destination":"/tmp"}]}]`

func TestDockerHost(t *testing.T) {
	t.Parallel()
	for _, via := range []struct{ text, before, after string }{
		{"docker://reg", "", ""},
		{"docker+ssh://ci@host/reg", "ssh -T -x -a -o BatchMode=yes -o StrictHostKeyChecking=yes -o UpdateHostKeys=no -o ConnectTimeout=15 -o ServerAliveInterval=15 -o ServerAliveCountMax=4 -l ci -- host ", ""},
	} {
		t.Run(via.text, func(t *testing.T) {
			t.Parallel()
			target, r := recorded(t, via.text, TargetOptions{Lifetime: time.Hour}, func(call string) (string, error) {
				if strings.Contains(call, "docker inspect") {
					return inspected, nil
				}
				return "", nil
			})
			h, ctx := target.host, t.Context()
			for range 2 { // the second time it is open
				if err := h.open(ctx); err != nil {
					t.Fatal(err)
				}
			}
			want := facts{config: "/etc/registry/my.yaml", volumes: []string{"/var/lib/registry", "/tmp"}, ephemeral: map[string]string{"/tmp": "tmpfs"}, disposable: true}
			if got := h.facts(); !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v, want %+v", got, want)
			}
			for _, err := range []error{h.stop(ctx, "/x"), target.onHost([]string{"true", "it's"}).run(ctx), h.start(ctx, "/x"), h.close(ctx), h.close(ctx)} {
				if err != nil {
					t.Error(err)
				}
			}
			quoted := "true it's"
			if via.before != "" {
				quoted = `true 'it'\''s'`
			}
			wantCalls(t, r.calls,
				via.before+"docker inspect --type container -- reg",
				via.before+"docker run --rm --detach --name regsweep-gc-reg --volumes-from reg --env-file /dev/stdin --user 1000:1000 --network backend --entrypoint sleep sha256:0123 3600",
				via.before+"docker stop reg", via.before+"docker exec regsweep-gc-reg "+quoted, via.before+"docker start reg", via.before+"docker rm --force regsweep-gc-reg")
			if want := []string{"REGISTRY_HTTP_SECRET=s3cret\nREGISTRY_STORAGE=filesystem\n"}; !slices.Equal(r.stdins, want) {
				t.Errorf("got the environment %q", r.stdins)
			}
			if h.startCommand() != "docker start reg" {
				t.Errorf("got %s", h.startCommand())
			}
		})
	}
}

func TestDockerHostRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ old, new, says, hint string }{
		"an ordinary one":   {"", "", "", ""},
		"it does not run":   {`"Running":true`, `"Running":false`, "the container reg does not run", "--gc-via names the container"},
		"made with --rm":    {`"NetworkMode"`, `"AutoRemove":true,"NetworkMode"`, "it is removed when it is stopped", "make the container without --rm; or the service that made it can stop it: --gc-via ssh:// or local: with --gc-stop 'systemctl stop UNIT' and --gc-start 'systemctl start UNIT'"},
		"of a quadlet":      {`"User"`, `"Labels":{"PODMAN_SYSTEMD_UNIT":"registry.service"},"User"`, "belongs to the systemd unit registry.service", "the service that made it can stop it: --gc-via ssh:// or local: with --gc-stop 'systemctl stop registry.service'"},
		"of a swarm":        {`"User"`, `"Labels":{"com.docker.swarm.service.name":"reg"},"User"`, "belongs to the swarm service reg", "--gc-via ssh:// or local: with --gc-stop 'docker service scale"},
		"of a unit, --rm":   {`"User"`, `"Labels":{"PODMAN_SYSTEMD_UNIT":"r.service"},"User"`, "belongs to the systemd unit r.service", "'systemctl start r.service'"},
		"with other labels": {`"User"`, `"Labels":{"com.docker.compose.service":"registry"},"User"`, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target, _ := recorded(t, "docker://reg", TargetOptions{}, func(string) (string, error) {
				return strings.Replace(inspected, c.old, c.new, 1), nil
			})
			if err := target.host.open(t.Context()); err != nil {
				t.Fatal(err)
			}
			refusal := target.host.facts().noRestart
			switch {
			case c.says == "":
				if refusal != nil {
					t.Errorf("got %v", refusal)
				}
			case refusal == nil || !strings.Contains(refusal.Error(), c.says) || !strings.Contains(refusal.Hint(), c.hint):
				t.Errorf("got %v, hint %q", refusal, refusal.Hint())
			}
		})
	}
}

func TestDockerHostFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		inspect string
		fails   string
		err     error
		kind    Kind
		says    string
	}{
		"no container":  {"", "inspect", exited("docker", 1, "Error: No such container: reg"), KindFailed, "find the container reg: docker exited with 1: Error: No such container: reg"},
		"rubbish":       {"<html>", "", nil, KindFailed, "docker inspect printed unexpected output"},
		"two":           {"[{},{}]", "", nil, KindFailed, "docker inspect printed unexpected output"},
		"a helper":      {inspected, "run", exited("docker", 125, `Conflict. The container name "/regsweep-gc-reg" is already in use`), KindRefused, "the helper container regsweep-gc-reg exists"},
		"several lines": {strings.Replace(inspected, `"PATH=/bin"`, `"PATH=/bin","REGISTRY_STORAGE=s3:\n  secretkey: s3cret"`, 1), "", nil, KindRefused, "the variable REGISTRY_STORAGE of the container reg has several lines"},
		"no helper":     {inspected, "run", exited("docker", 125, "no space left"), KindFailed, "start a helper container for reg: docker exited with 125: no space left"},
		"a helper left": {inspected, "rm", exited("docker", 1, "timeout"), KindFailed, "remove the container regsweep-gc-reg: docker exited with 1: timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target, _ := recorded(t, "docker://reg", TargetOptions{}, func(call string) (string, error) {
				if c.fails != "" && strings.HasPrefix(call, "docker "+c.fails+" ") {
					return "", c.err
				}
				return c.inspect, nil
			})
			err := errors.Join(target.host.open(t.Context()), target.host.close(t.Context()))
			if err == nil || !strings.Contains(err.Error(), c.says) || KindOf(err) != c.kind || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("got %v, want %s", err, c.says)
			}
			if name == "a helper" && hintOf(err) != "if no other run of regsweep uses it, remove it: docker rm -f regsweep-gc-reg" {
				t.Errorf("hint %q", hintOf(err))
			}
		})
	}
}

func TestDockerHostNamesTheContainers(t *testing.T) {
	t.Parallel()
	for names, hint := range map[string]string{
		"proxy\nteam-registry-1\n": "--gc-via names a container as docker ps does; there it lists proxy team-registry-1",
		strings.Repeat("a\n", 11):  "--gc-via names a container as docker ps does; there it lists a a a a a a a a a a …",
		"":                         "docker ps lists no container there: its daemon or context may be another one",
		"\x1b[31mred":              "--gc-via names a container as docker ps does; there it lists [31mred",
	} {
		target, _ := recorded(t, "docker://registry", TargetOptions{}, func(call string) (string, error) {
			if call == "docker ps --format {{.Names}}" {
				return names, nil
			}
			return "", exited("docker", 1, "Error: No such container: registry")
		})
		err := target.host.open(t.Context())
		if got := hintOf(err); !strings.HasPrefix(got, hint) {
			t.Errorf("got %v, hint %q, want %q", err, got, hint)
		}
	}
	target, _ := recorded(t, "docker://registry", TargetOptions{}, func(string) (string, error) {
		return "", exited("docker", 1, "Cannot connect to the Docker daemon")
	})
	if got := hintOf(target.host.open(t.Context())); !strings.HasPrefix(got, "docker does not reach its daemon") {
		t.Errorf("got %q", got)
	}
}
