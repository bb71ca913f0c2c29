package gc

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// site is what was found next to the registry.
type site struct {
	binary, version, file string
	major                 int // of the version
	config
	environment string // the lines of the variables that the registry's own process has; they may be secrets
	notes       []string
}

// probe finds the binary, its version, the configuration and the storage. What a registry that serves was started with
// takes precedence over the usual places.
func (t *Target) probe(ctx context.Context, o Options) (site, error) {
	known := t.host.facts()
	args := append([]string{o.Binary, cmp.Or(o.Config, known.config)}, configFiles...)
	text, err := t.onHost(script(probeScript, args...)).output(ctx)
	if err != nil {
		return site{}, fmt.Errorf("inspect %s: %w", t, err)
	}
	in := bufio.NewReader(strings.NewReader(text))
	head, err := readHead(in)
	if err != nil {
		return site{}, fmt.Errorf("inspect %s: %w", t, err)
	}
	body, err := io.ReadAll(in)
	if err != nil {
		return site{}, err
	}
	s := site{binary: head.one("binary"), file: head.one("config")}
	if several := head["serving"]; len(several) > 0 {
		return site{}, hinted{fmt.Errorf("find the registry's configuration on %s: several registries serve there, with %s", t, oneLine(strings.Join(several, ", "))), "--gc-config names the configuration of the one that is meant"}
	}
	if s.binary == "" {
		return site{}, hinted{fmt.Errorf("find the registry's binary on %s: neither registry nor docker-registry is on its PATH", t), "--gc-binary names the registry's program"}
	}
	if s.version, s.major, err = parseVersion(head.one("version")); err != nil {
		var refusal *Refusal
		if errors.As(err, &refusal) {
			return site{}, refusal
		}
		return site{}, hinted{fmt.Errorf("%s on %s: %w", s.binary, t, err), "--gc-binary names the registry's own program, the one that serves"}
	}
	if s.file == "" {
		return site{}, hinted{fmt.Errorf("find the registry's configuration on %s: tried %s", t, strings.Join(head["tried"], ", ")), "--gc-config names the registry's configuration file"}
	}
	variables := s.takeVariables(head)
	if s.config, err = parseConfig(string(body), variables); err != nil {
		return site{}, fmt.Errorf("read %s on %s: %w", s.file, t, err)
	}
	return s, known.checkStorage(&s)
}

// takeVariables reads the variables of the registry, and keeps those of a process for its garbage collection.
func (s *site) takeVariables(h head) map[string]string {
	out := map[string]string{}
	for _, line := range h["env"] {
		name, value, _ := strings.Cut(line, "=")
		out[name] = strings.ReplaceAll(value, "\x01", "\n")
	}
	switch {
	case h.one("unread") != "":
		s.notes = append(s.notes, "the REGISTRY_ variables of the registry's process "+oneLine(h.one("unread"))+" cannot be read by this user, so only its configuration counts")
	case h.one("process") != "":
		s.environment = strings.Join(append([]string{"environment"}, h["env"]...), "\n") + "\n"
	}
	return out
}

// withVariables is a command next to the registry that runs the registry's program. Containers have the variables from the
// beginning; a process of the machine gets those of the one that served.
func (t *Target) withVariables(s site, args []string) command {
	c := t.onHost(args)
	if s.environment != "" && t.host.facts().volumes == nil {
		c.stdin = strings.NewReader(s.environment)
	}
	return c
}

// checkStorage checks that commands on the host see the registry's own storage, and that it outlives the registry's stop.
func (f facts) checkStorage(s *site) error {
	if s.root == "" {
		s.notes = append(s.notes, fmt.Sprintf("the storage is %s, which is not measured: only the log says what was deleted", s.driver))
		return nil
	}
	if f.volumes == nil {
		return nil
	}
	best := ""
	for _, v := range f.volumes {
		if (s.root == v || strings.HasPrefix(s.root, strings.TrimSuffix(v, "/")+"/")) && len(v) > len(best) {
			best = v
		}
	}
	switch kind := f.ephemeral[best]; {
	case best == "":
		return &Refusal{Why: fmt.Sprintf("the storage %s is not in a volume, so only the registry's own container sees it", s.root), Advice: "put the storage into a volume"}
	case kind != "":
		return &Refusal{Why: fmt.Sprintf("the storage %s is in a volume of the kind %s, which may be lost when the registry is stopped", s.root, kind), Advice: "put the storage into a persistent volume"}
	}
	return nil
}
