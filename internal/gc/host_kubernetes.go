package gc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// kubernetesHost is a deployment that the installed kubectl reaches, in its current context. While the registry runs,
// commands are run in its pod; while it is scaled to 0, in a helper pod made of the deployment's own template, with its
// volumes, variables and rights.
type kubernetesHost struct {
	t               *Target
	namespace, name string
	lifetime        time.Duration
	dryRun          bool // nothing is stopped, and no helper made

	found   *deployment
	scaled  bool // down to 0
	helping bool // the helper pod runs
	early   bool // it has run since before the registry was stopped
}

// deployment is what is needed of kubectl get deployment. The pod's spec is kept as it is, for the helper.
type deployment struct {
	Spec struct {
		Replicas *int
		Selector struct {
			MatchLabels      map[string]string
			MatchExpressions []any
		}
		Template struct {
			Metadata struct{ Annotations map[string]string }
			Spec     map[string]any
		}
	}
}

// podSpec is what is looked at in a pod's spec.
type podSpec struct {
	Containers []struct {
		Name          string
		WorkingDir    string
		Command, Args []string
		VolumeMounts  []struct{ Name, MountPath string }
	}
	Volumes []map[string]any
}

// defaultContainer is the annotation that names a pod's main container (https://kubernetes.io/docs/reference/labels-annotations-taints/).
const defaultContainer = "kubectl.kubernetes.io/default-container"

// The helper has a folder of its own, also where its root is read-only and no volume is a folder.
const (
	scratchVolume = "regsweep-gc"
	scratchMount  = "/regsweep-gc"
)

func (k *kubernetesHost) helper() string { return "regsweep-gc-" + k.name }

func (k *kubernetesHost) kubectl(args ...string) command {
	return k.t.command(append([]string{"kubectl", "--namespace", k.namespace}, args...)...)
}

func (k *kubernetesHost) open(ctx context.Context) error {
	if k.found == nil {
		return k.find(ctx)
	}
	if !k.scaled || k.helping {
		return nil
	}
	return k.help(ctx)
}

// settle makes the helper at once for storage that no claim is for. Then the lock and all that is written are where the
// garbage collection is run.
func (k *kubernetesHost) settle(ctx context.Context, folder bool) error {
	if folder || k.helping {
		return nil
	}
	k.early = true
	return k.help(ctx)
}

// help makes the helper.
func (k *kubernetesHost) help(ctx context.Context) error {
	pod, err := json.Marshal(k.pod())
	if err != nil {
		return err
	}
	k.helping = true // also when it is not known whether it does: it is removed before the registry starts
	create := k.kubectl("create", "--filename", "-")
	create.stdin = strings.NewReader(string(pod))
	if err := create.run(ctx); err != nil {
		var failed *CommandError
		if errors.As(err, &failed) && strings.Contains(failed.Said, "already exists") {
			k.helping = false // it is another run's
			if !k.scaled {
				return k.taken()
			}
		}
		return fmt.Errorf("create the pod %s: %w", k.helper(), err)
	}
	if err := k.kubectl("wait", "--for=condition=Ready", "--timeout=300s", "pod/"+k.helper()).run(ctx); err != nil {
		return fmt.Errorf("wait for the pod %s: %w", k.helper(), err)
	}
	return nil
}

// find reads the deployment.
func (k *kubernetesHost) find(ctx context.Context) error {
	text, err := k.kubectl("get", "deployment", k.name, "--output", "json").output(ctx)
	if err != nil {
		return fmt.Errorf("find the deployment %s: %w", k.name, err)
	}
	found := &deployment{}
	if err := json.Unmarshal([]byte(text), found); err != nil || len(found.spec().Containers) == 0 {
		return fmt.Errorf("find the deployment %s: kubectl get printed unexpected output", k.name)
	}
	switch s := found.Spec; {
	case len(s.Selector.MatchExpressions) > 0 || len(s.Selector.MatchLabels) == 0:
		return &Refusal{Why: "the deployment selects its pods by matchExpressions, and only matchLabels are supported"}
	case s.Replicas != nil && *s.Replicas == 0:
		return &Refusal{Why: "the deployment is scaled to 0 replicas, so the registry does not run"}
	}
	if !k.dryRun {
		left, err := k.kubectl("get", "pod", k.helper(), "--ignore-not-found", "--output", "name").output(ctx)
		if err != nil {
			return fmt.Errorf("look for the pod %s: %w", k.helper(), err)
		}
		if strings.TrimSpace(left) == "pod/"+k.helper() {
			return k.taken()
		}
	}
	k.found = found
	return nil
}

// taken is a helper that another run has made. Its name is a lock.
func (k *kubernetesHost) taken() *Refusal {
	return &Refusal{
		Why:    fmt.Sprintf("the helper pod %s exists: another garbage collection is running, or one was cut off", k.helper()),
		Advice: fmt.Sprintf("if no other run of regsweep uses it, remove it: kubectl --namespace %s delete pod %s", k.namespace, k.helper()),
	}
}

func (d *deployment) spec() podSpec {
	var p podSpec
	text, err := json.Marshal(d.Spec.Template.Spec)
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err != nil {
		return podSpec{}
	}
	return p
}

// container is the index of the registry's container: the one that the annotation names, else the first.
func (d *deployment) container() int {
	name := d.Spec.Template.Metadata.Annotations[defaultContainer]
	for i, c := range d.spec().Containers {
		if c.Name == name {
			return i
		}
	}
	return 0
}

func (d *deployment) replicas() int {
	if d.Spec.Replicas == nil {
		return 1
	}
	return *d.Spec.Replicas
}

// pod is the helper: the registry's container of the template alone, asleep, without probes, ports and labels, so that no
// service sends it requests, and for a limited time.
func (k *kubernetesHost) pod() map[string]any {
	spec := map[string]any{}
	for key, value := range k.found.Spec.Template.Spec {
		spec[key] = value
	}
	own := map[string]any{}
	if list, ok := spec["containers"].([]any); ok {
		if c, ok := list[k.found.container()].(map[string]any); ok {
			for key, value := range c {
				own[key] = value
			}
		}
	}
	for _, key := range []string{"args", "ports", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle"} {
		delete(own, key)
	}
	own["volumeMounts"] = with(own["volumeMounts"], map[string]any{"name": scratchVolume, "mountPath": scratchMount})
	spec["volumes"] = with(spec["volumes"], map[string]any{"name": scratchVolume, "emptyDir": map[string]any{}})
	own["command"] = []string{"sleep", strconv.Itoa(int(k.lifetime.Seconds()))}
	spec["containers"] = []any{own}
	spec["restartPolicy"] = "Never"
	spec["activeDeadlineSeconds"] = int(k.lifetime.Seconds())
	spec["terminationGracePeriodSeconds"] = 1
	return map[string]any{
		"apiVersion": "v1", "kind": "Pod",
		"metadata": map[string]any{"name": k.helper(), "namespace": k.namespace},
		"spec":     spec,
	}
}

// with appends to a list of a template, which may have none.
func with(list any, item map[string]any) []any {
	old, _ := list.([]any)
	return append(slices.Clone(old), item)
}

func (k *kubernetesHost) facts() facts {
	f := facts{volumes: []string{}, ephemeral: map[string]string{}, disposable: k.helping, scratch: scratchMount}
	spec := k.found.spec()
	own := spec.Containers[k.found.container()]
	f.config = configArgument(slices.Concat(own.Command, own.Args), own.WorkingDir)
	for _, m := range own.VolumeMounts {
		f.volumes = append(f.volumes, m.MountPath)
		for _, v := range spec.Volumes {
			for _, kind := range []string{"emptyDir", "hostPath", "ephemeral"} {
				if _, has := v[kind]; has && v["name"] == m.Name {
					f.ephemeral[m.MountPath] = kind
				}
			}
		}
	}
	return f
}

func (k *kubernetesHost) wrap(args []string) []string { return k.exec(nil, args) }

func (k *kubernetesHost) feed(args []string) []string { return k.exec([]string{"--stdin"}, args) }

// exec runs a program in the registry's pod, or in the helper once that is there.
func (k *kubernetesHost) exec(flags, args []string) []string {
	where := "deployment/" + k.name
	if k.helping {
		where = "pod/" + k.helper()
	}
	name := k.found.spec().Containers[k.found.container()].Name
	return slices.Concat([]string{"kubectl", "--namespace", k.namespace, "exec"}, flags, []string{where, "--container", name, "--"}, args)
}

// stop scales to 0 and waits until the last pod is gone: a deployment reports that it is scaled before that.
func (k *kubernetesHost) stop(ctx context.Context, _ string) error {
	k.scaled = true
	n := strconv.Itoa(k.found.replicas())
	if err := k.kubectl("scale", "deployment/"+k.name, "--current-replicas="+n, "--replicas=0").run(ctx); err != nil {
		return err
	}
	var labels []string
	for key, value := range k.found.Spec.Selector.MatchLabels {
		labels = append(labels, key+"="+value)
	}
	slices.Sort(labels)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		left, err := k.kubectl("get", "pods", "--selector", strings.Join(labels, ","), "--output", "name").output(ctx)
		if err != nil || strings.TrimSpace(left) == "" {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait until the pods of %s are gone: %w", k.name, context.Cause(ctx))
		case <-tick.C:
		}
	}
}

// start scales up again. A helper that has the storage mounted is removed first, because a claim may be for one pod at a
// time.
func (k *kubernetesHost) start(ctx context.Context, _ string) error {
	if !k.early {
		if err := k.close(ctx); err != nil {
			return err
		}
	}
	err := k.kubectl("scale", "deployment/"+k.name, "--replicas="+strconv.Itoa(k.found.replicas())).run(ctx)
	k.scaled = k.scaled && err != nil
	return err
}

func (k *kubernetesHost) restarts() string {
	return "for example an autoscaler, or a GitOps controller that scales the deployment up again"
}

func (k *kubernetesHost) startCommand() string {
	return fmt.Sprintf("kubectl --namespace %s scale deployment/%s --replicas=%d", k.namespace, k.name, k.found.replicas())
}

func (k *kubernetesHost) close(ctx context.Context) error {
	if !k.helping {
		return nil
	}
	err := k.kubectl("delete", "pod", k.helper(), "--ignore-not-found", "--wait=true").run(ctx)
	if err != nil {
		return fmt.Errorf("remove the pod %s: %w", k.helper(), err)
	}
	k.helping = false
	return nil
}
