package ci_test

import (
	"testing"

	"github.com/regsweep/regsweep/internal/ci"
)

func TestParseShard(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]ci.Shard{
		"1/1": {1, 1}, "1/3": {1, 3}, "3/3": {3, 3}, "10000/10000": {10000, 10000},
		"0/0": {}, "0/3": {}, "4/3": {}, "-1/3": {}, "1/-3": {}, "x": {}, "": {}, "/": {}, "1": {}, "1/": {}, "/3": {}, "1/x": {},
		"1/2/3": {}, " 1/3": {}, "1.5/3": {}, "1/10001": {}, "1/99999999999999999999": {},
	} {
		got, err := ci.ParseShard(text)
		if got != want || (err == nil) != (want != ci.Shard{}) {
			t.Errorf("%q: got %v, %v, want %v", text, got, err, want)
		}
		if err == nil && got.String() != text {
			t.Errorf("%q is written as %q", text, got)
		}
	}
}

func TestShardOfTheCI(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		system string
		vars   env
		want   ci.Shard
		source string
		bad    bool
	}{
		"gitlab counts from 1":          {system: ci.GitLab, vars: env{"CI_NODE_INDEX": "1", "CI_NODE_TOTAL": "3"}, want: ci.Shard{1, 3}, source: "CI_NODE_INDEX"},
		"the last of gitlab":            {system: ci.GitLab, vars: env{"CI_NODE_INDEX": "3", "CI_NODE_TOTAL": "3", "CI_JOB_NAME": "prune 3/3"}, want: ci.Shard{3, 3}, source: "CI_NODE_INDEX"},
		"gitlab without parallel":       {system: ci.GitLab, vars: env{"CI_NODE_TOTAL": "1"}},
		"gitlab with no such job":       {system: ci.GitLab, vars: env{"CI_NODE_INDEX": "0", "CI_NODE_TOTAL": "3"}, bad: true},
		"gitlab with half of it":        {system: ci.GitLab, vars: env{"CI_NODE_TOTAL": "3"}, bad: true},
		"a matrix of gitlab is no part": {system: ci.GitLab, vars: env{"CI_NODE_INDEX": "2", "CI_NODE_TOTAL": "3", "CI_JOB_NAME": "prune: [app, amd64]"}},
		"a part in gitlab-ci-local":     {system: ci.GitLab, vars: env{"CI_NODE_INDEX": "2", "CI_NODE_TOTAL": "3", "CI_JOB_NAME": "prune: [2/3]"}, want: ci.Shard{2, 3}, source: "CI_NODE_INDEX"},
		"circleci counts from 0":        {system: ci.CircleCI, vars: env{"CIRCLE_NODE_INDEX": "0", "CIRCLE_NODE_TOTAL": "4"}, want: ci.Shard{1, 4}, source: "CIRCLE_NODE_INDEX"},
		"circleci past the end":         {system: ci.CircleCI, vars: env{"CIRCLE_NODE_INDEX": "4", "CIRCLE_NODE_TOTAL": "4"}, bad: true},
		"circleci without parallelism":  {system: ci.CircleCI, vars: env{"CIRCLE_NODE_INDEX": "0", "CIRCLE_NODE_TOTAL": "1"}},
		"buildkite counts from 0":       {system: ci.Buildkite, vars: env{"BUILDKITE_PARALLEL_JOB": "3", "BUILDKITE_PARALLEL_JOB_COUNT": "4"}, want: ci.Shard{4, 4}, source: "BUILDKITE_PARALLEL_JOB"},
		"buildkite alone":               {system: ci.Buildkite},
		"another's variables":           {system: ci.Jenkins, vars: env{"CI_NODE_INDEX": "1", "CI_NODE_TOTAL": "3"}},
		"outside of a CI":               {system: ci.None, vars: env{"CI_NODE_INDEX": "1", "CI_NODE_TOTAL": "3"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, source, err := ci.System{Name: tt.system}.Shard(environment(tt.vars))
			if got != tt.want || source != tt.source || (err != nil) != tt.bad {
				t.Errorf("got %v by %q, %v", got, source, err)
			}
		})
	}
}
