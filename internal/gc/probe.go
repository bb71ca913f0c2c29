package gc

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// site is what was found next to the registry.
type site struct {
	binary, version, file string
	major                 int // of the version
	config
	notes []string
}

// folder is where the lock is, and what the operator's commands say: the root of the storage, which all runs see and no
// request reaches, or for other storage a folder of the machine.
func (s site) folder() string {
	if s.root != "" {
		return s.root
	}
	return "/tmp"
}

// probe finds the binary, its version, the configuration and the storage.
func (t *Target) probe(ctx context.Context, o Options) (site, error) {
	files := configFiles
	around := t.place.surroundings()
	if o.Config != "" {
		files = []string{o.Config}
	} else if len(around.configs) > 0 {
		files = append(around.configs, files...)
	}
	text, err := t.there(script(probeScript, append([]string{o.Binary}, files...)...)).output(ctx)
	if err != nil {
		return site{}, fmt.Errorf("look at %s: %w", t, err)
	}
	in := bufio.NewReader(strings.NewReader(text))
	head, err := readHead(in)
	if err != nil {
		return site{}, fmt.Errorf("look at %s: %w", t, err)
	}
	body, err := io.ReadAll(in)
	if err != nil {
		return site{}, err
	}
	s := site{binary: head.one("binary"), file: head.one("config")}
	if s.binary == "" {
		return site{}, hinted{fmt.Errorf("find the registry's binary on %s: neither registry nor docker-registry is on its PATH", t), "--gc-binary says where it is"}
	}
	if s.version, s.major, err = parseVersion(head.one("version")); err != nil {
		return site{}, hinted{fmt.Errorf("%s on %s: %w", s.binary, t, err), "--gc-binary names the registry's own program, the one that serves"}
	}
	if s.file == "" {
		return site{}, hinted{fmt.Errorf("find the registry's configuration on %s: tried %s", t, strings.Join(files, ", ")), "--gc-config says where it is"}
	}
	env := map[string]string{}
	for key, values := range head {
		env[key] = values[0]
	}
	if s.config, err = parseConfig(string(body), env); err != nil {
		return site{}, fmt.Errorf("read %s on %s: %w", s.file, t, err)
	}
	return s, around.hold(&s)
}

// hold checks that the place sees the registry's own storage, and that it outlives the registry's stop.
func (a surroundings) hold(s *site) error {
	if s.root == "" {
		s.notes = append(s.notes, fmt.Sprintf("the storage is %s, which is not measured: only the log tells what was freed", s.driver))
		return nil
	}
	if a.volumes == nil {
		return nil
	}
	best := ""
	for _, v := range a.volumes {
		if (s.root == v || strings.HasPrefix(s.root, strings.TrimSuffix(v, "/")+"/")) && len(v) > len(best) {
			best = v
		}
	}
	switch kind := a.fleeting[best]; {
	case best == "":
		return &Refusal{Why: fmt.Sprintf("the storage %s is in no volume, so nothing but the running registry sees it", s.root), Advice: "put it into a volume"}
	case kind != "":
		return &Refusal{Why: fmt.Sprintf("the storage %s is in a volume of the kind %s, which may not be there when the registry is stopped", s.root, kind), Advice: "put it into a volume that lasts"}
	}
	return nil
}

var versionNumber = regexp.MustCompile(`(?:^|\s)v?(\d+)\.\d+\.\d+\S*$`)

// parseVersion reads what "registry --version" prints, such as "docker-registry github.com/docker/distribution 2.8.2+ds1"
// and "registry github.com/distribution/distribution/v3 v3.1.2" (distribution, version/print.go).
func parseVersion(line string) (version string, major int, err error) {
	line = strings.TrimSpace(line)
	m := versionNumber.FindStringSubmatch(line)
	if m == nil || !strings.Contains(line, "/distribution") {
		return "", 0, fmt.Errorf("not the CNCF registry, --version prints %q", oneLine(line))
	}
	major, err = strconv.Atoi(m[1])
	return path.Base(line[strings.LastIndexByte(line, ' ')+1:]), major, err
}

// head is what a script says before the first empty line: keys and values.
type head map[string][]string

func (h head) one(key string) string {
	if len(h[key]) == 0 {
		return ""
	}
	return strings.TrimSpace(h[key][0])
}

// number returns a number of the head, and whether there is one.
func (h head) number(key string) (int64, bool) {
	n, err := strconv.ParseInt(h.one(key), 10, 64)
	return n, err == nil
}

// readHead reads up to the first empty line.
func readHead(in *bufio.Reader) (head, error) {
	h := head{}
	for {
		line, err := in.ReadString('\n')
		if line = strings.TrimSuffix(line, "\n"); line == "" && err == nil {
			return h, nil
		}
		key, value, ok := strings.Cut(line, "=")
		if err != nil || !ok {
			return nil, fmt.Errorf("the shell there prints %q where the answer should be", oneLine(line))
		}
		h[key] = append(h[key], value)
	}
}
