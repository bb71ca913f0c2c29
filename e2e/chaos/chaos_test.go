package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// program is the program under test, built once.
var program string

func TestMain(m *testing.M) {
	if dir := os.Getenv(serveVariable); dir != "" {
		exit(serve(dir))
	}
	dir, err := os.MkdirTemp("", "regsweep-chaos-")
	if err != nil {
		exit(err)
	}
	program = filepath.Join(dir, "regsweep")
	code := 1
	if err := buildProgram(context.Background(), program, ""); err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		code = m.Run()
	}
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// TestChaos plays schedules of faults. make chaos plays more of them.
func TestChaos(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("docker-registry"); err != nil && os.Getenv("REGSWEEP_CI") != "1" {
		t.Skip("docker-registry is not installed (apt-get install docker-registry)")
	}
	c := campaign{from: 1, n: 150, jobs: 12, binary: program, dir: t.TempDir(), out: new(bytes.Buffer)}
	if testing.Short() && os.Getenv("REGSWEEP_CI") != "1" {
		c.n = 20
	}
	results, err := c.play(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if len(r.found) == 0 && r.err == nil {
			continue
		}
		// What depends on the timing of a loaded machine is logged; what a replay shows again fails.
		again := campaign{from: r.schedule.seed, n: 1, jobs: 1, binary: program, dir: t.TempDir(), out: new(bytes.Buffer)}
		replays, err := again.play(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Log(r)
		for _, replay := range replays {
			if len(replay.found) > 0 || replay.err != nil {
				t.Error(replay)
			}
		}
	}
}

// TestPlantedFaultsFit holds the patches to the code: make chaos-mutations plants them.
func TestPlantedFaultsFit(t *testing.T) {
	t.Parallel()
	patches, err := mutations.ReadDir("mutations")
	if err != nil || len(patches) == 0 {
		t.Fatal(patches, err)
	}
	for _, p := range patches {
		if _, err := (mutation{campaign: campaign{dir: t.TempDir()}, name: p.Name()}).plant(t.Context()); err != nil {
			t.Errorf("%s: %v", p.Name(), err)
		}
	}
}

// TestSchedulesFollowFromTheirSeed holds what lets a failing seed be seen again.
func TestSchedulesFollowFromTheirSeed(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		a, v := newSchedule(seed)
		b, w := newSchedule(seed)
		if a.String() != b.String() {
			t.Fatalf("the seed %d makes two schedules:\n%s\n%s", seed, a, b)
		}
		for i := range v.builds {
			if v.builds[i].top.digest != w.builds[i].top.digest || !slices.Equal(v.builds[i].tags, w.builds[i].tags) {
				t.Fatalf("the seed %d makes two repositories", seed)
			}
		}
	}
}
