package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strings"

	"github.com/regsweep/regsweep/internal/gc"
	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/policy"
	"github.com/regsweep/regsweep/internal/rank"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/report"
)

// rankCommand is the command line of rank.
type rankCommand struct {
	Host string `arg:"" optional:"" name:"host" help:"Which registry: host[:port], or host[:port]/path with * for some of its repositories. All that their tags lead to is read; nothing is changed. Repositories are ranked by own bytes, those of the blobs that no other one of them uses: without the repository, a garbage collection frees them."`

	From   string `group:"scope" placeholder:"FILE" help:"Rank by a garbage collection's log instead, such as that of registry garbage-collect --dry-run; - is standard input. It knows the manifests without a tag too, and no sizes: repositories are ranked by marked manifests. With --gc-via regsweep runs that dry run itself; the registry goes on serving."`
	nextTo `group:"scope"`
	Top    policy.Count `group:"scope" default:"10" placeholder:"N" help:"Show the first N repositories (default: 10). JSON has all."`

	access
	Output string   `group:"report" enum:"table,markdown,json" default:"table" placeholder:"FORM" help:"What goes to standard output: table, markdown or json. Default: ${default}."`
	Report []string `group:"report" sep:"none" placeholder:"FILE" help:"Write a report as well; the ending picks the form: .md, .html, .json or .txt. Repeatable."`
}

// run ranks what the command line asks for and returns the exit code.
func (c *rankCommand) run(ctx context.Context, p process, say talk) int {
	source, err := c.source(p, say)
	var outputs []output
	if err == nil {
		outputs, err = openOutputs(c.Report, report.RankingFormOf)
	}
	if err != nil {
		return badInput(p, say, err, rankHint(err))
	}
	return c.publish(source(ctx), outputs, p, say)
}

// errNothingToRank and errTwoToRank are returned for a command line that names no source, or more than one.
var (
	errNothingToRank = errors.New("nothing to rank is named")
	errTwoToRank     = errors.New("two things to rank")
)

// source returns what makes the ranking. Whatever is wrong with the input is found here, before a report is opened; what
// goes wrong with a registry is said, and is in the ranking's exit code.
func (c *rankCommand) source(p process, say talk) (func(context.Context) rank.Ranking, error) {
	var named []string
	for _, s := range []struct{ name, value string }{{"a host", c.Host}, {"--from", c.From}, {"--gc-via", c.Via}} {
		if s.value != "" {
			named = append(named, s.name)
		}
	}
	switch {
	case len(named) == 0:
		return nil, errNothingToRank
	case len(named) > 1:
		return nil, fmt.Errorf("%s and %s are %w", named[0], named[1], errTwoToRank)
	case c.Via != "":
		return c.dryRun(p, say)
	case c.From != "":
		ranking, err := rankLog(c.From, p.stdin)
		return func(context.Context) rank.Ranking { return ranking }, err
	}
	asked, err := rankable(c.Host)
	if err != nil {
		return nil, err
	}
	clients, err := c.clients(p.getenv, []oci.Repository{asked}, nil)
	if err != nil {
		return nil, err
	}
	s := &survey{host: c.Host, asked: asked, clients: clients, say: say, now: p.now, progress: newProgress(p, "repositories")}
	return s.rank, nil
}

// rankLog ranks by the log in a file, or in stdin for "-".
func rankLog(from string, stdin io.Reader) (rank.Ranking, error) {
	name, in := "standard input", stdin
	if from != "-" {
		file, err := os.Open(from)
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

// everything is the pattern that all repositories of a registry fit.
const everything = "**"

// rankable reads the argument: a bare host stands for all its repositories.
func rankable(text string) (oci.Repository, error) {
	whole := text
	if _, path, has := strings.Cut(text, "/"); !has || path == "" {
		whole = strings.TrimSuffix(text, "/") + "/" + everything
	}
	ref, err := oci.ParseReference(whole)
	if err != nil {
		return oci.Repository{}, err
	}
	if ref.Tag != "" || ref.Digest != "" {
		return oci.Repository{}, fmt.Errorf("%w: %q: whole repositories are ranked, without a tag or digest", oci.ErrReference, text)
	}
	return ref.Repository, nil
}

// publish writes the reports and returns the exit code.
func (c *rankCommand) publish(r rank.Ranking, outputs []output, p process, say talk) int {
	for _, o := range outputs {
		err := o.write(func(w io.Writer) error {
			return report.WriteRanking(w, o.form, r, report.RankingOptions{Top: int(c.Top)})
		})
		if err != nil {
			say.warningf("--report: %v", err)
		}
	}
	form := report.Form(c.Output)
	if err := report.WriteRanking(p.stdout, form, r, report.RankingOptions{Top: int(c.Top), Width: terminalWidth(p.stdout)}); err != nil {
		say.warningf("%v", err)
	}
	return r.ExitCode
}

// rankHint returns what helps against an error of rank, or "".
func rankHint(err error) string {
	const dryRun = "registry garbage-collect --dry-run CONFIG > gc.log"
	var log *gc.LogError
	var answer *registry.Error
	var mediaType *registry.MediaTypeError
	switch {
	case errors.Is(err, errNothingToRank):
		return "name a registry, as in regsweep rank registry.example.com, a garbage collection's log by --from FILE, or where the registry runs by --gc-via"
	case errors.Is(err, errTwoToRank):
		return "leave one of them out; the environment can name one too, as REGSWEEP_GC_VIA does"
	case errors.Is(err, gc.ErrTarget):
		return "for example --gc-via docker://registry or ssh://user@host (docs/garbage-collection.md); nothing is stopped for a dry run"
	case errors.As(err, &log), errors.Is(err, fs.ErrNotExist) && strings.HasPrefix(err.Error(), "--from"):
		return "--from wants all that the collection prints: " + dryRun
	case errors.Is(err, oci.ErrReference):
		return "a registry is host[:port], some of its repositories host[:port]/path with * in it"
	case errors.Is(err, errNoMatch):
		return "* is any text without a slash, ** any text; without a path all repositories are ranked"
	case errors.As(err, &answer) && strings.HasSuffix(answer.URL, "/v2/_catalog") && answer.Status != http.StatusUnauthorized && answer.Status < 500:
		return "the registry does not list its repositories to this login; next to it, " + dryRun + " makes a log for --from"
	case errors.As(err, &mediaType): // prune's hint is about deletions
		return "--from ranks by a collection's log, which knows no sizes and every manifest: " + dryRun
	case errors.As(err, &answer) && answer.Status == http.StatusForbidden:
		return "the login is known but may not read this"
	}
	return hint(err)
}
