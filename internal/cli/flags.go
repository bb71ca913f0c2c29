package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/regsweep/regsweep/internal/policy"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/registry/kinds"
)

// intro begins --help and the manual.
const intro = `Delete the container images that you no longer need from a registry, and keep the ones that you do. Run it after docker push. You say what to keep; regsweep never deletes without a keep rule.`

// examples are the command lines that --help and the manual show.
const examples = `    # Show what would be deleted. Nothing changes.
    regsweep registry.example.com/app --keep-last 5 --dry-run

    # After a push: keep this image, the 5 newest, and all of the last 14 days.
    regsweep registry.example.com/app:1574 --keep-last 5 --keep-younger-than 14d`

// variables says how the environment sets flags.
const variables = `You can set every flag in the environment: REGSWEEP_KEEP_LAST=2 is --keep-last 2 (INPUT_KEEP-LAST, INPUT_KEEP_LAST and PLUGIN_KEEP_LAST work as well). An empty variable counts as unset. Separate the items of a list with commas or newlines.`

// description is the text of regsweep --help, which kong wraps and in which an indented line stays as it is.
func description() string {
	return intro + "\n\n" + moreHelp()
}

// moreHelp are the parts that the help of the program and that of its default command share.
func moreHelp() string {
	var codes strings.Builder
	for _, e := range exits {
		code := strconv.Itoa(e.code)
		for _, line := range inLines(e.what, 80-9) {
			fmt.Fprintf(&codes, "    %-3s  %s\n", code, line)
			code = ""
		}
	}
	return "Examples:\n\n" + examples + "\n\n" + variables + "\n\nExit codes:\n\n" + codes.String()
}

// inLines breaks a text between words into lines of at most so many characters: kong leaves an indented line as it is.
func inLines(text string, width int) []string {
	lines := []string{""}
	for word := range strings.FieldsSeq(text) {
		last := &lines[len(lines)-1]
		switch {
		case *last == "":
			*last = word
		case len(*last)+1+len(word) > width:
			lines = append(lines, word)
		default:
			*last += " " + word
		}
	}
	return lines
}

// Help is the part of regsweep prune --help below its first sentence.
func (*pruneCommand) Help() string { return moreHelp() }

// commandLine is the command line.
type commandLine struct {
	Version kong.VersionFlag `help:"Print the version and exit."`
	Prune   pruneCommand     `cmd:"" default:"withargs" help:"Delete the images of a repository that no rule keeps. This is the default command."`
	Check   checkCommand     `cmd:"" help:"Show what a registry and this login can do, and whether a prune would work. Changes nothing."`
	Rank    rankCommand      `cmd:"" help:"Show which repositories of a registry use the most space. Changes nothing."`
	GC      gcCommand        `cmd:"" name:"gc" help:"Run the registry's garbage collection: stop the registry, collect, start it, and verify every kept image."`
	Report  reportCommand    `cmd:"" help:"Merge the JSON reports of several runs into one. Sends nothing to a registry."`
	Man     manCommand       `cmd:"" hidden:"" help:"Print the manual page."`

	Completion completionCommand `cmd:"" hidden:"" help:"Print the completion script for a shell."`
}

// pruneCommand is the command line of prune.
type pruneCommand struct {
	Images []string `arg:"" optional:"" name:"image" help:"Repository to prune: host[:port]/path[:tag][@digest]. A tag or digest marks an image as just built, and regsweep keeps it. In the path, * matches repositories of the registry's catalog within one path segment, and ** matches across slashes. Default: the repository that this CI job has just pushed to."`

	policy.Rules
	Policy      string   `group:"keep" placeholder:"FILE" help:"YAML file with a policy for each repository (docs/policy.md). Flags override it. Default: .regsweep.yml in the working directory, if no flag or variable gives a keep rule."`
	Metadata    []string `group:"scope" sep:"none" placeholder:"FILE|JSON" help:"Build-tool metadata that names the images just pushed; regsweep keeps them. Reads the metadata of docker buildx, bake and imagetools, the files of kaniko, ko, Jib and podman, and the JSON of docker/metadata-action. Repeatable."`
	ProtectFile []string `group:"scope" sep:"none" placeholder:"FILE" help:"Never delete or count the images that this text names, such as the output of kubectl, a compose file, a Nomad job or a list. Repeatable; - is standard input."`

	Shard string `group:"scope" placeholder:"I/N" help:"Prune only part I of N of the repositories, for N parallel jobs. A repository's name decides its part. Default with more than one repository: what GitLab's parallel, CircleCI or Buildkite set."`

	execution
	access
	afterPrune
	gcFlags
	reporting
	ResultsDir string `group:"report" placeholder:"DIR" help:"Folder for Tekton results: the files deleted, kept, failed, planned, skipped, unreferenced-bytes, freed-bytes, report and line."`
}

// execution is how the plan of a prune is carried out.
type execution struct {
	DryRun   bool          `group:"run" help:"Report the plan and delete nothing."`
	Explain  string        `group:"run" placeholder:"IMAGE" help:"Show what speaks for and against one image, a tag or a digest, and the smallest change of the policy that would turn its verdict. Implies --dry-run."`
	Yes      bool          `group:"run" help:"Do not ask for confirmation. regsweep asks only when a person runs it at a terminal, never in CI."`
	Timeout  time.Duration `group:"run" placeholder:"TIME" help:"Stop cleanly after this long, such as 10m, and report the rest as skipped."`
	DeleteBy prune.Method  `name:"delete-by" group:"run" enum:"auto,digest,tags-first,retag,offline" default:"auto" placeholder:"METHOD" help:"How to delete. digest works on every registry that allows deletion. tags-first is many times faster on large repositories of registries that can delete a tag (distribution 3). retag is the same for distribution 2 and pushes a placeholder. offline needs --gc and removes the images from the storage while the registry is stopped for its garbage collection. auto chooses digest or tags-first, and measures where it does not know which is faster. Default: ${default}."`
	StateDir string        `group:"run" placeholder:"DIR" help:"Folder for what the next run needs: interrupted deletions, and what was read of images. Default: regsweep in the user's cache folder."`
}

// reporting is where the commands show their results.
type reporting struct {
	Output string   `group:"report" enum:"table,markdown,json,line" default:"table" placeholder:"FORMAT" help:"Format on standard output: table, markdown, json or line. Default: ${default}."`
	Color  string   `group:"report" enum:"auto,always,never" default:"auto" placeholder:"WHEN" help:"Colour the table: auto, always or never. auto does on a terminal, and heeds NO_COLOR and CLICOLOR. Default: ${default}."`
	All    bool     `group:"report" help:"Show every image in the table. Without it, long lists are cut and counted."`
	Report []string `group:"report" sep:"none" placeholder:"FILE" help:"Also write a report to FILE. The extension selects the format: .md, .html, .json, .xml (JUnit), .env (dotenv), .prom (metrics), .annotations.json (GitLab), .line or .txt. A path that ends in /, such as out/, is a folder for an HTML report. Repeatable."`
	CI     string   `group:"report" name:"ci" placeholder:"NAME" values:"github,gitea,forgejo,gitlab,jenkins,azure,buildkite,circleci,drone,woodpecker,tekton,none" help:"CI system, if detection fails: github, gitea, forgejo, gitlab, jenkins, azure, buildkite, circleci, drone, woodpecker, tekton or none."`
}

// access is how the commands connect to registries.
type access struct {
	Workers policy.Count `group:"run" placeholder:"N" help:"Maximum number of parallel requests. regsweep uses fewer when the registry slows down. Default: 128."`

	RegistryKind          kindName `group:"registry" placeholder:"KIND" values:"auto,ghcr,dockerhub,ecr,gar,acr,harbor,gitlab,quay,gitea,zot,nexus,artifactory,distribution" help:"Kind of registry: auto, ghcr, dockerhub, ecr, gar, acr, harbor, gitlab, quay, gitea, zot, nexus, artifactory or distribution (docs/registries.md). Default: auto, which tells it by the host and by the first answer."`
	Username              string   `group:"registry" placeholder:"NAME" help:"User name for the registry; overrides docker's configuration. The password comes from --password-file or REGSWEEP_PASSWORD."`
	PasswordFile          string   `group:"registry" placeholder:"FILE" help:"File with the password."`
	PlainHTTP             bool     `group:"registry" name:"plain-http" help:"Use HTTP instead of HTTPS. Not needed for registries on this machine."`
	CAFile                string   `group:"registry" name:"ca-file" placeholder:"FILE" help:"Certificates to trust in addition to the system's and those in docker's certs.d (PEM)."`
	CertFile              string   `group:"registry" placeholder:"FILE" help:"Client certificate (PEM)."`
	KeyFile               string   `group:"registry" placeholder:"FILE" help:"Key of the client certificate (PEM)."`
	InsecureSkipTLSVerify bool     `group:"registry" name:"insecure-skip-tls-verify" help:"Accept any certificate. Prefer --ca-file."`
}

// kindName is the name of a kind of registry, or auto.
type kindName string

// UnmarshalText reads a name.
func (k *kindName) UnmarshalText(text []byte) error {
	*k = kindName(text)
	return kinds.Check(string(text))
}

// groups are the headings of --help, in their order.
var groups = []kong.Group{
	{Key: "keep", Title: "What to keep:", Description: "Give at least one rule. An image stays when any rule keeps it."},
	{Key: "groups", Title: "Groups of tags:"},
	{Key: "scope", Title: "Scope:"},
	{Key: "run", Title: "Run:"},
	{Key: "registry", Title: "Registry:", Description: "Logins come from docker's and podman's configuration; see docs/credentials.md."},
	{Key: "gc", Title: "Garbage collection:", Description: "See docs/garbage-collection.md."},
	{Key: "report", Title: "Output:"},
}
