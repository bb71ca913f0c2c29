package gc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// recorder takes the place of the programs on this machine: it notes their arguments and standard input, and answers.
type recorder struct {
	calls  []string
	stdins []string
	answer func(call string) (string, error)
}

func (r *recorder) exec(_ context.Context, c command) error {
	args := slices.Clone(c.args)
	for i, a := range args {
		if strings.Contains(a, "\n") {
			args[i] = "SCRIPT"
		}
	}
	call := strings.Join(args, " ")
	r.calls = append(r.calls, call)
	if c.stdin != nil {
		text, err := io.ReadAll(c.stdin)
		if err != nil {
			return err
		}
		r.stdins = append(r.stdins, string(text))
	}
	out, err := r.answer(call)
	if c.out != nil {
		if _, err := io.WriteString(c.out, out); err != nil {
			return err
		}
	}
	return err
}

// recorded is a target whose programs are recorded.
func recorded(t *testing.T, text string, o TargetOptions, answer func(call string) (string, error)) (*Target, *recorder) {
	t.Helper()
	target, err := ParseTarget(text, o)
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{answer: answer}
	target.exec = r.exec
	return target, r
}

func exited(program string, code int, said string) error {
	return &CommandError{program, code, said, errors.New("exit status")}
}

func wantCalls(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

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

// A container that cannot be started again, or that something else starts, is told before it is stopped.
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

// What a person sees first has a hint: a program that is not there, or one that does not reach what it is for.
func TestCommandHints(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		program string
		code    int
		said    string
		hint    string
	}{
		{"ssh", 127, "bash: line 1: docker: command not found", "docker is not on the PATH that ssh gives to commands there"},
		{"ssh", 127, "sh: docker: not found", "docker is not on the PATH that ssh gives"},
		{"docker", 1, "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?", "docker does not reach its daemon there"},
		{"ssh", 1, "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock", "docker does not reach its daemon there"},
		{"docker", 127, `OCI runtime create failed: exec: "sleep": executable file not found in $PATH`, "the registry's image has no shell"},
		{"ssh", 255, "Host key verification failed.", "--gc-known-hosts names"},
		{"ssh", 255, "ci@host: Permission denied (publickey).", "--gc-ssh-key names"},
		{"kubectl", 1, `Error from server (Forbidden): deployments.apps "reg" is forbidden`, "the login of kubectl needs rights there"},
		{"kubectl", 1, `Error from server (NotFound): deployments.apps "reg" not found`, "kubectl config current-context names the cluster"},
		{"sh", 1, "no", ""},
	} {
		err := fmt.Errorf("x: %w", exited(c.program, c.code, c.said))
		if got := hintOf(err); !strings.HasPrefix(got, c.hint) || (c.hint == "") != (got == "") {
			t.Errorf("%s: got the hint %q, want %q", c.said, got, c.hint)
		}
	}
	err := (&Target{exec: runProcess}).command("no-such-program").run(t.Context())
	if got := hintOf(err); got != "no-such-program is not on the PATH of this machine: install it, or run regsweep where it is" {
		t.Errorf("got %q", got)
	}
}

// A container that is not found is answered with those that are there.
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

const deployed = `{"spec":{"replicas":2,"selector":{"matchLabels":{"app":"registry","a":"b"}},"template":{
"metadata":{"annotations":{"kubectl.kubernetes.io/default-container":"registry"}},
"spec":{"securityContext":{"fsGroup":1000},"serviceAccountName":"sa",
"containers":[{"name":"sidecar"},{"name":"registry","image":"registry:3","command":["registry"],"args":["serve","/etc/my.yml"],"ports":[{"containerPort":5000}],
"livenessProbe":{},"readinessProbe":{},"volumeMounts":[{"name":"data","mountPath":"/var/lib/registry"},{"name":"cache","mountPath":"/cache"}],"env":[{"name":"REGISTRY_STORAGE","value":"filesystem"}]}],
"volumes":[{"name":"data","persistentVolumeClaim":{"claimName":"registry"}},{"name":"cache","emptyDir":{}}]}}}}`

func TestKubernetesHost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		left := 2
		target, r := recorded(t, "kubectl://team/deployment/reg", TargetOptions{Lifetime: time.Hour}, func(call string) (string, error) {
			switch {
			case strings.Contains(call, "get deployment"):
				return deployed, nil
			case strings.Contains(call, "get pods") && left > 0:
				left--
				return "pod/reg-1\n", nil
			}
			return "", nil
		})
		h, ctx := target.host, t.Context()
		run := func(errs ...error) {
			t.Helper()
			for _, err := range errs {
				if err != nil {
					t.Error(err)
				}
			}
		}
		run(h.open(ctx), h.open(ctx), target.onHost([]string{"true"}).run(ctx))
		want := facts{config: "/etc/my.yml", volumes: []string{"/var/lib/registry", "/cache"}, ephemeral: map[string]string{"/cache": "emptyDir"}, scratch: "/regsweep-gc"}
		if got := h.facts(); !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
		run(h.stop(ctx, "/x"), h.open(ctx), h.open(ctx), target.onHost([]string{"true"}).run(ctx))
		if !h.facts().disposable {
			t.Error("the helper is not disposable")
		}
		run(h.start(ctx, "/x"), h.open(ctx), target.onHost([]string{"true"}).run(ctx), h.close(ctx))
		const k = "kubectl --namespace team "
		wantCalls(t, r.calls,
			k+"get deployment reg --output json", k+"get pod regsweep-gc-reg --ignore-not-found --output name", k+"exec deployment/reg --container registry -- true",
			k+"scale deployment/reg --current-replicas=2 --replicas=0", k+"get pods --selector a=b,app=registry --output name",
			k+"get pods --selector a=b,app=registry --output name", k+"get pods --selector a=b,app=registry --output name",
			k+"create --filename -", k+"wait --for=condition=Ready --timeout=300s pod/regsweep-gc-reg", k+"exec pod/regsweep-gc-reg --container registry -- true",
			k+"delete pod regsweep-gc-reg --ignore-not-found --wait=true", k+"scale deployment/reg --replicas=2", k+"exec deployment/reg --container registry -- true")
		if got := h.startCommand(); got != k+"scale deployment/reg --replicas=2" {
			t.Errorf("got %s", got)
		}
		var pod, wantPod any
		run(json.Unmarshal([]byte(r.stdins[0]), &pod), json.Unmarshal([]byte(`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"regsweep-gc-reg","namespace":"team"},
"spec":{"securityContext":{"fsGroup":1000},"serviceAccountName":"sa","restartPolicy":"Never","activeDeadlineSeconds":3600,"terminationGracePeriodSeconds":1,
"containers":[{"name":"registry","image":"registry:3","command":["sleep","3600"],"volumeMounts":[{"name":"data","mountPath":"/var/lib/registry"},{"name":"cache","mountPath":"/cache"},{"name":"regsweep-gc","mountPath":"/regsweep-gc"}],"env":[{"name":"REGISTRY_STORAGE","value":"filesystem"}]}],
"volumes":[{"name":"data","persistentVolumeClaim":{"claimName":"registry"}},{"name":"cache","emptyDir":{}},{"name":"regsweep-gc","emptyDir":{}}]}}`), &wantPod))
		if !reflect.DeepEqual(pod, wantPod) {
			t.Errorf("got the pod %s", r.stdins[0])
		}
	})
}

// With buckets the helper is there before the stop, and stays until the end: its name is the lock.
func TestKubernetesHostWithBuckets(t *testing.T) {
	t.Parallel()
	target, r := recorded(t, "kubectl://team/deployment/reg", TargetOptions{Lifetime: time.Hour}, func(call string) (string, error) {
		if strings.Contains(call, "get deployment") {
			return deployed, nil
		}
		return "", nil
	})
	h, ctx := target.host, t.Context()
	for _, err := range []error{h.open(ctx), h.settle(ctx, false), h.settle(ctx, false), h.stop(ctx, ""), h.open(ctx), target.onHost([]string{"true"}).run(ctx), h.start(ctx, ""), h.open(ctx), target.onHost([]string{"true"}).run(ctx), h.close(ctx)} {
		if err != nil {
			t.Error(err)
		}
	}
	const k = "kubectl --namespace team "
	wantCalls(t, r.calls, k+"get deployment reg --output json", k+"get pod regsweep-gc-reg --ignore-not-found --output name",
		k+"create --filename -", k+"wait --for=condition=Ready --timeout=300s pod/regsweep-gc-reg",
		k+"scale deployment/reg --current-replicas=2 --replicas=0", k+"get pods --selector a=b,app=registry --output name", k+"exec pod/regsweep-gc-reg --container registry -- true",
		k+"scale deployment/reg --replicas=2", k+"exec pod/regsweep-gc-reg --container registry -- true", k+"delete pod regsweep-gc-reg --ignore-not-found --wait=true")
}

// A helper that exists is another run's: it is refused before the stop, and never removed.
func TestKubernetesHostIsTaken(t *testing.T) {
	t.Parallel()
	exists := exited("kubectl", 1, `Error from server (AlreadyExists): error when creating "STDIN": pods "regsweep-gc-reg" already exists`)
	for name, c := range map[string]struct {
		listed string
		err    error
	}{"found": {"pod/regsweep-gc-reg\n", nil}, "made meanwhile": {"", exists}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target, r := recorded(t, "kubectl://team/deployment/reg", TargetOptions{}, func(call string) (string, error) {
				switch {
				case strings.Contains(call, "get deployment"):
					return deployed, nil
				case strings.Contains(call, "get pod "):
					return c.listed, nil
				case strings.Contains(call, " create "):
					return "", c.err
				}
				return "", nil
			})
			h, ctx := target.host, t.Context()
			err := h.open(ctx)
			if err == nil {
				err = h.settle(ctx, false)
			}
			if KindOf(err) != KindRefused || hintOf(err) != "if no other run of regsweep uses it, remove it: kubectl --namespace team delete pod regsweep-gc-reg" {
				t.Errorf("got %v, hint %q", err, hintOf(err))
			}
			if err := h.close(ctx); err != nil || strings.Contains(strings.Join(r.calls, "\n"), "delete") {
				t.Errorf("got %v, %q", err, r.calls)
			}
		})
	}
}

func TestKubernetesHostFails(t *testing.T) {
	t.Parallel()
	fails := exited("kubectl", 1, "no")
	for name, c := range map[string]struct {
		deployment string
		fails      string // a call that contains it
		kind       Kind
		says       string
	}{
		"no deployment":  {deployed, "get deployment", KindFailed, "find the deployment reg: kubectl exited with 1: no"},
		"rubbish":        {"<html>", "", KindFailed, "kubectl get printed unexpected output"},
		"no container":   {`{"spec":{}}`, "", KindFailed, "kubectl get printed unexpected output"},
		"expressions":    {strings.Replace(deployed, `{"matchLabels"`, `{"matchExpressions":[{}],"matchLabels"`, 1), "", KindRefused, "matchExpressions"},
		"scaled to 0":    {strings.Replace(deployed, `"replicas":2`, `"replicas":0`, 1), "", KindRefused, "scaled to 0 replicas"},
		"no helper":      {deployed, "get pod ", KindFailed, "look for the pod regsweep-gc-reg: kubectl exited with 1: no"},
		"not scaled":     {deployed, "--replicas=0", KindFailed, "kubectl exited with 1: no"},
		"no pods listed": {deployed, "get pods", KindFailed, "kubectl exited with 1: no"},
		"no pod":         {deployed, "create", KindFailed, "create the pod regsweep-gc-reg: kubectl exited with 1: no"},
		"it is not so":   {deployed, "wait", KindFailed, "wait for the pod regsweep-gc-reg: kubectl exited with 1: no"},
		"the pod stays":  {deployed, "delete", KindFailed, "remove the pod regsweep-gc-reg: kubectl exited with 1: no"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target, _ := recorded(t, "kubectl://team/deployment/reg", TargetOptions{}, func(call string) (string, error) {
				if c.fails != "" && strings.Contains(call, c.fails) {
					return "", fails
				}
				if strings.Contains(call, "get deployment") {
					return c.deployment, nil
				}
				return "", nil
			})
			h, ctx := target.host, t.Context()
			err := h.open(ctx)
			for _, next := range []func() error{func() error { return h.stop(ctx, "") }, func() error { return h.open(ctx) }, func() error { return h.start(ctx, "") }} {
				if err == nil {
					err = next()
				}
			}
			if err == nil || !strings.Contains(err.Error(), c.says) || KindOf(err) != c.kind {
				t.Errorf("got %v, want %s", err, c.says)
			}
		})
	}
	t.Run("pods that stay", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			target, _ := recorded(t, "kubectl://team/deployment/reg", TargetOptions{}, func(call string) (string, error) {
				if strings.Contains(call, "get deployment") {
					return strings.Replace(strings.Replace(deployed, `"replicas":2,`, "", 1), "default-container", "other", 1), nil
				}
				return "pod/x", nil
			})
			if err := target.host.open(t.Context()); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), stopTimeout)
			defer cancel()
			err := target.host.stop(ctx, "")
			if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "wait until the pods of reg are gone") || !strings.HasSuffix(target.host.startCommand(), "--replicas=1") {
				t.Errorf("got %v, %s", err, target.host.startCommand())
			}
		})
	})
}

func TestShellHost(t *testing.T) {
	t.Parallel()
	calls := 0
	target, _ := recorded(t, "ssh://host", TargetOptions{Stop: "systemctl stop registry", Start: "systemctl start registry"}, func(string) (string, error) {
		if calls++; calls == 2 {
			return "", exited("ssh", 5, "no unit")
		}
		return "", nil
	})
	h, ctx := target.host, t.Context()
	if err := errors.Join(h.open(ctx), h.stop(ctx, "/srv"), h.close(ctx)); err != nil {
		t.Error(err)
	}
	if err := h.start(ctx, "/srv"); err == nil || err.Error() != `--gc-start "systemctl start registry": ssh exited with 5: no unit` {
		t.Errorf("got %v", err)
	}
	if h.startCommand() != "systemctl start registry" || !reflect.DeepEqual(h.facts(), facts{}) {
		t.Errorf("got %s, %+v", h.startCommand(), h.facts())
	}
}

// The operator's command is run by a shell as it is written, and what it prints goes into a file.
func TestShellHostRunsTheCommand(t *testing.T) {
	t.Parallel()
	needsShell(t)
	dir := t.TempDir()
	target, err := ParseTarget("local:", TargetOptions{Stop: "echo \"it's $((1+1))\"", Start: "echo no; exit 3", Environment: os.Environ()})
	if err != nil {
		t.Fatal(err)
	}
	if err := target.host.stop(t.Context(), dir); err != nil {
		t.Error(err)
	}
	if text, err := os.ReadFile(dir + "/.regsweep-gc-stop.log"); err != nil || string(text) != "it's 2\n" {
		t.Errorf("got %q, %v", text, err)
	}
	if err := target.host.start(t.Context(), dir); err == nil || !strings.HasSuffix(err.Error(), ": sh exited with 3: no") {
		t.Errorf("got %v", err)
	}
}

func TestRunProcess(t *testing.T) {
	t.Parallel()
	needsShell(t)
	target := &Target{host: &shellHost{via: localMachine{}}, exec: runProcess}
	out, err := target.command("sh", "-c", "echo out; echo err >&2").output(t.Context())
	if err != nil || out != "out\n" {
		t.Errorf("got %q, %v", out, err)
	}
	var failed *CommandError
	long := strings.Repeat("x", 2*maxTail)
	err = target.command("sh", "-c", "echo "+long+"; echo one >&2; echo '"+long+"' >&2; printf 'l\\303\\251st\\033[0m\\r\\n' >&2; exit 7").run(t.Context())
	if !errors.As(err, &failed) || failed.Code != 7 || len(failed.Said) > maxTail+8 || !strings.HasSuffix(err.Error(), "x / lést [0m") {
		t.Errorf("got %v", err)
	}
	if err := target.command("/no/such/program").run(t.Context()); !errors.As(err, &failed) || failed.Code != -1 || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	cancel(cause)
	if err := target.command("sleep", "60").run(ctx); !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
}

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

// The kind of an error decides the exit code, wherever the error is wrapped.
func TestKindOf(t *testing.T) {
	t.Parallel()
	_, badTarget := ParseTarget("nowhere", TargetOptions{DryRun: true})
	_, badLog := ReadLog(strings.NewReader("<html>"))
	for _, c := range []struct {
		err  error
		kind Kind
		hint string
	}{
		{&Refusal{Why: "x", Advice: "y"}, KindRefused, "y"},
		{errors.Join(&NotBackError{Started: "s", Cause: context.Canceled}, context.Canceled), KindFailed, "check the registry's own log, then start the registry: s"},
		{errors.Join(context.Canceled, errors.New("x")), KindCancelled, ""},
		{badTarget, KindBadInput, "for example --gc-via docker://registry or ssh://user@host (docs/garbage-collection.md); a dry run stops nothing"},
		{badLog, KindBadInput, "--from needs everything that the garbage collection prints: registry garbage-collect --dry-run CONFIG > gc.log"},
		{errors.New("x"), KindFailed, ""},
	} {
		if got := KindOf(c.err); got != c.kind || hintOf(c.err) != c.hint {
			t.Errorf("%v: got %q and the hint %q", c.err, got, hintOf(c.err))
		}
	}
}
