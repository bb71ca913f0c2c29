package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/regsweep/regsweep/e2e/bench/product"
)

// sweeper runs regsweep.
type sweeper struct {
	program string // regsweep itself
	peak    string // the command that measures its memory
	home    string // its home folder
}

// prune runs regsweep once for all the repositories.
func (s sweeper) prune(ctx context.Context, host string, repositories []repository) (int64, error) {
	return s.run(ctx, append(names(host, repositories), "--keep-last", strconv.Itoa(keep))...)
}

// plan is prune without its deletions.
func (s sweeper) plan(ctx context.Context, host string, repositories []repository) (int64, error) {
	return s.run(ctx, append(names(host, repositories), "--keep-last", strconv.Itoa(keep), "--dry-run")...)
}

// names are the repositories as they stand on a command line.
func names(host string, repositories []repository) []string {
	var out []string
	for _, r := range repositories {
		out = append(out, host+"/"+r.path)
	}
	return out
}

// run runs regsweep with a JSON report beside the table, the most that it is asked for at once, and returns the peak of
// its memory.
func (s sweeper) run(ctx context.Context, args ...string) (int64, error) {
	measured := filepath.Join(s.home, "peak.bytes")
	args = append(args, "--report", filepath.Join(s.home, "report.json"))
	cmd := product.Command(ctx, s.home, s.peak, append([]string{measured, s.program}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		return 0, fmt.Errorf("run regsweep: %w: %s", err, bytes.TrimSpace(stderr.Bytes()))
	}
	text, err := os.ReadFile(measured)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(string(text), 10, 64)
}
