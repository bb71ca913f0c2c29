package gc

import "strings"

// sshMachine is a machine that the installed ssh reaches.
type sshMachine struct {
	host, port, user string
	key, knownHosts  string
}

// wrap returns the call of ssh. The host's key has to be known already, and ssh asks no questions: nobody is there to answer.
// The keep-alives notice within a minute that a connection is dead. The user's own ssh configuration counts as well, for
// jump hosts and the like.
func (m sshMachine) wrap(args []string) []string {
	out := []string{
		"ssh", "-T", "-x", "-a",
		"-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", "UpdateHostKeys=no",
		"-o", "ConnectTimeout=15", "-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=4",
	}
	if m.key != "" {
		out = append(out, "-o", "IdentityFile="+option(m.key), "-o", "IdentitiesOnly=yes")
	}
	if m.knownHosts != "" {
		out = append(out, "-o", "UserKnownHostsFile="+option(m.knownHosts), "-o", "GlobalKnownHostsFile=/dev/null")
	}
	if m.port != "" {
		out = append(out, "-p", m.port)
	}
	if m.user != "" {
		out = append(out, "-l", m.user)
	}
	return append(out, "--", m.host, quote(args))
}

// option writes a file name as ssh's configuration reads one: in double quotes, where a percent sign begins a token
// (ssh_config(5)).
func option(file string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `%`, `%%`).Replace(file) + `"`
}
