package gc

import "strings"

// transport brings an argument list to a machine.
type transport interface{ wrap(args []string) []string }

// here is this machine.
type here struct{}

func (here) wrap(args []string) []string { return args }

// far is a machine that the installed ssh reaches.
type far struct {
	host, port, user string
	key, knownHosts  string
}

// wrap returns the call of ssh. The host's key has to be known already and nobody is asked anything: there is nobody.
// The keep-alives notice within a minute that a connection is dead. The user's own ssh configuration counts as well, for
// jump hosts and the like.
func (f far) wrap(args []string) []string {
	out := []string{
		"ssh", "-T", "-x", "-a",
		"-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", "UpdateHostKeys=no",
		"-o", "ConnectTimeout=15", "-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=4",
	}
	if f.key != "" {
		out = append(out, "-o", "IdentityFile="+option(f.key), "-o", "IdentitiesOnly=yes")
	}
	if f.knownHosts != "" {
		out = append(out, "-o", "UserKnownHostsFile="+option(f.knownHosts), "-o", "GlobalKnownHostsFile=/dev/null")
	}
	if f.port != "" {
		out = append(out, "-p", f.port)
	}
	if f.user != "" {
		out = append(out, "-l", f.user)
	}
	return append(out, "--", f.host, quote(args))
}

// option writes a file name as ssh's configuration reads one: in double quotes, where a percent sign begins a token
// (ssh_config(5)).
func option(file string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `%`, `%%`).Replace(file) + `"`
}
