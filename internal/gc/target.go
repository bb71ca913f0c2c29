package gc

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// ErrTarget is wrapped by every error about a target that cannot be meant.
var ErrTarget = errors.New("no place of a registry")

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
	// Lifetime bounds what a helper container or pod can outlive this process; 0 is a day.
	Lifetime time.Duration
}

// Target is where a registry runs: commands are run next to it, and it is stopped and started there.
type Target struct {
	text  string
	place place
	env   []string
}

// String returns the target as it was written.
func (t *Target) String() string { return t.text }

// place is what differs between targets. The recipe knows nothing else of them.
type place interface {
	// open makes sure that commands can be run; it is called first of all, and again when the registry was stopped.
	open(ctx context.Context) error
	// surroundings says what is known of the place since it is open.
	surroundings() surroundings
	// wrap returns what to run here so that args are run there.
	wrap(args []string) []string
	// stop and start return when the registry's processes are gone, or begin to run. What the operator's own commands
	// say goes into a file of the folder.
	stop(ctx context.Context, folder string) error
	start(ctx context.Context, folder string) error
	// starting says how the registry is started, for somebody who has to do it by hand.
	starting() string
	// close ends everything that open has made, with all that still runs in it.
	close(ctx context.Context) error
}

// surroundings are what a container's or deployment's definition says.
type surroundings struct {
	// configs are files that are named as arguments, in order.
	configs []string
	// volumes are the only folders that commands share with the registry; nil means that they share all.
	volumes []string
	// fleeting are the kinds of those folders whose content may go when the registry is stopped.
	fleeting map[string]string
	// apart is true when commands run in something that close ends together with them.
	apart bool
}

// The parts of a target. They end up as arguments of ssh, docker and kubectl, which must not take them for options.
var (
	hostName      = regexp.MustCompile(`^[A-Za-z0-9_.:][A-Za-z0-9_.:-]*$`)
	userName      = regexp.MustCompile(`^[A-Za-z0-9_.][A-Za-z0-9_.@+-]*$`)
	containerName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]*$`)
	password      = regexp.MustCompile(`(//[^/@:]*):.*@`)
	objectName    = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`)
)

// ParseTarget reads "local:", "ssh://user@host[:port]", "docker://container", "docker+ssh://user@host[:port]/container"
// or "kubectl://namespace/deployment/name". Errors wrap [ErrTarget].
func ParseTarget(text string, o TargetOptions) (*Target, error) {
	bad := func(format string, args ...any) (*Target, error) {
		shown := password.ReplaceAllString(text, "$1:***@")
		return nil, fmt.Errorf("%w: %q: %s", ErrTarget, shown, fmt.Sprintf(format, args...))
	}
	scheme, rest, _ := strings.Cut(text, ":")
	rest = strings.TrimPrefix(rest, "//")
	t := &Target{text: text, env: o.Environment}
	if o.Lifetime <= 0 {
		o.Lifetime = 24 * time.Hour
	}
	byHand := scheme == "local" || scheme == "ssh"
	if byHand && !o.DryRun && (o.Stop == "" || o.Start == "") {
		return bad("it is not known how to stop and start the registry there: --gc-stop and --gc-start say so")
	}
	if !byHand && o.Stop+o.Start != "" {
		return bad("--gc-stop and --gc-start are for local: and ssh://, this target has its own way")
	}
	switch scheme {
	case "local":
		if rest != "" {
			return bad("nothing comes after local:")
		}
		t.place = &shell{t: t, via: here{}, stopping: o.Stop, beginning: o.Start}
	case "ssh":
		far, path, err := parseSSH(text, o)
		if err != nil {
			return bad("%v", err)
		}
		if path != "" {
			return bad("nothing comes after the host; docker+ssh:// has a container there")
		}
		t.place = &shell{t: t, via: far, stopping: o.Stop, beginning: o.Start}
	case "docker":
		if !containerName.MatchString(rest) {
			return bad("%q is no name of a container", rest)
		}
		t.place = &docker{t: t, via: here{}, container: rest, lifetime: o.Lifetime}
	case "docker+ssh":
		far, path, err := parseSSH(text, o)
		if err != nil {
			return bad("%v", err)
		}
		if !containerName.MatchString(path) {
			return bad("%q is no name of a container", path)
		}
		t.place = &docker{t: t, via: far, container: path, lifetime: o.Lifetime}
	case "kubectl":
		parts := strings.Split(rest, "/")
		if len(parts) != 3 || parts[1] != "deployment" || !objectName.MatchString(parts[0]) || !objectName.MatchString(parts[2]) {
			return bad("it is kubectl://namespace/deployment/name")
		}
		t.place = &kubernetes{t: t, namespace: parts[0], name: parts[2], lifetime: o.Lifetime}
	default:
		return bad("it begins with local:, ssh://, docker://, docker+ssh:// or kubectl://")
	}
	return t, nil
}

// parseSSH reads user@host[:port][/path] of a URL.
func parseSSH(text string, o TargetOptions) (far, string, error) {
	u, err := url.Parse(text)
	if err != nil { // its text would repeat the target, and with it what stands where a password would
		return far{}, "", errors.New("it is not user@host[:port]")
	}
	f := far{host: u.Hostname(), port: u.Port(), user: u.User.Username(), key: o.SSHKey, knownHosts: o.KnownHosts}
	if _, has := u.User.Password(); has {
		return far{}, "", errors.New("a password is not taken, ssh uses a key")
	}
	if !hostName.MatchString(f.host) {
		return far{}, "", fmt.Errorf("%q is no host", f.host)
	}
	if f.user != "" && !userName.MatchString(f.user) {
		return far{}, "", fmt.Errorf("%q is no user", f.user)
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return far{}, "", errors.New("it is user@host[:port], without ? and #")
	}
	return f, strings.TrimPrefix(u.Path, "/"), nil
}

// here runs a program on this machine.
func (t *Target) here(args ...string) command { return command{args: args, env: t.env} }

// there runs a program next to the registry.
func (t *Target) there(args []string) command { return t.here(t.place.wrap(args)...) }
