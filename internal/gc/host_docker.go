package gc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// dockerHost is a container of the installed docker, on this machine or on one that ssh reaches. Commands are run in a
// helper: a container of the same image with the same volumes, user, network and REGISTRY_ variables. It runs while the
// registry's own is stopped, and removing it ends everything that runs in it.
type dockerHost struct {
	t         *Target
	via       transport
	container string
	lifetime  time.Duration

	found  *container
	opened bool
}

// container is what is needed of docker inspect.
type container struct {
	Image string
	Args  []string
	State struct{ Running bool }
	// Config is what the container was made with.
	Config struct {
		User, WorkingDir string
		Env              []string
		Labels           map[string]string
	}
	HostConfig struct {
		NetworkMode string
		AutoRemove  bool
	}
	Mounts []struct{ Type, Destination string }
}

// The labels of containers that something else starts and stops (systemd/systemd.unit by podman, docker's swarm mode).
const (
	unitLabel    = "PODMAN_SYSTEMD_UNIT"
	serviceLabel = "com.docker.swarm.service.name"
)

// noRestart says why a container could not be started again once it is stopped; nil when it can.
func (c *container) noRestart(name string) *Refusal {
	unit := "UNIT"
	if u := c.Config.Labels[unitLabel]; u != "" {
		unit = oneLine(u)
	}
	const byUnit = "the service that made it can stop it: --gc-via ssh:// or local: with --gc-stop 'systemctl stop %s' and --gc-start 'systemctl start %[1]s' (docs/garbage-collection.md)"
	switch {
	case !c.State.Running:
		return &Refusal{Why: fmt.Sprintf("the container %s does not run, so it is not what serves", name), Advice: "--gc-via names the container of the registry that serves; docker ps lists those that run"}
	case c.HostConfig.AutoRemove:
		return &Refusal{Why: fmt.Sprintf("the container %s was made with --rm: it is removed when it is stopped, and cannot be started again", name), Advice: "make the container without --rm; or " + fmt.Sprintf(byUnit, unit)}
	case c.Config.Labels[unitLabel] != "":
		return &Refusal{Why: fmt.Sprintf("the container %s belongs to the systemd unit %s, which may start it during the garbage collection", name, unit), Advice: fmt.Sprintf(byUnit, unit)}
	case c.Config.Labels[serviceLabel] != "":
		return &Refusal{
			Why:    fmt.Sprintf("the container %s belongs to the swarm service %s, which makes a new one when it is stopped", name, oneLine(c.Config.Labels[serviceLabel])),
			Advice: "--gc-via ssh:// or local: with --gc-stop 'docker service scale --detach=false SERVICE=0' and --gc-start 'docker service scale SERVICE=1' (docs/garbage-collection.md)",
		}
	}
	return nil
}

// helper is the helper's name. Names are unique, so it is a second lock, also for storage that is not a folder.
func (d *dockerHost) helper() string { return "regsweep-gc-" + d.container }

func (d *dockerHost) docker(args ...string) command {
	return d.t.command(d.via.wrap(append([]string{"docker"}, args...))...)
}

func (d *dockerHost) open(ctx context.Context) error {
	if d.opened {
		return nil
	}
	text, err := d.docker("inspect", "--type", "container", "--", d.container).output(ctx)
	if err != nil {
		return hinted{fmt.Errorf("find the container %s: %w", d.container, err), d.findHint(ctx, err)}
	}
	var found []container
	if err := json.Unmarshal([]byte(text), &found); err != nil || len(found) != 1 {
		return fmt.Errorf("find the container %s: docker inspect printed unexpected output", d.container)
	}
	d.found = &found[0]
	for _, e := range d.found.Config.Env { // docker's --env-file has a line for each
		if name, value, _ := strings.Cut(e, "="); strings.HasPrefix(name, "REGISTRY_") && strings.Contains(value, "\n") {
			return &Refusal{
				Why:    fmt.Sprintf("the variable %s of the container %s has several lines, and a helper container cannot get it", name, d.container),
				Advice: "put it into one line, as JSON, or into the configuration",
			}
		}
	}
	// The variables go to docker's standard input: they may be secrets, and everybody on the machine can read arguments.
	args := []string{"run", "--rm", "--detach", "--name", d.helper(), "--volumes-from", d.container, "--env-file", "/dev/stdin"}
	if d.found.Config.User != "" {
		args = append(args, "--user", d.found.Config.User)
	}
	if n := d.found.HostConfig.NetworkMode; n != "" && n != "default" {
		args = append(args, "--network", n)
	}
	args = append(args, "--entrypoint", "sleep", d.found.Image, strconv.Itoa(int(d.lifetime.Seconds())))
	run := d.docker(args...)
	run.stdin = strings.NewReader(d.variables())
	if err := run.run(ctx); err != nil {
		var failed *CommandError
		if errors.As(err, &failed) && strings.Contains(failed.Said, "already in use") {
			return &Refusal{
				Why:    fmt.Sprintf("the helper container %s exists: another garbage collection is running, or one was cut off", d.helper()),
				Advice: "if no other run of regsweep uses it, remove it: docker rm -f " + d.helper(),
			}
		}
		return fmt.Errorf("start a helper container for %s: %w", d.container, err)
	}
	d.opened = true
	return nil
}

// variables are the lines of an --env-file.
func (d *dockerHost) variables() string {
	var b strings.Builder
	for _, e := range d.found.Config.Env {
		if strings.HasPrefix(e, "REGISTRY_") {
			b.WriteString(e + "\n")
		}
	}
	return b.String()
}

// settle has nothing to do: the helper is there from the beginning.
func (d *dockerHost) settle(context.Context, bool) error { return nil }

func (d *dockerHost) facts() facts {
	f := facts{volumes: []string{}, ephemeral: map[string]string{}, disposable: d.opened, noRestart: d.found.noRestart(d.container)}
	f.config = configArgument(d.found.Args, d.found.Config.WorkingDir)
	for _, m := range d.found.Mounts {
		f.volumes = append(f.volumes, m.Destination)
		if m.Type == "tmpfs" {
			f.ephemeral[m.Destination] = m.Type
		}
	}
	return f
}

func (d *dockerHost) wrap(args []string) []string {
	return d.via.wrap(append([]string{"docker", "exec", d.helper()}, args...))
}

func (d *dockerHost) feed(args []string) []string {
	return d.via.wrap(append([]string{"docker", "exec", "--interactive", d.helper()}, args...))
}

func (d *dockerHost) stop(ctx context.Context, _ string) error {
	return d.docker("stop", d.container).run(ctx)
}

func (d *dockerHost) start(ctx context.Context, _ string) error {
	return d.docker("start", d.container).run(ctx)
}

func (d *dockerHost) restarts() string {
	return "for example a systemd unit or an orchestrator that makes a new container; a unit is collected by ssh:// with --gc-stop (docs/garbage-collection.md)"
}

func (d *dockerHost) startCommand() string { return "docker start " + d.container }

func (d *dockerHost) close(ctx context.Context) error {
	if !d.opened {
		return nil
	}
	if err := d.docker("rm", "--force", d.helper()).run(ctx); err != nil {
		return fmt.Errorf("remove the container %s: %w", d.helper(), err)
	}
	d.opened = false
	return nil
}
