package main

import (
	"maps"
	"slices"
	"time"

	"github.com/alecthomas/kong"

	"github.com/regsweep/regsweep/internal/prune"
)

const description = `The step after docker push: keep the images a repository needs, delete the rest from the registry, and say why.

Every flag can be given as environment: REGSWEEP_KEEP_LAST=2 for --keep-last 2 (then INPUT_KEEP-LAST, INPUT_KEEP_LAST and PLUGIN_KEEP_LAST). An empty variable is an unset one. Lists are separated by commas or newlines.`

// cli is the command line.
type cli struct {
	Version kong.VersionFlag `help:"Print the version and exit."`
	Prune   pruneCommand     `cmd:"" default:"withargs" help:"Keep the images a repository needs and delete the rest. This is the default command."`
	Rank    rankCommand      `cmd:"" help:"Show which repositories of a registry hold the most."`
	GC      gcCommand        `cmd:"" name:"gc" help:"Have the registry collect its garbage: stop it, collect, start it, and see that all is still there."`
	Report  reportCommand    `cmd:"" help:"Make one report of the JSON reports of several runs, such as parallel jobs. Nothing is sent to a registry."`
	Man     manCommand       `cmd:"" hidden:"" help:"Print the manual page."`

	Completion completionCommand `cmd:"" hidden:"" help:"Print the script that completes the command line in a shell."`
}

// pruneCommand is the command line of prune.
type pruneCommand struct {
	Images []string `arg:"" optional:"" name:"image" help:"What to prune: host[:port]/path[:tag][@digest]. A tag or digest marks it as just built. A * in the path stands for the repositories of the catalog that fit, ** crosses slashes. Without any, the repository that the CI has just built."`

	Metadata []string `group:"scope" sep:"none" placeholder:"FILE|JSON" help:"What a build tool wrote about the images that it pushed, which are just built: the metadata of docker buildx, bake and imagetools, the files of kaniko, ko, Jib and podman, the JSON of docker/metadata-action. Repeatable."`
	retention
	Policy      string   `group:"keep" placeholder:"FILE" help:"YAML file with a policy for each repository, see docs/policy.md. Flags go before its keys."`
	ProtectFile []string `group:"scope" sep:"none" placeholder:"FILE" help:"Never delete nor count the images that this text names: what kubectl prints, a compose file, a Nomad job, any list. Repeatable; - is standard input."`

	Shard    string        `group:"scope" placeholder:"I/N" help:"This is job I of N that run side by side: of the repositories, prune those that belong to it. Each belongs to one, whatever their order. Default for more than one repository: what GitLab's parallel, CircleCI and Buildkite say."`
	DryRun   bool          `group:"run" help:"Plan and report, delete nothing."`
	Timeout  time.Duration `group:"run" placeholder:"TIME" help:"Stop cleanly after this long, such as 10m, and report the rest as skipped."`
	DeleteBy prune.Method  `name:"delete-by" group:"run" enum:"auto,digest,tags-first,retag" default:"auto" placeholder:"WAY" help:"How to delete: digest is understood everywhere; tags-first is many times faster on large repositories and needs a registry that removes tags (distribution 3); retag is the same for distribution 2, and pushes a placeholder; auto asks the registry and takes digest or tags-first. Default: ${default}."`
	StateDir string        `group:"run" placeholder:"DIR" help:"Folder for what the next run should know: deletions that were cut short, and what was read of images (default: regsweep in the user's cache folder)."`

	access
	afterPrune
	collection
	reporting
	ResultsDir string `group:"report" placeholder:"DIR" help:"Write the files deleted, kept, failed, unreferenced-bytes, freed-bytes, report and line into this folder, as Tekton's tasks hand on results."`
}

// reporting is where the commands say what was done.
type reporting struct {
	Output string   `group:"report" enum:"table,markdown,json,line" default:"table" placeholder:"FORM" help:"What goes to standard output: table, markdown, json or line. Default: ${default}."`
	Report []string `group:"report" sep:"none" placeholder:"FILE" help:"Write a report as well; the ending picks the form: .md, .html, .json, .xml (JUnit), .env (dotenv), .prom (metrics), .annotations.json (GitLab), .line or .txt. Repeatable."`
	CI     string   `group:"report" name:"ci" placeholder:"NAME" values:"github,gitea,forgejo,gitlab,jenkins,azure,buildkite,circleci,drone,woodpecker,tekton,none" help:"The CI system, when it is not to be detected: github, gitea, forgejo, gitlab, jenkins, azure, buildkite, circleci, drone, woodpecker, tekton or none."`
}

// access is how the commands reach registries.
type access struct {
	Workers count `group:"run" placeholder:"N" help:"Upper bound of parallel requests (default: 128). The tool adapts to the registry below it."`

	Username              string `group:"registry" placeholder:"NAME" help:"User name, for a registry that docker's configuration has no login for. The password comes from --password-file or REGSWEEP_PASSWORD."`
	PasswordFile          string `group:"registry" placeholder:"FILE" help:"File with the password."`
	PlainHTTP             bool   `group:"registry" name:"plain-http" help:"Speak http. Registries on this machine need no flag."`
	CAFile                string `group:"registry" name:"ca-file" placeholder:"FILE" help:"Certificates to trust beside the system's and those of docker's certs.d (PEM)."`
	CertFile              string `group:"registry" placeholder:"FILE" help:"Client certificate (PEM)."`
	KeyFile               string `group:"registry" placeholder:"FILE" help:"Key of the client certificate (PEM)."`
	InsecureSkipTLSVerify bool   `group:"registry" name:"insecure-skip-tls-verify" help:"Trust any certificate."`
}

// groups are the headings of --help.
var groups = []kong.Group{
	{Key: "keep", Title: "What to keep (at least one; an image that any of them keeps stays):"},
	{Key: "groups", Title: "Branches and the like:"},
	{Key: "scope", Title: "What it is about:"},
	{Key: "run", Title: "How far to go:"},
	{Key: "registry", Title: "Reaching the registry (docker's configuration and credential helpers come first):"},
	{Key: "gc", Title: "Having the registry give the disk back (docs/garbage-collection.md):"},
	{Key: "report", Title: "Reporting:"},
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
