package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/regsweep/regsweep/internal/publish"
)

// manCommand prints the manual page, which is made from the command line itself: regsweep man | man -l -
type manCommand struct{}

// run writes the page and returns the exit code.
func (*manCommand) run(_ context.Context, w World, _ *publish.Console) (int, error) {
	parser, err := newParser(&commandLine{}, w)
	if err == nil {
		_, err = io.WriteString(w.Stdout, manual(parser.Model, w.version()))
	}
	if err != nil {
		err = fmt.Errorf("write the manual page: %w", err)
	}
	return 0, err
}

// page is a manual page in the macros of man(7).
type page struct{ strings.Builder }

// macro writes a line with a request and its quoted arguments.
func (p *page) macro(request string, arguments ...string) {
	p.WriteString("." + request)
	for _, a := range arguments {
		fmt.Fprintf(p, " \"%s\"", roff(a))
	}
	p.WriteString("\n")
}

// text writes a paragraph.
func (p *page) text(text string) { p.WriteString(roff(text) + "\n") }

// item writes an entry of a list: what it is about in bold, an argument in italics, and what it means.
func (p *page) item(name, argument, text string) {
	p.macro("TP")
	if argument == "" {
		p.macro("B", name)
	} else {
		fmt.Fprintf(p, ".BI \"%s \" \"%s\"\n", roff(name), roff(argument))
	}
	p.text(text)
}

// manual returns the page: the sections of --help in their order, and what is in no help text.
func manual(app *kong.Application, version string) string {
	p := &page{}
	p.macro("TH", "REGSWEEP", "1", "", "regsweep "+version, "User Commands")
	p.WriteString(".ad l\n")
	p.macro("SH", "NAME")
	p.text("regsweep - delete the images of a registry that no rule keeps")
	p.macro("SH", "SYNOPSIS")
	for _, c := range app.Children {
		if !c.Hidden {
			p.macro("B", "regsweep "+c.Name)
			p.text(arguments(c) + " [flags]")
			p.macro("br")
		}
	}
	p.macro("SH", "DESCRIPTION")
	p.text(intro)
	p.macro("SH", "EXAMPLES")
	for line := range strings.Lines(examples) {
		switch line = strings.TrimSpace(line); {
		case strings.HasPrefix(line, "# "):
			p.macro("TP")
			p.text(strings.TrimPrefix(line, "# "))
		case line != "":
			p.macro("B", line)
		}
	}
	p.macro("SH", "ENVIRONMENT")
	p.text(variables)
	for _, v := range environmentVariables {
		p.item(v.name, "", v.what)
	}
	p.macro("SH", "EXIT STATUS")
	for _, e := range exits {
		p.item(fmt.Sprint(e.code), "", e.what)
	}
	for _, c := range app.Children {
		if !c.Hidden {
			p.command(c)
		}
	}
	p.macro("SH", "FILES")
	for _, f := range files {
		p.item(f.name, "", f.what)
	}
	p.macro("SH", "SEE ALSO")
	p.text("https://github.com/regsweep/regsweep")
	return p.String()
}

// command writes the section of one command: its arguments, then its flags under the headings of --help.
func (p *page) command(c *kong.Node) {
	p.macro("SH", strings.ToUpper("regsweep "+c.Name))
	p.text(c.Help)
	for _, a := range c.Positional {
		p.macro("TP")
		p.macro("I", a.Name)
		p.text(a.Help)
	}
	for _, g := range groups {
		begun := false
		for _, f := range c.Flags {
			if f.Hidden || f.Group == nil || f.Group.Key != g.Key {
				continue
			}
			if !begun {
				p.macro("SS", strings.TrimSuffix(g.Title, ":"))
				if g.Description != "" {
					p.text(g.Description)
				}
				begun = true
			}
			argument := ""
			if !f.IsBool() {
				argument = f.FormatPlaceHolder()
			}
			p.item("--"+f.Name, argument, f.Help)
		}
	}
}

// named is an entry of a list.
type named struct{ name, what string }

// environmentVariables are those that belong to no flag. docs/ci has a CI system's own ones.
var environmentVariables = []named{
	{"REGSWEEP_PASSWORD", "The password for --username. There is no flag for it, because other users can read the arguments of a process."},
	{"REGSWEEP_IMAGES, REGSWEEP_PUSHED, REGSWEEP_DIGEST", "The images that this pipeline has just pushed; regsweep keeps them."},
	{"REGSWEEP_REGISTRY", "The registry of names without a host, and the only one that gets the password."},
	{"DOCKER_CONFIG, REGISTRY_AUTH_FILE, XDG_RUNTIME_DIR", "Where the logins of docker and podman are; see FILES."},
	{"XDG_CACHE_HOME", "The folder of the default of --state-dir."},
	{"GOGC, GOMEMLIMIT", "Memory limits of the Go runtime. They replace those that regsweep sets."},
}

// files are what regsweep reads and writes besides what flags name.
var files = []named{
	{"$DOCKER_CONFIG/config.json, ~/.docker/config.json", "Logins and credential helpers of docker."},
	{"$REGISTRY_AUTH_FILE, $XDG_RUNTIME_DIR/containers/auth.json", "Logins of podman, skopeo and buildah."},
	{"/etc/docker/certs.d/HOST, ~/.config/docker/certs.d/HOST", "Certificates for one registry, as docker reads them."},
	{"~/.cache/regsweep", "The default of --state-dir: interrupted deletions, and what was read of images."},
}

// arguments are the positional arguments of a command.
func arguments(c *kong.Node) string {
	var out []string
	for _, a := range c.Positional {
		out = append(out, a.Summary())
	}
	return strings.Join(out, " ")
}

// roff escapes text for a line of its own, or for a quoted argument of a macro: nothing in it is a request.
func roff(text string) string {
	var b strings.Builder
	for _, r := range strings.Join(strings.Fields(text), " ") {
		switch {
		case r == '\\':
			b.WriteString(`\e`)
		case r == '-':
			b.WriteString(`\-`)
		case r == '"':
			b.WriteString(`\(dq`)
		case r > '~':
			fmt.Fprintf(&b, `\[u%04X]`, r)
		default:
			b.WriteRune(r)
		}
	}
	if out := b.String(); strings.HasPrefix(out, ".") || strings.HasPrefix(out, "'") {
		return `\&` + out
	}
	return b.String()
}
