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

// docker is a container of the installed docker, on this machine or on one that ssh reaches. Commands are run in a
// helper: a container of the same image with the same volumes, user, network and REGISTRY_ variables, which lives while
// the registry's own is stopped and goes with everything that runs in it.
type docker struct {
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
		User string
		Env  []string
	}
	HostConfig struct{ NetworkMode string }
	Mounts     []struct{ Type, Destination string }
}

// helper is the helper's name. There can be one of a name, which is a second lock, also for storage without a folder.
func (d *docker) helper() string { return "regsweep-gc-" + d.container }

func (d *docker) docker(args ...string) command {
	return d.t.here(d.via.wrap(append([]string{"docker"}, args...))...)
}

func (d *docker) open(ctx context.Context) error {
	if d.opened {
		return nil
	}
	text, err := d.docker("inspect", "--type", "container", "--", d.container).output(ctx)
	if err != nil {
		return fmt.Errorf("find the container %s: %w", d.container, err)
	}
	var found []container
	if err := json.Unmarshal([]byte(text), &found); err != nil || len(found) != 1 {
		return fmt.Errorf("find the container %s: docker inspect printed something else", d.container)
	}
	d.found = &found[0]
	// The variables go to docker's standard input: they may be secrets, and arguments are for everybody to read.
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
				Why:    fmt.Sprintf("the container %s exists: another collection runs, or one was cut off", d.helper()),
				Advice: "when no other run of regsweep is at it: docker rm -f " + d.helper(),
			}
		}
		return fmt.Errorf("run a container beside %s: %w", d.container, err)
	}
	d.opened = true
	return nil
}

// variables are the lines of an --env-file.
func (d *docker) variables() string {
	var b strings.Builder
	for _, e := range d.found.Config.Env {
		if strings.HasPrefix(e, "REGISTRY_") && !strings.Contains(e, "\n") {
			b.WriteString(e + "\n")
		}
	}
	return b.String()
}

func (d *docker) surroundings() surroundings {
	s := surroundings{volumes: []string{}, fleeting: map[string]string{}, apart: d.opened}
	for _, a := range d.found.Args {
		if isConfig(a) {
			s.configs = append(s.configs, a)
		}
	}
	for _, m := range d.found.Mounts {
		s.volumes = append(s.volumes, m.Destination)
		if m.Type == "tmpfs" {
			s.fleeting[m.Destination] = m.Type
		}
	}
	return s
}

func (d *docker) wrap(args []string) []string {
	return d.via.wrap(append([]string{"docker", "exec", d.helper()}, args...))
}

func (d *docker) stop(ctx context.Context, _ string) error {
	return d.docker("stop", d.container).run(ctx)
}

func (d *docker) start(ctx context.Context, _ string) error {
	return d.docker("start", d.container).run(ctx)
}

func (d *docker) starting() string { return "docker start " + d.container }

func (d *docker) close(ctx context.Context) error {
	if !d.opened {
		return nil
	}
	if err := d.docker("rm", "--force", d.helper()).run(ctx); err != nil {
		return fmt.Errorf("remove the container %s: %w", d.helper(), err)
	}
	d.opened = false
	return nil
}
