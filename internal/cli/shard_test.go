package cli

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/registry/registrytest"
)

// crowd makes repositories of 3 builds each and returns their paths.
func crowd(t *testing.T, reg *registrytest.Registry) []string {
	t.Helper()
	var paths []string
	for i := range 12 {
		path := fmt.Sprintf("team/app%d", i)
		builds(reg.Pusher(t, path), 3)
		paths = append(paths, path)
	}
	return paths
}

// shardReport is what the JSON report says of shards.
type shardReport struct {
	Shard        *struct{ Index, Total, OfRepositories int }
	Repositories []struct{ Repository string }
}

// paths are those of the report, sorted.
func (r shardReport) paths() []string {
	var out []string
	for _, one := range r.Repositories {
		_, path, _ := strings.Cut(one.Repository, "/")
		out = append(out, path)
	}
	slices.Sort(out)
	return out
}

func sharded(t *testing.T, got outcome) shardReport {
	t.Helper()
	var r shardReport
	text := strings.ReplaceAll(got.stdout, "of_repositories", "OfRepositories")
	if err := json.Unmarshal([]byte(text), &r); err != nil || got.code != exitDone {
		t.Fatalf("exit %d, %v\n%s%s", got.code, err, got.stdout, got.stderr)
	}
	return r
}

// Every repository is pruned by exactly one of the jobs, in whatever order they were named.
func TestEveryRepositoryIsInOneShard(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	paths := crowd(t, reg)
	named := []string{}
	for _, path := range slices.Backward(paths) {
		named = append(named, "HOST/"+path)
	}
	in := map[string]int{}
	for i := 1; i <= 3; i++ {
		flags := []string{"--keep-last", "1", "--shard", fmt.Sprintf("%d/3", i), "--output", "json"}
		other := sharded(t, sweep(t, reg, nil, append(slices.Clone(named), append(flags, "--dry-run")...)...)).paths()
		got := sweep(t, reg, nil, append([]string{"HOST/team/*"}, flags...)...)
		r := sharded(t, got)
		if r.Shard == nil || r.Shard.Index != i || r.Shard.Total != 3 || r.Shard.OfRepositories != 12 {
			t.Errorf("shard %d: the report says %+v", i, r.Shard)
		}
		if want := fmt.Sprintf("regsweep: shard %d/3: %d of 12 repositories\n", i, len(r.Repositories)); got.stderr != want {
			t.Errorf("stderr is %q, want %q", got.stderr, want)
		}
		if !slices.Equal(other, r.paths()) {
			t.Errorf("shard %d has %v, and %v when they are named the other way round", i, r.paths(), other)
		}
		for _, path := range r.paths() {
			in[path]++
			if n := len(reg.Tags(path)); n != 1 {
				t.Errorf("%s is in shard %d and has %d tags left", path, i, n)
			}
		}
	}
	for _, path := range paths {
		if in[path] != 1 {
			t.Errorf("%s is in %d shards", path, in[path])
		}
	}
}

// What the CI says of parallel jobs counts for several repositories, and not for one that is named.
func TestShardByTheCI(t *testing.T) {
	t.Parallel()
	gitlab := map[string]string{"GITLAB_CI": "true", "CI_NODE_INDEX": "2", "CI_NODE_TOTAL": "3"}
	with := func(more map[string]string) map[string]string {
		out := maps.Clone(gitlab)
		maps.Copy(out, more)
		return out
	}
	circle := map[string]string{"CIRCLECI": "true", "CIRCLE_NODE_INDEX": "1", "CIRCLE_NODE_TOTAL": "3"}
	for name, c := range map[string]struct {
		env   map[string]string
		args  []string
		shard string // "" for all
	}{
		"a pattern":               {gitlab, []string{"HOST/team/*"}, "2/3"},
		"two names":               {gitlab, []string{"HOST/team/app1", "HOST/team/app2"}, "2/3"},
		"the same job elsewhere":  {circle, []string{"HOST/team/*"}, "2/3"},
		"one name":                {gitlab, []string{"HOST/team/app1"}, ""},
		"one name twice":          {gitlab, []string{"HOST/team/app1", "HOST/team/app1"}, ""},
		"one name and a flag":     {gitlab, []string{"HOST/team/app1", "--shard", "1/2"}, "1/2"},
		"the flag goes first":     {gitlab, []string{"HOST/team/*", "--shard", "3/5"}, "3/5"},
		"the environment's flag":  {with(map[string]string{"REGSWEEP_SHARD": "4/5"}), []string{"HOST/team/*"}, "4/5"},
		"1/1 is all":              {gitlab, []string{"HOST/team/*", "--shard", "1/1"}, "1/1"},
		"no CI":                   {nil, []string{"HOST/team/*"}, ""},
		"gitlab without parallel": {map[string]string{"GITLAB_CI": "true", "CI_NODE_TOTAL": "1"}, []string{"HOST/team/*"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reg := registrytest.New(t, registrytest.Options{})
			crowd(t, reg)
			r := sharded(t, sweep(t, reg, c.env, append(c.args, "--keep-last", "1", "--output", "json")...))
			got := ""
			if r.Shard != nil {
				got = fmt.Sprintf("%d/%d", r.Shard.Index, r.Shard.Total)
			}
			if got != c.shard {
				t.Errorf("it was shard %q, want %q", got, c.shard)
			}
		})
	}
}

// A shard without a repository is done, says so in every form, and sends nothing that deletes.
func TestEmptyShard(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	builds(reg.Pusher(t, "team/app"), 3)
	empty := 0
	for i := 1; i <= 2; i++ {
		for _, form := range []string{"table", "markdown", "line"} {
			got := sweep(t, reg, nil, "HOST/team/app", "--keep-last", "1", "--dry-run", "--shard", fmt.Sprintf("%d/2", i), "--output", form)
			if got.code != exitDone || !strings.Contains(got.stdout, fmt.Sprintf("shard %d/2 of 1 repository", i)) {
				t.Errorf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
			}
			if strings.Contains(got.stdout, "no repository belongs to this shard, nothing was deleted") != strings.Contains(got.stderr, ": 0 of 1 repositories") {
				t.Errorf("%s%s", got.stdout, got.stderr)
			}
			if strings.Contains(got.stderr, ": 0 of 1 repositories") {
				empty++
			}
		}
	}
	if empty != 3 {
		t.Errorf("%d runs had nothing to do, want those of one shard", empty)
	}
}

func TestBadShard(t *testing.T) {
	t.Parallel()
	all := []string{"HOST/team/*", "--keep-last", "1"}
	gitlab := map[string]string{"GITLAB_CI": "true", "CI_NODE_INDEX": "4", "CI_NODE_TOTAL": "3"}
	for name, c := range map[string]struct {
		env   map[string]string
		args  []string
		says  string
		lines int
	}{
		"0/0":              {args: with(all, "--shard", "0/0"), says: "--shard: 0 of 0 is not a shard: there can be 1 to", lines: 1},
		"0/3":              {args: with(all, "--shard", "0/3"), says: "--shard: 0 of 3 is not a shard: the first number goes from 1 to 3", lines: 1},
		"4/3":              {args: with(all, "--shard", "4/3"), says: "--shard: 4 of 3 is not a shard: the first number goes from 1 to 3", lines: 1},
		"x":                {args: with(all, "--shard", "x"), says: `--shard: "x" is not I/N, such as 2/5`, lines: 1},
		"of the CI":        {env: gitlab, args: all, says: "CI_NODE_INDEX of CI_NODE_TOTAL: 4 of 3 is not a shard", lines: 1},
		"that collects":    {args: with(all, "--shard", "1/3", "--gc", "--gc-via", "docker://registry"), says: "--gc: this run is one of several", lines: 2},
		"of an action":     {env: map[string]string{"INPUT_SHARD": "3"}, args: all, says: `--shard: "3" is not I/N`, lines: 1},
		"of one by a flag": {args: []string{"HOST/team/app1", "--keep-last", "1", "--shard", "2/1"}, says: "--shard: 2 of 1 is not a shard", lines: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reg := registrytest.New(t, registrytest.Options{})
			builds(reg.Pusher(t, "team/app1"), 3)
			got := sweep(t, reg, c.env, c.args...)
			if got.code != exitUsage || !strings.HasPrefix(got.stderr, "regsweep: "+c.says) || strings.Count(got.stderr, "\n") != c.lines || len(reg.Tags("team/app1")) != 3 {
				t.Errorf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
			}
		})
	}
}
