package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// There is no docker and no Kubernetes where these tests run. What stands for them is a script on PATH that writes down
// its arguments, answers questions with prepared text, and runs what is to be run in a container on this machine,
// against the real registry. It shows which commands regsweep gives and that the collection works behind them; it does
// not show what a real docker or kubectl does with them.

// engine puts a stand-in on PATH and returns its folder and what it was called with, one call a line.
func (d *depot) engine(name, script string) (dir string, calls func() []string) {
	d.t.Helper()
	dir = d.t.TempDir()
	log := filepath.Join(dir, "calls")
	text := fmt.Sprintf("#!/bin/sh\n# a stand-in for %s, not the real one\nline=\nfor a; do line=\"$line [$(printf %%s \"$a\" | tr '\\n' ' ' | cut -c 1-100)]\"; done\nprintf '%%s\\n' \"$line\" >>%s\nDIR=%[3]s\nSTOP='%[4]s'\nSTART=\"%[5]s\"\n%[6]s\n",
		name, log, dir, d.Stop, d.Start, script)
	must(d.t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700))
	d.env = []string{"PATH=" + dir + string(os.PathListSeparator) + os.Getenv("PATH")}
	return dir, func() []string {
		d.t.Helper()
		text, err := os.ReadFile(log)
		must(d.t, err)
		return strings.Split(strings.TrimSpace(string(text)), "\n")
	}
}

// inOrder checks that calls which contain these texts were made, in this order.
func inOrder(t *testing.T, calls []string, want ...string) {
	t.Helper()
	i := 0
	for _, c := range calls {
		if i < len(want) && strings.Contains(c, want[i]) {
			i++
		}
	}
	if i < len(want) {
		t.Errorf("no call %s after the others:\n%s", want[i], strings.Join(calls, "\n"))
	}
}

const dockerStandIn = `
case $1 in
inspect) [ "$5" = registry ] || { echo "Error: No such container: $5" >&2; exit 1; }; cat "$DIR/inspect.json" ;;
run) cat >"$DIR/environment"; : >"$DIR/helper" ;;
exec)
  shift 2
  case $*$(ls "$DIR") in *"garbage-collect /"*dies*) : >"$DIR/dead" ;; esac
  [ ! -e "$DIR/dead" ] || { echo 'the container is not running' >&2; exit 1; }
  exec "$@" ;;
stop) sh -c "$STOP" ;;
start) sh -c "$START" ;;
rm) rm -f "$DIR/helper" "$DIR/dead" "$DIR/dies" ;;
*) echo "what is $1?" >&2; exit 1 ;;
esac`

func TestGCDockerStandIn(t *testing.T) {
	t.Parallel()
	eachLine(t, func(t *testing.T, d *depot) {
		d.builds("team/app", 8, 1000)
		dir, calls := d.engine("docker", dockerStandIn)
		inspect := func(destination string) {
			text, err := json.Marshal([]any{map[string]any{
				"Image": "sha256:0123", "Args": []string{d.Config}, "State": map[string]any{"Running": true},
				"Config":     map[string]any{"User": "1000:1000", "Env": []string{"PATH=/bin", "REGISTRY_HTTP_SECRET=s3cret"}},
				"HostConfig": map[string]any{"NetworkMode": "backend"},
				"Mounts":     []any{map[string]any{"Type": "volume", "Destination": destination}},
			}})
			must(t, err)
			must(t, os.WriteFile(filepath.Join(dir, "inspect.json"), text, 0o600))
		}
		run := func(via string, more ...string) told {
			return d.regsweep(append([]string{d.Host + "/team/app", "--keep-last", "2", "--gc", "--gc-via", via, "--gc-binary", d.Binary}, more...)...)
		}
		inspect("/somewhere/else")
		d.want(run("docker://registry"), 3, "the storage "+d.Dir+" is not in a volume", "hint: put the storage into a volume")
		inspect(d.Dir)
		before := d.serving()
		// A helper that dies with the collection in it does not keep the registry down.
		must(t, os.WriteFile(filepath.Join(dir, "dies"), nil, 0o600))
		got := d.regsweep("gc", d.Host+"/team/app", "--gc-via", "docker://registry", "--gc-binary", d.Binary)
		d.want(got, 4, "the container is not running; the registry serves again")
		if !got.gc.Restarted || got.gc.Collected {
			t.Errorf("got %+v", *got.gc)
		}
		d.healthy("team/app", "b7", "b8")
		got = d.regsweep("gc", d.Host+"/team/app", "--gc-via", "docker://registry", "--gc-binary", d.Binary)
		d.want(got, 0)
		if g := got.gc; g.BlobsDeleted != 18 || !g.Restarted || g.VerifiedImages != 2 || d.serving() == before {
			t.Errorf("got %+v", *g)
		}
		d.healthy("team/app", "b7", "b8")
		inOrder(t, calls(), "[inspect] [--type] [container] [--] [registry]",
			"[run] [--rm] [--detach] [--name] [regsweep-gc-registry] [--volumes-from] [registry] [--env-file] [/dev/stdin] [--user] [1000:1000] [--network] [backend] [--entrypoint] [sleep] [sha256:0123]",
			"[exec] [regsweep-gc-registry] [sh] [-c]", "[stop] [registry]", "[exec] [regsweep-gc-registry]", "[start] [registry]", "[rm] [--force] [regsweep-gc-registry]")
		if all := strings.Join(calls(), "\n"); strings.Contains(all, "s3cret") {
			t.Errorf("a secret is among the arguments:\n%s", all)
		}
		if given, err := os.ReadFile(filepath.Join(dir, "environment")); err != nil || string(given) != "REGISTRY_HTTP_SECRET=s3cret\n" {
			t.Errorf("the environment is %q, %v", given, err)
		}
		if _, err := os.Stat(filepath.Join(dir, "helper")); err == nil {
			t.Error("the helper is left behind")
		}
		got = d.regsweep("gc", d.Host, "--gc-via", "docker://nothing", "--gc-binary", d.Binary)
		d.want(got, 4, "find the container nothing: docker exited with 1: Error: No such container: nothing")
	})
}

const kubectlStandIn = `
[ "$1 $2" = "--namespace registry" ] || exit 1
shift 2
case $1 in
get) if [ "$2" = deployment ]; then cat "$DIR/deployment.json"; elif [ ! -e "$DIR/down" ]; then echo pod/registry-1; fi ;;
scale)
  case $* in
  *--replicas=0) sh -c "$STOP" && : >"$DIR/down" ;;
  *) [ ! -e "$DIR/helper" ] || { echo 'the claim is in use' >&2; exit 1; }; rm -f "$DIR/down"; sh -c "$START" ;;
  esac ;;
create) cat >/dev/null; [ ! -e "$DIR/full" ] || { echo 'exceeded quota' >&2; exit 1; }; : >"$DIR/helper" ;;
wait) ;;
exec)
  case $2 in pod/*) [ -e "$DIR/helper" ] || { echo "pods not found" >&2; exit 1; } ;; esac
  while [ "$1" != -- ]; do shift; done; shift; exec "$@" ;;
delete) rm -f "$DIR/helper" ;;
*) echo "what is $1?" >&2; exit 1 ;;
esac`

func TestGCKubectlStandIn(t *testing.T) {
	t.Parallel()
	eachLine(t, func(t *testing.T, d *depot) {
		d.builds("team/app", 8, 1000)
		d.want(d.regsweep(d.Host+"/team/app", "--keep-last", "2"), 0)
		dir, calls := d.engine("kubectl", kubectlStandIn)
		deployment := func(volume map[string]any) {
			volume["name"] = "data"
			text, err := json.Marshal(map[string]any{"spec": map[string]any{
				"replicas": 1, "selector": map[string]any{"matchLabels": map[string]string{"app": "registry"}},
				"template": map[string]any{"metadata": map[string]any{}, "spec": map[string]any{
					"securityContext": map[string]any{"fsGroup": 1000},
					"containers": []any{map[string]any{
						"name": "registry", "image": "registry:2", "args": []string{"serve", d.Config}, "livenessProbe": map[string]any{},
						"volumeMounts": []any{map[string]any{"name": "data", "mountPath": d.Dir}},
					}, map[string]any{"name": "sidecar", "image": "proxy"}},
					"volumes": []any{volume},
				}},
			}})
			must(t, err)
			must(t, os.WriteFile(filepath.Join(dir, "deployment.json"), text, 0o600))
		}
		run := func() told {
			return d.regsweep("gc", d.Host+"/team/app", "--gc-via", "kubectl://registry/deployment/registry", "--gc-binary", d.Binary)
		}
		before := d.serving()
		deployment(map[string]any{"emptyDir": map[string]any{}})
		d.want(run(), 3, "is in a volume of the kind emptyDir, which may be lost when the registry is stopped")
		if d.serving() != before {
			t.Fatal("the registry was stopped, and its storage with it")
		}
		deployment(map[string]any{"persistentVolumeClaim": map[string]any{"claimName": "registry"}})
		// A helper that cannot be made does not keep the registry down.
		must(t, os.WriteFile(filepath.Join(dir, "full"), nil, 0o600))
		got := run()
		d.want(got, 4, "create the pod regsweep-gc-registry: kubectl exited with 1: exceeded quota; the registry serves again")
		if !got.gc.Restarted || got.gc.Collected {
			t.Errorf("got %+v", *got.gc)
		}
		d.healthy("team/app", "b7", "b8")
		must(t, os.Remove(filepath.Join(dir, "full")))
		got = run()
		d.want(got, 0)
		if g := got.gc; g.BlobsDeleted != 18 || !g.Restarted || g.VerifiedImages != 2 || d.serving() == before {
			t.Errorf("got %+v", *g)
		}
		d.healthy("team/app", "b7", "b8")
		inOrder(t, calls(), "[get] [deployment] [registry] [--output] [json]", "[exec] [deployment/registry] [--container] [registry] [--] [sh]",
			"[scale] [deployment/registry] [--current-replicas=1] [--replicas=0]", "[get] [pods] [--selector] [app=registry]", "[create] [--filename] [-]",
			"[wait] [--for=condition=Ready]", "[exec] [pod/regsweep-gc-registry] [--container] [registry] [--] [sh]",
			"[delete] [pod] [regsweep-gc-registry]", "[scale] [deployment/registry] [--replicas=1]")
		if _, err := os.Stat(filepath.Join(dir, "helper")); err == nil {
			t.Error("the helper is left behind")
		}
	})
}
