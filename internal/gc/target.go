package gc

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// TargetOptions belong to a target. The zero value suits docker and kubectl.
type TargetOptions struct {
	// Stop and Start are shell text of the operator's, run next to the registry by sh -c; local: and ssh:// need them.
	Stop, Start string
	// SSHKey is a private key's file; "" leaves the choice to ssh.
	SSHKey string
	// KnownHosts is a file with the host's key; "" is ssh's own choice.
	KnownHosts string
	// Environment is that of the programs; nil is this process's own.
	Environment []string
	// DryRun says that the target is for [DryRun] alone, which stops and starts nothing.
	DryRun bool
	// Lifetime bounds how long a helper container or pod can outlive this process; 0 is a day.
	Lifetime time.Duration
}

// Target is where a registry runs: commands are run next to it, and it is stopped and started there.
type Target struct {
	text string
	host host
	env  []string
	exec func(context.Context, command) error // runs a program on this machine
}

// String returns the target as it was written.
func (t *Target) String() string { return t.text }

// The parts of a target. They end up as arguments of ssh, docker and kubectl, which must not take them for options.
var (
	hostName      = regexp.MustCompile(`^[A-Za-z0-9_.:][A-Za-z0-9_.:-]*$`)
	userName      = regexp.MustCompile(`^[A-Za-z0-9_.][A-Za-z0-9_.@+-]*$`)
	containerName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]*$`)
	password      = regexp.MustCompile(`(//[^/@:]*):.*@`)
	objectName    = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`)
)

// schemes are the kinds of target. Each function reads the text and returns the host or what is wrong with the text.
var schemes = map[string]func(t *Target, o TargetOptions) (host, string){
	"local": newLocal, "ssh": newSSH, "docker": newDocker, "docker+ssh": newDockerSSH, "kubectl": newKubernetes,
}

// ParseTarget reads "local:", "ssh://user@host[:port]", "docker://container", "docker+ssh://user@host[:port]/container"
// or "kubectl://namespace/deployment/name". Every error is a [TargetError].
func ParseTarget(text string, o TargetOptions) (*Target, error) {
	o.Lifetime = cmp.Or(max(o.Lifetime, 0), 24*time.Hour)
	t := &Target{text: text, env: o.Environment, exec: runProcess}
	scheme, _, _ := strings.Cut(text, ":")
	problem := "a target begins with local:, ssh://, docker://, docker+ssh:// or kubectl://"
	if parse, known := schemes[scheme]; known {
		if t.host, problem = parse(t, o); problem == "" {
			return t, nil
		}
	}
	return nil, &TargetError{Text: password.ReplaceAllString(text, "$1:***@"), Problem: problem, DryRun: o.DryRun}
}

// rest is the target's text after the scheme.
func (t *Target) rest() string {
	_, rest, _ := strings.Cut(t.text, ":")
	return strings.TrimPrefix(rest, "//")
}

func newLocal(t *Target, o TargetOptions) (host, string) {
	if t.rest() != "" {
		return nil, "nothing may follow local:"
	}
	return newShell(t, o, localMachine{})
}

func newSSH(t *Target, o TargetOptions) (host, string) {
	machine, path, problem := parseSSH(t.text, o)
	if problem == "" && path != "" {
		problem = "nothing may follow the host; a container there is docker+ssh://"
	}
	if problem != "" {
		return nil, problem
	}
	return newShell(t, o, machine)
}

func newShell(t *Target, o TargetOptions, via transport) (host, string) {
	if !o.DryRun && (o.Stop == "" || o.Start == "") {
		return nil, "it needs --gc-stop and --gc-start, the commands that stop and start the registry there"
	}
	return &shellHost{t: t, via: via, stopCommand: o.Stop, beginCommand: o.Start}, ""
}

func newDocker(t *Target, o TargetOptions) (host, string) {
	return newContainer(t, o, localMachine{}, t.rest())
}

func newDockerSSH(t *Target, o TargetOptions) (host, string) {
	machine, container, problem := parseSSH(t.text, o)
	if problem != "" {
		return nil, problem
	}
	return newContainer(t, o, machine, container)
}

func newContainer(t *Target, o TargetOptions, via transport, container string) (host, string) {
	if o.Stop+o.Start != "" {
		return nil, ownWay
	}
	if !containerName.MatchString(container) {
		return nil, fmt.Sprintf("%q is not a container's name", container)
	}
	return &dockerHost{t: t, via: via, container: container, lifetime: o.Lifetime}, ""
}

func newKubernetes(t *Target, o TargetOptions) (host, string) {
	if o.Stop+o.Start != "" {
		return nil, ownWay
	}
	parts := strings.Split(t.rest(), "/")
	if len(parts) != 3 || parts[1] != "deployment" || !objectName.MatchString(parts[0]) || !objectName.MatchString(parts[2]) {
		return nil, "the form is kubectl://namespace/deployment/name"
	}
	return &kubernetesHost{t: t, namespace: parts[0], name: parts[2], lifetime: o.Lifetime, dryRun: o.DryRun}, ""
}

// ownWay is what is wrong with commands for a target that needs none.
const ownWay = "--gc-stop and --gc-start are for local: and ssh:// only; docker and kubectl stop and start the registry themselves"

// parseSSH reads user@host[:port][/path] of a URL. The last result is what is wrong with it.
func parseSSH(text string, o TargetOptions) (machine sshMachine, path, problem string) {
	const form = "the form is user@host[:port]"
	u, err := url.Parse(text)
	if err != nil { // its text would repeat the target, and with it what stands where a password would
		return sshMachine{}, "", form
	}
	m := sshMachine{host: u.Hostname(), port: u.Port(), user: u.User.Username(), key: o.SSHKey, knownHosts: o.KnownHosts}
	if _, has := u.User.Password(); has {
		return sshMachine{}, "", "a password is not accepted, ssh uses a key"
	}
	if !hostName.MatchString(m.host) {
		return sshMachine{}, "", fmt.Sprintf("%q is not a host", m.host)
	}
	if m.user != "" && !userName.MatchString(m.user) {
		return sshMachine{}, "", fmt.Sprintf("%q is not a user", m.user)
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return sshMachine{}, "", form + ", without ? and #"
	}
	return m, strings.TrimPrefix(u.Path, "/"), ""
}

// command is a program on this machine.
func (t *Target) command(args ...string) command {
	return command{args: args, env: t.env, exec: t.exec}
}

// onHost is a program next to the registry.
func (t *Target) onHost(args []string) command { return t.command(t.host.wrap(args)...) }
