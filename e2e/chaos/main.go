// Command chaos plays schedules of faults in front of real registries, with pushes, restarts and kills in the middle of
// runs of regsweep, and judges what is left by the registries' storage.
//
// A schedule follows from its seed. What a failing seed needs to be seen again is printed with it; the order in which a
// busy machine lets parallel requests arrive is all that may differ.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func main() {
	if dir := os.Getenv(serveVariable); dir != "" {
		exit(serve(dir))
	}
	seed := flag.Uint64("seed", 0, "play this one schedule")
	n := flag.Int("n", 100, "how many schedules to play")
	from := flag.Uint64("from", 1, "the first seed")
	jobs := flag.Int("jobs", 6*runtime.NumCPU(), "how many to play at once; most of the time they wait")
	binary := flag.String("binary", "", "the program to try (default: it is built)")
	planted := flag.Bool("mutations", false, "plant faults into the program, one after the other, and play schedules until each is caught")
	measured := flag.Bool("window", false, "measure the time between a look and the deletion of a child, with pushes in the middle")
	overlay := flag.String("overlay", "", "build the program with this overlay of go build")
	verbose := flag.Bool("v", false, "print each schedule, its requests and what the program says")
	flag.Parse()
	if *seed != 0 {
		*n, *from, *verbose = 1, *seed, true
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	c := campaign{from: *from, n: *n, jobs: *jobs, verbose: *verbose, out: os.Stdout}
	if *measured {
		exit(window(ctx, *binary, c))
	}
	if *planted {
		c.n = mutants
		exit(mutate(ctx, c))
	}
	exit(run(ctx, *binary, *overlay, c))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func run(ctx context.Context, binary, overlay string, c campaign) (err error) {
	dir, err := os.MkdirTemp("", "regsweep-chaos-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if binary == "" {
		binary = filepath.Join(dir, "regsweep")
		if err := buildProgram(ctx, binary, overlay); err != nil {
			return err
		}
	}
	c.binary, c.dir = binary, dir
	results, err := c.play(ctx)
	if err != nil {
		return err
	}
	return c.summary(results)
}

// buildProgram builds the program that is next to this module.
func buildProgram(ctx context.Context, to, overlay string) error {
	args := []string{"build", "-C", root(), "-trimpath", "-buildvcs=false", "-o", to}
	if overlay != "" {
		args = append(args, "-overlay", overlay)
	}
	cmd := exec.CommandContext(ctx, "go", append(args, ".")...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build regsweep: %w: %s", err, out)
	}
	return nil
}

// root is the folder of the product's module, seen from where go run and go test start this one.
func root() string {
	for dir := ".."; ; dir = filepath.Join("..", dir) {
		if text, err := os.ReadFile(filepath.Join(dir, "go.mod")); err == nil && strings.HasPrefix(string(text), "module github.com/regsweep/regsweep\n") {
			return dir
		}
		if len(dir) > 60 {
			return ".."
		}
	}
}

// campaign is many schedules.
type campaign struct {
	from        uint64
	n, jobs     int
	verbose     bool
	quiet       bool // it prints nothing
	first       bool // it ends with the first schedule that has a violation
	binary, dir string
	out         interface{ Write([]byte) (int, error) }
}

// result is what became of a schedule.
type result struct {
	schedule schedule
	found    []violation
	err      error // of the harness
}

// play plays all schedules, several at a time, and returns those that were played.
func (c campaign) play(ctx context.Context) (results []result, err error) {
	backends := map[line]*backend{}
	for _, l := range []line{line2, line3} {
		b, err := startBackend(l, filepath.Join(c.dir, string(l)))
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, b.kill()) }()
		backends[l] = b
	}
	begun := time.Now()
	var mu sync.Mutex
	var group sync.WaitGroup
	free := make(chan struct{}, c.jobs)
	var enough atomic.Bool
	for i := 0; i < c.n && ctx.Err() == nil; i++ {
		free <- struct{}{}
		if enough.Load() {
			break
		}
		group.Go(func() {
			defer func() { <-free }()
			s, w := newSchedule(c.from + uint64(i))
			p, found, err := play(s, w, c.binary, backends[s.line])
			mu.Lock()
			defer mu.Unlock()
			results = append(results, result{s, found, err})
			enough.Store(enough.Load() || c.first && len(found) > 0)
			if c.quiet {
				return
			}
			c.tell(p, results[len(results)-1])
			if len(results)%50 == 0 {
				fmt.Fprintf(c.out, "%d of %d, %v\n", len(results), c.n, time.Since(begun).Round(time.Second))
			}
		})
	}
	group.Wait()
	return results, ctx.Err()
}
