package run

import (
	"fmt"
	"slices"
	"testing"
)

// What moves when a shard is added goes to the new one, and that is its fair part.
func TestAddingAShardMovesItsPart(t *testing.T) {
	t.Parallel()
	const repositories = 2000
	for total := 1; total <= 8; total++ {
		moved, sizes := 0, map[int]int{}
		for i := range repositories {
			name := fmt.Sprintf("registry.example.com:5000/team%d/app%d", i%7, i)
			before, after := shardOf(name, total), shardOf(name, total+1)
			if before < 1 || before > total {
				t.Fatalf("%s is in shard %d of %d", name, before, total)
			}
			sizes[before]++
			if before != after {
				moved++
				if after != total+1 {
					t.Errorf("%s moves from shard %d to %d when shard %d is added", name, before, after, total+1)
				}
			}
		}
		fair := repositories / (total + 1)
		if moved < fair*3/4 || moved > fair*5/4 {
			t.Errorf("%d of %d repositories move to shard %d, its fair part is %d", moved, repositories, total+1, fair)
		}
		for shard, n := range sizes {
			if fair := repositories / total; n < fair*3/4 || n > fair*5/4 {
				t.Errorf("shard %d/%d has %d repositories, its fair part is %d", shard, total, n, fair)
			}
		}
	}
}

// Jobs of different versions share one registry: which shard a repository belongs to never changes.
// The numbers are those of another program, Python's hashlib.
func TestShardsAreStable(t *testing.T) {
	t.Parallel()
	var got []int
	for _, name := range []string{"registry.example.com/a", "registry.example.com/b", "registry.example.com/team/app", "localhost:5000/x"} {
		got = append(got, shardOf(name, 2), shardOf(name, 5), shardOf(name, 100))
	}
	if want := []int{2, 2, 39, 1, 4, 89, 1, 1, 98, 2, 2, 23}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
