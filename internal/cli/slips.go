package cli

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/regsweep/regsweep/internal/spelling"
)

// asWords returns the arguments with the words help and version, which many programs take, as the flags that they mean.
func asWords(args []string, model *kong.Application) []string {
	switch {
	case len(args) == 1 && args[0] == "version":
		return []string{"--version"}
	case len(args) > 0 && args[0] == "help":
		if len(args) > 1 && slices.Contains(commands(model), args[1]) {
			return []string{args[1], "--help"}
		}
		return []string{"--help"}
	}
	return args
}

// commands are the names of the commands that --help lists.
func commands(model *kong.Application) []string {
	var out []string
	for _, c := range model.Children {
		if !c.Hidden {
			out = append(out, c.Name)
		}
	}
	return out
}

// slip looks for the common slips of a command line, for which the parser's own words do not help: a misspelt command, a
// flag with one dash, and a flag without its value. It returns nil where it finds none.
func slip(args []string, model *kong.Application) error {
	known := knownFlags(model)
	if len(args) > 0 && !strings.ContainsAny(args[0], "-/.:") {
		all := commands(model)
		if meant := spelling.Meant(args[0], all); meant != "" && meant != args[0] {
			return withHint(fmt.Errorf("no command is called %q", args[0]), "did you mean "+meant+"? The commands are "+strings.Join(all, ", "))
		}
	}
	for i := 0; i < len(args) && args[i] != "--"; i++ {
		arg := args[i]
		if oneDash.MatchString(arg) {
			return oneDashError(arg, known)
		}
		name, isFlag := strings.CutPrefix(arg, "--")
		flag := known[name]
		if !isFlag || flag == nil || flag.IsBool() { // an argument with = in it has its value
			continue
		}
		switch {
		case i+1 == len(args):
			return fmt.Errorf("--%s needs a value: --%s %s", name, name, placeholder(flag))
		case len(args[i+1]) > 1 && args[i+1][0] == '-':
			err := fmt.Errorf("--%s needs a value: --%s %s; it cannot be %q", name, name, placeholder(flag), args[i+1])
			if strings.TrimLeft(args[i+1], "-0123456789mhdwoy.") == "" {
				return withHint(err, "a number or an age has no sign")
			}
			return withHint(err, "a value that begins with a dash is written as --"+name+"=VALUE")
		}
		i++ // its value
	}
	return nil
}

// oneDash is a flag with one dash. A dash alone is standard input.
var oneDash = regexp.MustCompile(`^-[A-Za-z]`)

func oneDashError(arg string, known map[string]*kong.Flag) error {
	name, _, _ := strings.Cut(arg[1:], "=")
	switch {
	case name == "h":
		return nil
	case known[name] != nil:
		return withHint(fmt.Errorf("unknown flag %s: flags begin with two dashes", arg), "did you mean --"+arg[1:]+"?")
	case len(name) == 1 && hereCalled[name] != "":
		return withHint(fmt.Errorf("unknown flag %s", arg), "regsweep calls it "+hereCalled[name])
	case len(name) == 1:
		return withHint(fmt.Errorf("unknown flag %s", arg), "of flags with one letter there is -h alone")
	}
	return withHint(fmt.Errorf("unknown flag %s: flags begin with two dashes", arg), "regsweep --help lists the flags")
}

func placeholder(f *kong.Flag) string {
	if f.PlaceHolder != "" {
		return f.PlaceHolder
	}
	return "VALUE"
}

// knownFlags are the flags of all commands by their names.
func knownFlags(model *kong.Application) map[string]*kong.Flag {
	out := map[string]*kong.Flag{}
	for _, node := range append([]*kong.Node{model.Node}, model.Children...) {
		for _, f := range node.Flags {
			for _, name := range append([]string{f.Name}, f.Aliases...) {
				out[name] = f
			}
		}
	}
	return out
}

// hereCalled are flags of programs for the same job, and what does the same here: restic, docker, crane, deckschrubber,
// ghcr-cleanup-action, container-retention-policy, delete-package-versions, GitLab's and Harbor's policies.
var hereCalled = map[string]string{
	"n": "--dry-run, or --keep-last N", "v": "--version", "y": "--yes", "f": "--yes", "q": "--output line", "o": "--output", "p": "--policy",
	"keep-within": "--keep-younger-than", "keep-within-duration": "--keep-younger-than", "older-than": "--keep-younger-than", "min-age": "--keep-younger-than",
	"cut-off": "--keep-younger-than", "days": "--keep-younger-than 14d", "ago": "--keep-younger-than", "since": "--keep-younger-than", "max-age": "--keep-younger-than",
	"keep": "--keep-last", "keep-n": "--keep-last", "keep-n-tagged": "--keep-last", "keep-n-most-recent": "--keep-last", "min-versions-to-keep": "--keep-last",
	"latest": "--keep-last", "keep-images": "--keep-last", "num": "--keep-last", "count": "--keep-last",
	"exclude": "--protect", "exclude-tags": "--protect", "skip-tags": "--protect", "keep-tags": "--protect", "name-regex-keep": "--protect re:…", "keep-regex": "--protect re:…", "ignore": "--protect",
	"include": "--tags", "filter": "--tags", "delete-tags": "--tags", "image-tags": "--tags", "tag": "--tags", "tag-regex": "--tags re:…", "name-regex": "--tags re:…", "name-regex-delete": "--tags re:…",
	"delete-untagged": "--untagged AGE", "delete-only-untagged-versions": "--untagged AGE", "untagged-only": "--untagged AGE", "remove-untagged": "--untagged AGE", "keep-n-untagged": "--untagged AGE",
	"format": "--output", "json": "--output json", "quiet": "--output line", "silent": "--output line", "summary": "--report x.md",
	"verbose": "--report x.json, which has the reason for each image", "debug": "--report x.json, which has the reason for each image",
	"repo": "an argument without a flag", "repository": "an argument without a flag", "repos": "an argument without a flag", "image": "an argument without a flag", "images": "an argument without a flag",
	"registry": "the beginning of the argument", "registry-url": "the beginning of the argument", "package-name": "an argument without a flag",
	"user": "--username", "login": "--username", "token": "--password-file", "password-stdin": "--password-file -",
	"force": "--yes", "assume-yes": "--yes", "no-confirm": "--yes", "simulate": "--dry-run", "noop": "--dry-run", "what-if": "--dry-run", "check": "--dry-run, or the command check",
	"insecure": "--plain-http, or --insecure-skip-tls-verify", "tls-verify": "--insecure-skip-tls-verify", "cacert": "--ca-file", "tlscacert": "--ca-file",
	"concurrency": "--workers", "parallel": "--workers", "jobs": "--workers", "threads": "--workers", "concurrency-limit": "--workers",
	"config": "--policy", "rules": "--policy", "group": "--group-by", "prune": "--gc", "garbage-collect": "--gc",
}

// unknownFlag is what the parser says of a flag that it does not know.
var unknownFlag = regexp.MustCompile(`^unknown flag --([a-z0-9-]+)`)

// explainUnknown adds to an error about an unknown flag what does the same here. A near name, which the parser has found,
// comes first.
func explainUnknown(err error) error {
	var parse *kong.ParseError
	if !errors.As(err, &parse) {
		return err
	}
	m := unknownFlag.FindStringSubmatch(err.Error())
	switch {
	case m == nil:
		return err
	case m[1] == "password":
		return withHint(errors.New("unknown flag --password: an argument is visible to others on the machine"), "use --password-file FILE or the variable REGSWEEP_PASSWORD")
	case hereCalled[m[1]] != "" && !strings.Contains(err.Error(), "did you mean"):
		return withHint(err, "regsweep calls it "+hereCalled[m[1]])
	}
	return err
}
