package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/regsweep/regsweep/internal/gc"
	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/policy"
	"github.com/regsweep/regsweep/internal/publish"
	"github.com/regsweep/regsweep/internal/rank"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/report"
	"github.com/regsweep/regsweep/internal/run"
)

// rankCommand is the command line of rank.
type rankCommand struct {
	Host string `arg:"" optional:"" name:"host" help:"Registry to read, as host[:port], or some of its repositories, as host[:port]/path with *. regsweep reads everything that tags lead to. It ranks repositories by own bytes: the bytes of blobs that no other repository in the ranking uses. Garbage collection frees these bytes when the repository is gone. With --gc-via, manifests without a tag count as well."`

	From   string `group:"scope" placeholder:"FILE" help:"Rank by the log of a garbage collection, such as that of registry garbage-collect --dry-run; - is standard input. The log includes manifests without a tag but no sizes, so repositories are ranked by marked manifests. With --gc-via and no host, regsweep runs that dry run itself while the registry keeps serving."`
	gcHost `group:"scope"`
	Top    policy.Count `group:"scope" default:"10" placeholder:"N" help:"Show the first N repositories; JSON always has all of them. Default: 10."`

	access
	Output string   `group:"report" enum:"table,markdown,json" default:"table" placeholder:"FORMAT" help:"Format on standard output: table, markdown or json. Default: ${default}."`
	Report []string `group:"report" sep:"none" placeholder:"FILE" help:"Also write a report to FILE. The extension selects the format: .md, .html, .json or .txt. A path that ends in /, such as out/, is a folder for an HTML report. Repeatable."`
}

// run ranks what the command line asks for and returns the exit code.
func (c *rankCommand) run(ctx context.Context, w World, console *publish.Console) (int, error) {
	sinks := publish.Sinks{Out: w.Stdout, Form: report.Form(c.Output), Console: console}
	source, err := c.source(w, console)
	if err == nil {
		sinks.Files, err = publish.OpenFiles(c.Report, report.RankingFormOf)
	}
	if err != nil {
		return 0, err
	}
	ranking := source(ctx)
	console.EndProgress()
	ranking.ExitCode = codeOfRanking(ranking)
	sayRanking(console, ranking)
	sinks.Ranking(ranking, int(c.Top))
	return ranking.ExitCode, nil
}

// source returns the function that makes the ranking. source itself finds every mistake in the input, before a report is
// opened. Errors of a registry are in the ranking.
func (c *rankCommand) source(w World, console *publish.Console) (func(context.Context) rank.Ranking, error) {
	var named []string
	for _, s := range []struct{ name, value string }{{"a host", c.Host}, {"--from", c.From}, {"--gc-via", c.Via}} {
		if s.value != "" {
			named = append(named, s.name)
		}
	}
	world := run.World{Now: w.Now, Events: teller{console, ""}.tell}
	switch {
	case len(named) == 0:
		return nil, withHint(errors.New("no registry to rank is named"),
			"name a registry, as in regsweep rank registry.example.com, or use --from FILE for the log of a garbage collection, or --gc-via for where the registry runs")
	case len(named) > 1 && c.From != "":
		return nil, withHint(fmt.Errorf("%s and %s cannot be combined", named[0], named[1]),
			"leave one of them out; the environment can also set one, as REGSWEEP_GC_VIA does")
	case c.Via != "" && c.Host == "":
		target, err := c.dryTarget(w)
		return func(ctx context.Context) rank.Ranking {
			return explained(run.RankDryRun(ctx, c.Via, target, c.options(), world))
		}, err
	case c.From != "":
		ranking, err := rankLog(c.From, w.Stdin)
		return func(context.Context) rank.Ranking { return ranking }, err
	}
	return c.ofRegistry(w, console, world)
}

// options are those of a dry run.
func (c *rankCommand) options() gc.Options {
	return gc.Options{Binary: c.Binary, Config: c.Config, Timeout: c.Timeout}
}

// dryTarget is where the dry run is run. Every error is bad input.
func (c *rankCommand) dryTarget(w World) (*gc.Target, error) {
	target, err := c.target(w, gc.TargetOptions{DryRun: true})
	if errors.Is(err, gc.ErrTarget) {
		err = withHint(err, "for example --gc-via docker://registry or ssh://user@host (docs/garbage-collection.md); a dry run stops nothing")
	}
	return target, err
}

// ofRegistry returns the function that ranks by what a registry serves, and with --gc-via by the manifests without a tag too.
func (c *rankCommand) ofRegistry(w World, console *publish.Console, world run.World) (func(context.Context) rank.Ranking, error) {
	var list run.ListUntagged
	if c.Via != "" {
		target, err := c.dryTarget(w)
		if err != nil {
			return nil, err
		}
		list = func(ctx context.Context) (gc.Listing, error) { return gc.ListUntagged(ctx, target, c.options(), nil) }
	}
	asked, err := rankable(c.Host)
	if err != nil {
		return nil, err
	}
	clients, err := c.clients(w, []oci.Repository{asked}, nil)
	if err != nil {
		return nil, err
	}
	clients.waiting = sayWaiting(console)
	world.Open = clients.of
	return func(ctx context.Context) rank.Ranking { return explained(run.Rank(ctx, c.Host, asked, list, world)) }, nil
}

// rankLog ranks by the log in a file, or in stdin for "-".
func rankLog(from string, stdin io.Reader) (rank.Ranking, error) {
	name, in := "standard input", stdin
	if from != "-" {
		file, err := os.Open(from)
		if errors.Is(err, fs.ErrNotExist) {
			return rank.Ranking{}, withHint(fmt.Errorf("--from: %w", err), gc.LogHint)
		}
		if err != nil {
			return rank.Ranking{}, fmt.Errorf("--from: %w", err)
		}
		defer file.Close()
		name, in = from, file
	}
	log, err := gc.ReadLog(in)
	if err != nil {
		return rank.Ranking{}, fmt.Errorf("--from: %s: %w", name, err)
	}
	return rank.OfLog(name, log), nil
}

// rankable reads the argument: a bare host stands for all its repositories.
func rankable(text string) (oci.Repository, error) {
	whole := text
	if _, path, has := strings.Cut(text, "/"); !has || path == "" {
		whole = strings.TrimSuffix(text, "/") + "/" + run.Everything
	}
	ref, err := oci.ParseReference(whole)
	if err == nil && (ref.Tag != "" || ref.Digest != "") {
		err = fmt.Errorf("%w: %q: rank takes whole repositories, without a tag or digest", oci.ErrReference, text)
	}
	return ref.Repository, withHint(err, "a registry is host[:port]; some of its repositories are host[:port]/path with *")
}

// explained replaces the hint of a ranking's error if there is a better one for a command that deletes nothing.
func explained(r rank.Ranking) rank.Ranking {
	if h := rankHint(r); h != "" {
		r.Err = withHint(r.Err, h)
	}
	return r
}

// rankHint returns a better hint for the error of a ranking than the error's own, or "".
func rankHint(r rank.Ranking) string {
	var answer *registry.Error
	var mediaType *registry.MediaTypeError
	err := r.Err
	switch {
	case err == nil:
	case errors.Is(err, run.ErrNoMatch):
		return "* matches any text without a slash, and ** matches any text; without a path, rank covers all repositories"
	case errors.As(err, &answer) && strings.HasSuffix(answer.URL, "/v2/_catalog") && !errors.Is(err, registry.ErrUnauthorized) && answer.Status < 500:
		return "the registry does not list its repositories for this login; on its host, " + gc.DryRunCommand + " writes a log for --from"
	case errors.As(err, &mediaType): // its own hint is about deletions
		return "--from ranks by the log of a collection, which has every manifest but no sizes: " + gc.DryRunCommand
	case errors.Is(err, registry.ErrForbidden) && !errors.Is(err, registry.ErrIntercepted):
		return "the login is valid but may not read this"
	case r.Source == rank.FromLog && report.Hint(err) == "" && !errors.Is(err, context.Canceled):
		return "set --gc-binary and --gc-config to choose what runs there, or pass a log that you made yourself to --from"
	}
	return ""
}
