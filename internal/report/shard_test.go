package report

import (
	"reflect"
	"strings"
	"testing"
)

func TestShardIsInTheReport(t *testing.T) {
	t.Parallel()
	part := Summary{Shard: Shard{Index: 2, Total: 3, Of: 40}}
	for form, write := range map[Form]string{
		FormTable: "no repository belongs to this shard, nothing was deleted · shard 2/3 of 40 repositories", FormLine: " · shard 2/3 of 40 repositories",
		FormMarkdown: "### no repository belongs to this shard", FormJSON: `"of_repositories": 40`, FormHTML: "shard 2/3 of 40 repositories",
	} {
		var b strings.Builder
		if err := Write(&b, form, part); err != nil || !strings.Contains(b.String(), write) {
			t.Errorf("%s: %v, %q is not in\n%s", form, err, write, b.String())
		}
		var all strings.Builder
		if err := Write(&all, form, Summary{}); err != nil || strings.Contains(all.String(), "shard") {
			t.Errorf("%s: %v, a run that is no part says\n%s", form, err, all.String())
		}
	}
}

func TestShardIsReadBack(t *testing.T) {
	t.Parallel()
	want := Summary{Shard: Shard{Index: 2, Total: 3, Of: 40}}
	var b strings.Builder
	if err := WriteJSON(&b, want); err != nil {
		t.Fatal(err)
	}
	got, err := ReadJSON(strings.NewReader(b.String()))
	if err != nil || !reflect.DeepEqual(got.Shard, want.Shard) {
		t.Errorf("got %+v, %v", got.Shard, err)
	}
	for _, bad := range []string{`{"index": 0, "total": 3, "of_repositories": 40}`, `{"index": 4, "total": 3, "of_repositories": 40}`, `{"index": 1, "total": 3, "of_repositories": -1}`, `{}`} {
		if _, err := ReadJSON(strings.NewReader(`{"schema": "regsweep/v1", "shard": ` + bad + `}`)); err == nil {
			t.Errorf("%s: no error", bad)
		}
	}
	other := Summary{Shard: Shard{Index: 1, Total: 3, Of: 40}}
	if got := Merge([]Summary{want, other}).Shard; got != (Shard{}) {
		t.Errorf("two shards together are %+v", got)
	}
	if got := Merge([]Summary{want}).Shard; got != want.Shard {
		t.Errorf("one shard alone is %+v", got)
	}
}

func TestMissingShards(t *testing.T) {
	t.Parallel()
	for want, shards := range map[string][]Shard{
		"":                     {{1, 2, 9}, {2, 2, 9}},
		"shard 2/3":            {{1, 3, 9}, {3, 3, 9}},
		"shard 1/4, shard 2/4": {{4, 4, 9}, {3, 4, 9}},
		"shard 3/9, shard 4/9, shard 5/9, shard 6/9, shard 7/9 and 2 more": {{1, 9, 9}, {2, 9, 9}},
	} {
		var all []Summary
		for _, s := range shards {
			all = append(all, Summary{Shard: s})
		}
		if got := MissingShards(all); got != want {
			t.Errorf("%v: got %q, want %q", shards, got, want)
		}
	}
	for name, all := range map[string][]Summary{
		"nothing":       nil,
		"one part":      {{Shard: Shard{1, 2, 9}}},
		"no parts":      {{}, {}},
		"several runs":  {{Shard: Shard{1, 2, 9}}, {Shard: Shard{1, 3, 9}}},
		"one is whole":  {{Shard: Shard{1, 2, 9}}, {}},
		"one is a part": {{}, {Shard: Shard{1, 2, 9}}},
	} {
		if got := MissingShards(all); got != "" {
			t.Errorf("%s: got %q", name, got)
		}
	}
}
