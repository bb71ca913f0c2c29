package gc

import (
	"context"
	"errors"
	"os/exec"
	"strings"
)

// Hint says what to do about the failures that a person sees first: a program that is not there, and one that does not reach
// what it is for. They can be told only by what the programs print.
func (e *CommandError) Hint() string {
	said := strings.ToLower(e.Said)
	has := func(texts ...string) bool {
		for _, t := range texts {
			if strings.Contains(said, t) {
				return true
			}
		}
		return false
	}
	switch {
	case errors.Is(e, exec.ErrNotFound):
		return e.Program + " is not on the PATH of this machine: install it, or run regsweep where it is"
	case has(`exec: "sleep"`, `exec: "sh"`, "exec: sh"):
		return "the registry's image has no shell: use ssh:// with --gc-stop, --gc-start and a --gc-binary that runs the image (docs/garbage-collection.md)"
	case e.Program == "ssh" && e.Code == 127 && has("docker"):
		return "docker is not on the PATH that ssh gives to commands there, which is often shorter than that of a login: see ssh HOST 'echo $PATH', and link docker into one of its folders"
	case has("docker.sock", "docker daemon", "podman.sock"):
		return "docker does not reach its daemon there: its socket, DOCKER_HOST or docker context may be another one, or the user is not in the group docker"
	case has("host key verification failed"):
		return "--gc-known-hosts names a file with the host's key; ssh-keyscan prints it, and somebody has to compare it"
	case e.Program == "ssh" && e.Code == lostCode && has("permission denied"):
		return "--gc-ssh-key names a private key that the host accepts"
	case e.Program == "kubectl" && has("forbidden"):
		return "the login of kubectl needs rights there: get and scale deployments; get, create and delete pods; exec into pods"
	case e.Program == "kubectl" && has("notfound", "not found"):
		return "kubectl config current-context names the cluster, and kubectl get deployments --all-namespaces what it has"
	}
	return ""
}

// maxNames bounds how many containers a hint names.
const maxNames = 10

// findHint is what to do about a container that was not found: it names those that run there. Compose and podman make names
// of their own, such as project-registry-1.
func (d *dockerHost) findHint(ctx context.Context, err error) string {
	var failed *CommandError
	if !errors.As(err, &failed) || failed.Hint() != "" {
		return hintOf(err)
	}
	text, listed := d.docker("ps", "--format", "{{.Names}}").output(ctx)
	names := strings.Fields(text)
	if listed != nil || len(names) == 0 {
		return "docker ps lists no container there: its daemon or context may be another one (DOCKER_HOST, docker context)"
	}
	more := ""
	if len(names) > maxNames {
		names, more = names[:maxNames], " …"
	}
	return "--gc-via names a container as docker ps does; there it lists " + oneLine(strings.Join(names, " ")) + more
}
