package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/regsweep/regsweep/e2e/bench/product"
)

// sweeper runs regsweep.
type sweeper struct {
	program string // regsweep itself
	peak    string // the command that measures its memory
	home    string // its home folder
}

// sweep says how regsweep is run. The zero value but for keep is a run with its default flags.
type sweep struct {
	keep     int
	deleteBy string // "" is its default
	sort     string // the same
	shard    string // "" names the repositories one by one, any other names all of zdtest by a pattern
	dryRun   bool
	peak     bool // runs it under the command that measures its memory, whose own start takes time too
}

// args is the command line, with a JSON report beside the table: the most that it is asked for at once.
func (s sweeper) args(t task, o sweep) []string {
	var args []string
	if o.shard != "" {
		args = append(args, t.host+"/zdtest/*", "--shard", o.shard)
	} else {
		for _, r := range t.repositories {
			args = append(args, t.host+"/"+r.path)
		}
	}
	if !o.dryRun { // which collects nothing
		args = append(args, t.collect...)
	}
	args = append(args, "--keep-last", strconv.Itoa(o.keep), "--state-dir", t.state, "--report", s.report())
	if o.deleteBy != "" {
		args = append(args, "--delete-by", o.deleteBy)
	}
	if o.sort != "" {
		args = append(args, "--sort", o.sort)
	}
	if t.far { // only on this machine is a registry tried for http without being told
		args = append(args, "--plain-http")
	}
	if o.dryRun {
		args = append(args, "--dry-run")
	}
	return args
}

// run runs regsweep once for all the repositories.
func (s sweeper) run(ctx context.Context, t task, o sweep) (out spent, err error) {
	measured := filepath.Join(s.home, "peak.bytes")
	program, args := s.program, s.args(t, o)
	if o.peak {
		program, args = s.peak, append([]string{measured, s.program}, args...)
	}
	cmd := product.Command(ctx, s.home, program, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		return out, fmt.Errorf("run regsweep: %w: %s", err, bytes.TrimSpace(stderr.Bytes()))
	}
	if len(t.collect) > 0 && !o.dryRun {
		if out.collect, err = s.collected(); err != nil {
			return out, err
		}
	}
	if o.peak {
		text, err := os.ReadFile(measured)
		if err != nil {
			return out, err
		}
		out.peak, err = strconv.ParseInt(string(text), 10, 64)
		return out, err
	}
	return out, nil
}

// collected is how long the latest run's garbage collection took, by its report.
func (s sweeper) collected() (time.Duration, error) {
	text, err := os.ReadFile(s.report())
	if err != nil {
		return 0, err
	}
	var told struct {
		GC struct {
			Collected      bool
			CollectSeconds float64 `json:"collect_seconds"`
		}
	}
	if err := json.Unmarshal(text, &told); err != nil {
		return 0, fmt.Errorf("read regsweep's report: %w", err)
	}
	if !told.GC.Collected {
		return 0, errNotCollected
	}
	return time.Duration(told.GC.CollectSeconds * float64(time.Second)), nil
}

// errNotCollected is returned for a run that was to collect and has not.
var errNotCollected = errors.New("regsweep has not run the garbage collection")

// report is the file of the latest run's report.
func (s sweeper) report() string { return filepath.Join(s.home, "report.json") }

// errFlags is returned when the sources beside the benchmark are of a regsweep that cannot be measured.
var errFlags = errors.New("regsweep does not know a flag that it is measured with")

// check looks for the flags in the program's help, so that nobody waits minutes for an unknown one.
func (s sweeper) check(ctx context.Context) error {
	help, err := product.Command(ctx, s.home, s.program, "prune", "--help").Output()
	if err != nil {
		return fmt.Errorf("run regsweep --help: %w", err)
	}
	for _, flag := range []string{"--delete-by", "--state-dir"} {
		if !bytes.Contains(help, []byte(flag)) {
			return fmt.Errorf("%w: %s", errFlags, flag)
		}
	}
	return nil
}
