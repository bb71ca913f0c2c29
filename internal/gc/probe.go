package gc

import (
	"bufio"
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
	notes []string
}

// folder is where the lock is, and what the operator's commands print: the root of the storage, which all runs see and no
// request reaches, or a folder of the machine when the storage is not a folder.
func (s site) folder() string {
	if s.root != "" {
		return s.root
	}
	return "/tmp"
}

// probe finds the binary, its version, the configuration and the storage.
func (t *Target) probe(ctx context.Context, o Options) (site, error) {
	files := configFiles
	known := t.host.facts()
	if o.Config != "" {
		files = []string{o.Config}
	} else if len(known.configs) > 0 {
		files = append(known.configs, files...)
	}
	text, err := t.onHost(script(probeScript, append([]string{o.Binary}, files...)...)).output(ctx)
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
		return site{}, hinted{fmt.Errorf("find the registry's configuration on %s: tried %s", t, strings.Join(files, ", ")), "--gc-config names the registry's configuration file"}
	}
	env := map[string]string{}
	for key, values := range head {
		env[key] = values[0]
	}
	if s.config, err = parseConfig(string(body), env); err != nil {
		return site{}, fmt.Errorf("read %s on %s: %w", s.file, t, err)
	}
	return s, known.checkStorage(&s)
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
