package main

import (
	"cmp"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
)

// mutations are faults that are planted into the product, to see whether schedules find them: each is a patch. The name
// says what goes wrong.
//
//go:embed mutations/*.patch
var mutations embed.FS

// mutants is how many schedules each planted fault may survive.
const mutants = 300

// mutate plants one fault after the other and plays schedules until one of them violates a promise that the program
// keeps without the fault.
func mutate(ctx context.Context, c campaign) (err error) {
	if c.dir, err = os.MkdirTemp("", "regsweep-chaos-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(c.dir)) }()
	control := filepath.Join(c.dir, "regsweep")
	if err := buildProgram(ctx, control, ""); err != nil {
		return err
	}
	patches, err := mutations.ReadDir("mutations")
	if err != nil {
		return err
	}
	survived := 0
	for _, p := range patches {
		m := mutation{campaign: c, name: p.Name(), control: control}
		if m.dir, err = os.MkdirTemp(c.dir, "mutation-"); err != nil {
			return err
		}
		caught, err := m.play(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		if !caught {
			survived++
		}
	}
	if survived > 0 {
		return fmt.Errorf("%d of %d planted faults were not caught", survived, len(patches))
	}
	return nil
}

// mutation is one planted fault.
type mutation struct {
	campaign
	name    string
	control string // the program without the fault
}

// play builds the program with the fault and reports whether a schedule has caught it.
func (m mutation) play(ctx context.Context) (caught bool, err error) {
	overlay, err := m.plant(ctx)
	if err != nil {
		return false, err
	}
	m.binary, m.first = filepath.Join(m.dir, "regsweep"), true
	if err := buildProgram(ctx, m.binary, overlay); err != nil {
		return false, err
	}
	last := m.from + uint64(m.n) - 1
	for m.from <= last {
		m.n = int(last - m.from + 1)
		results, err := m.apart(ctx, m.campaign)
		if err != nil {
			return false, err
		}
		slices.SortFunc(results, func(a, b result) int { return cmp.Compare(a.schedule.seed, b.schedule.seed) })
		for _, r := range results {
			if len(r.found) == 0 {
				continue
			}
			clean, err := m.clean(ctx, r.schedule.seed)
			if err != nil {
				return false, err
			}
			if clean {
				fmt.Fprintf(m.out, "%s: caught by schedule %d: %s\n", m.name, r.schedule.seed, r.found[0])
				return true, nil
			}
			fmt.Fprintf(m.out, "%s: schedule %d is violated without the fault too, and does not count\n", m.name, r.schedule.seed)
		}
		m.from += uint64(len(results))
	}
	fmt.Fprintf(m.out, "%s: NOT CAUGHT up to schedule %d\n", m.name, last)
	return false, nil
}

// clean reports whether the program without the fault keeps its promises in a schedule.
func (m mutation) clean(ctx context.Context, seed uint64) (bool, error) {
	c := m.campaign
	c.binary, c.from, c.n = m.control, seed, 1
	results, err := m.apart(ctx, c)
	return err == nil && len(results) == 1 && len(results[0].found) == 0 && results[0].err == nil, err
}

// apart plays schedules on registries of their own and prints nothing: what was found is what was planted.
func (m mutation) apart(ctx context.Context, c campaign) ([]result, error) {
	dir, err := os.MkdirTemp(m.dir, "play-")
	if err != nil {
		return nil, err
	}
	c.dir, c.quiet = dir, true
	results, err := c.play(ctx)
	return results, errors.Join(err, os.RemoveAll(dir))
}

var patched = regexp.MustCompile(`(?m)^\+\+\+ b/(\S+)`)

// plant applies the patch to copies of what it changes and returns the overlay that builds them. A patch that does not
// fit the code any more is an error.
func (m mutation) plant(ctx context.Context) (overlay string, err error) {
	text, err := mutations.ReadFile("mutations/" + m.name)
	if err != nil {
		return "", err
	}
	top, err := filepath.Abs(root())
	if err != nil {
		return "", err
	}
	copies := filepath.Join(m.dir, "copies")
	replace := map[string]string{}
	for _, f := range patched.FindAllSubmatch(text, -1) {
		from, to := filepath.Join(top, string(f[1])), filepath.Join(copies, string(f[1]))
		code, err := os.ReadFile(from)
		if err != nil {
			return "", err
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return "", err
		}
		if err := os.WriteFile(to, code, 0o600); err != nil {
			return "", err
		}
		replace[from] = to
	}
	patch := filepath.Join(m.dir, m.name)
	if err := os.WriteFile(patch, text, 0o600); err != nil {
		return "", err
	}
	apply := exec.CommandContext(ctx, "git", "apply", "--verbose", patch)
	apply.Dir = copies
	apply.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+m.dir) // the copies are in no repository
	if out, err := apply.CombinedOutput(); err != nil || len(replace) == 0 {
		return "", fmt.Errorf("the patch does not fit the code any more, write it again: %w: %s", err, out)
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay = filepath.Join(m.dir, "overlay.json")
	return overlay, os.WriteFile(overlay, list, 0o600)
}
