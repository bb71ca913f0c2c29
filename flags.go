package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/alecthomas/kong"

	"github.com/regsweep/regsweep/internal/retain"
)

const description = `The step after docker push: keep the images a repository needs, delete the rest from the registry, and say why.

Every flag can be given as environment: REGSWEEP_KEEP_LAST=2 for --keep-last 2 (then INPUT_KEEP-LAST, INPUT_KEEP_LAST and PLUGIN_KEEP_LAST). An empty variable is an unset one. Lists are separated by commas or newlines.`

// cli is the command line.
type cli struct {
	Version kong.VersionFlag `help:"Print the version and exit."`
	Prune   pruneCommand     `cmd:"" default:"withargs" help:"Keep the images a repository needs and delete the rest. This is the default command."`
}

// pruneCommand is the command line of prune.
type pruneCommand struct {
	Images []string `arg:"" optional:"" name:"image" help:"What to prune: host[:port]/path[:tag][@digest]. A tag or digest marks it as just built. A * in the path stands for the repositories of the catalog that fit, ** crosses slashes. Without any, the repository that the CI has just built."`

	KeepLast        count      `group:"keep" placeholder:"N" help:"Keep the newest N images. An image is a digest: five tags on one image count once."`
	KeepYoungerThan retain.Age `group:"keep" placeholder:"AGE" help:"Keep images younger than this, counted from now: 90m, 12h, 14d, 6w, 3mo, 1y."`

	KeepHourly  count           `group:"keep" placeholder:"N" help:"Keep the newest image of each of the last N hours that have any (UTC)."`
	KeepDaily   count           `group:"keep" placeholder:"N" help:"The same for days."`
	KeepWeekly  count           `group:"keep" placeholder:"N" help:"The same for ISO weeks."`
	KeepMonthly count           `group:"keep" placeholder:"N" help:"The same for months."`
	KeepYearly  count           `group:"keep" placeholder:"N" help:"The same for years."`
	KeepSemver  retain.Versions `group:"keep" placeholder:"N" help:"Keep the N highest versions; N/major or N/minor: of each major or minor line. Pre-releases come below releases."`

	GroupBy      retain.Grouping `group:"groups" placeholder:"RE" help:"Anchored regular expression whose capture groups name the group of a tag, such as ^(.+)-[0-9a-f]{7,}$ for its branch. The keep rules then apply to each group by itself."`
	ExpireGroups retain.Age      `group:"groups" placeholder:"AGE" help:"Give up groups that saw no new image for this long: no keep rule holds in them."`

	Tags    []string `group:"scope" sep:"none" placeholder:"GLOB" help:"Look at these tags only. Others are never deleted nor counted, and protect the images that they share. A glob matches the whole tag; re: begins a regular expression, anchored at both ends, up to the end of its line."`
	Protect []string `group:"scope" sep:"none" placeholder:"GLOB" help:"Never delete nor count these tags (default: latest)."`
	Sort    string   `group:"scope" enum:"created,semver,name" default:"created" placeholder:"ORDER" help:"What newest means: created (build date), semver (version of the tag) or name (natural order: b9 before b10). Default: ${default}."`
	Undated string   `group:"scope" enum:"keep,oldest" default:"keep" placeholder:"HOW" help:"What to do with images without a usable date (missing, 1970, 1980, in the future): keep them, or treat them as oldest. Default: ${default}."`

	DryRun    bool          `group:"run" help:"Plan and report, delete nothing."`
	MaxDelete retain.Limit  `group:"run" placeholder:"N|P%" help:"Delete nothing, report the plan and exit with 3 when a repository would lose more images than this."`
	Timeout   time.Duration `group:"run" placeholder:"TIME" help:"Stop cleanly after this long, such as 10m, and report the rest as skipped."`
	Workers   count         `group:"run" placeholder:"N" help:"Upper bound of parallel deletions (default: 8) and reads (twice as many)."`

	Username              string `group:"registry" placeholder:"NAME" help:"User name, for a registry that docker's configuration has no login for. The password comes from --password-file or REGSWEEP_PASSWORD."`
	PasswordFile          string `group:"registry" placeholder:"FILE" help:"File with the password."`
	PlainHTTP             bool   `group:"registry" name:"plain-http" help:"Speak http. Registries on this machine need no flag."`
	CAFile                string `group:"registry" name:"ca-file" placeholder:"FILE" help:"Certificates to trust beside the system's and those of docker's certs.d (PEM)."`
	CertFile              string `group:"registry" placeholder:"FILE" help:"Client certificate (PEM)."`
	KeyFile               string `group:"registry" placeholder:"FILE" help:"Key of the client certificate (PEM)."`
	InsecureSkipTLSVerify bool   `group:"registry" name:"insecure-skip-tls-verify" help:"Trust any certificate."`

	Output string   `group:"report" enum:"table,markdown,json" default:"table" placeholder:"FORM" help:"What goes to standard output: table, markdown or json. Default: ${default}."`
	Report []string `group:"report" sep:"none" placeholder:"FILE" help:"Write a report as well; the ending picks the form: .md, .json or .txt. Repeatable."`
	CI     string   `group:"report" name:"ci" placeholder:"NAME" help:"The CI system, when it is not to be detected: github, gitea, forgejo, gitlab, jenkins or none."`
}

// groups are the headings of --help.
var groups = []kong.Group{
	{Key: "keep", Title: "What to keep (at least one; an image that any of them keeps stays):"},
	{Key: "groups", Title: "Branches and the like:"},
	{Key: "scope", Title: "What it is about:"},
	{Key: "run", Title: "How far to go:"},
	{Key: "registry", Title: "Reaching the registry (docker's configuration and credential helpers come first):"},
	{Key: "report", Title: "Reporting:"},
}

// count is a whole number of at least one; its zero value means that none was given.
type count int

// UnmarshalText reads a count. Zero is an error, because tools differ in whether it means none or all.
func (c *count) UnmarshalText(text []byte) error {
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 1 {
		return fmt.Errorf("%q is not a whole number of at least 1", text)
	}
	*c = count(n)
	return nil
}

// policy reads the retention policy from the flags.
func (c *pruneCommand) policy() (retain.Policy, error) {
	p := retain.Policy{
		KeepLast: int(c.KeepLast), KeepYoungerThan: c.KeepYoungerThan,
		KeepHourly: int(c.KeepHourly), KeepDaily: int(c.KeepDaily), KeepWeekly: int(c.KeepWeekly),
		KeepMonthly: int(c.KeepMonthly), KeepYearly: int(c.KeepYearly), KeepSemver: c.KeepSemver,
		GroupBy: c.GroupBy, ExpireGroups: c.ExpireGroups,
		Sort: retain.Sort(c.Sort), Undated: retain.Undated(c.Undated), MaxDelete: c.MaxDelete,
	}
	var err error
	if p.Tags, err = retain.ParsePatterns(c.Tags...); err != nil {
		return p, fmt.Errorf("--tags: %w", err)
	}
	if p.Protect, err = retain.ParsePatterns(c.Protect...); err != nil {
		return p, fmt.Errorf("--protect: %w", err)
	}
	if len(p.Protect) == 0 {
		latest, err := retain.ParsePattern("latest")
		if err != nil {
			return p, err
		}
		p.Protect = []retain.Pattern{latest.Implicit()}
	}
	return p, p.Validate()
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
