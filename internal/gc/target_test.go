package gc

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestParseTarget(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"local:":                    "x",
		"ssh://ci@host.example:22":  "ssh … -p 22 -l ci -- host.example x",
		"ssh://host":                "ssh … -- host x",
		"ssh://[::1]:2222":          "ssh … -p 2222 -- ::1 x",
		"docker://my_registry.1":    "docker exec regsweep-gc-my_registry.1 x",
		"docker+ssh://ci@host/reg":  "ssh … -l ci -- host docker exec regsweep-gc-reg x",
		"local://":                  "x",
		"":                          "",
		"local:x":                   "",
		"ssh://":                    "",
		"ssh://host/path":           "",
		"ssh://user:s3cret@host":    "",
		"ssh://-oProxyCommand=x":    "",
		"ssh://-l@host":             "",
		"ssh://a b@host":            "",
		"ssh://host?x":              "",
		"docker://":                 "",
		"docker://-x":               "",
		"docker://a/b":              "",
		"docker+ssh://host":         "",
		"kubectl://a/deployment":    "",
		"kubectl://a/pod/b":         "",
		"kubectl://A/deployment/b":  "",
		"kubectl://-a/deployment/b": "",
		"https://host":              "",
	} {
		o := TargetOptions{}
		if strings.HasPrefix(text, "local") || strings.HasPrefix(text, "ssh") {
			o.Stop, o.Start = "stop", "start"
		}
		target, err := ParseTarget(text, o)
		if (err == nil) != (want != "") || (err != nil && !errors.Is(err, ErrTarget)) {
			t.Errorf("%q: %v", text, err)
		}
		if err != nil {
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the password is in the error: %v", err)
			}
			continue
		}
		got := strings.Join(target.host.wrap([]string{"x"}), " ")
		if strings.HasPrefix(want, "ssh … ") {
			head, tail, _ := strings.Cut(want, "…")
			if !strings.HasPrefix(got, head) || !strings.HasSuffix(got, tail) || !strings.Contains(got, "StrictHostKeyChecking=yes") {
				t.Errorf("%q: got %s, want %s", text, got, want)
			}
		} else if got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

func TestParseTargetNeedsAWayToRestart(t *testing.T) {
	t.Parallel()
	for text, o := range map[string]TargetOptions{
		"local:": {Stop: "x"}, "ssh://host": {Start: "x"}, "docker://registry": {Stop: "x", Start: "y"},
	} {
		if _, err := ParseTarget(text, o); !errors.Is(err, ErrTarget) || !strings.Contains(err.Error(), "--gc-stop") {
			t.Errorf("%s: got %v", text, err)
		}
	}
}

func TestSSHFilesAreQuoted(t *testing.T) {
	t.Parallel()
	args := sshMachine{host: "host", key: `/keys of "CI"/100%\k`, knownHosts: "/a b"}.wrap([]string{"echo", "it's"})
	for _, want := range []string{`IdentityFile="/keys of \"CI\"/100%%\\k"`, "IdentitiesOnly=yes", `UserKnownHostsFile="/a b"`, `echo 'it'\''s'`} {
		if !slices.Contains(args, want) {
			t.Errorf("no %s in %q", want, args)
		}
	}
}
