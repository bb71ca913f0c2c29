package gc

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

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
