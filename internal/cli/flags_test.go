package cli

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/alecthomas/kong"

	"github.com/regsweep/regsweep/internal/ci"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
)

var update = flag.Bool("update", false, "write the tables of flags and inputs anew")

// TestREADMEListsTheFlags holds the README's table of flags to the command line that it describes.
func TestREADMEListsTheFlags(t *testing.T) {
	t.Parallel()
	holdTable(t, "README.md", "flags", flagTable(t))
}

// holdTable holds the table that a page has between two marks to what it should be.
func holdTable(t *testing.T, page, mark, want string) {
	t.Helper()
	begin, end := "<!-- "+mark+" -->\n", "<!-- /"+mark+" -->"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(text), begin)
	got, tail, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s has no %s … %s", page, begin, end)
	}
	if *update {
		if err := os.WriteFile(page, []byte(head+begin+want+end+tail), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != want {
		t.Errorf("%s has\n%s\nwant (go test . -update)\n%s", page, got, want)
	}
}

// TestHelpNamesTheSystems holds what --help says of --ci to the systems that there are.
func TestHelpNamesTheSystems(t *testing.T) {
	t.Parallel()
	parser, err := kong.New(&commandLine{}, kong.Vars{"version": ""})
	if err != nil {
		t.Fatal(err)
	}
	for _, node := range parser.Model.Children {
		for _, f := range node.Flags {
			for _, name := range ci.Names() {
				if f.Name == "ci" && !strings.Contains(f.Help, name) {
					t.Errorf("%s --ci: %s is not named", node.Name, name)
				}
			}
		}
	}
}

func flagTable(t *testing.T) string {
	t.Helper()
	parser, err := kong.New(&commandLine{}, kong.ExplicitGroups(groups), kong.Vars{"version": ""})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("| flag | meaning |\n| --- | --- |\n")
	seen := map[string]bool{} // commands share flags
	for _, node := range parser.Model.Children {
		if node.Name != "prune" { // the others' --help is short
			continue
		}
		for _, f := range node.Flags {
			if seen[f.Name] {
				continue
			}
			seen[f.Name] = true
			name := "--" + f.Name
			if !f.IsBool() {
				name += " " + f.FormatPlaceHolder()
			}
			fmt.Fprintf(&b, "| `%s` | %s |\n", strings.ReplaceAll(name, "|", "\\|"), strings.ReplaceAll(strings.ReplaceAll(f.Help, "${default}", f.Default), "|", "\\|"))
		}
	}
	return b.String()
}

// TestHelpFits holds that no line of any help is wider than a terminal of 80 columns.
func TestHelpFits(t *testing.T) {
	t.Setenv("COLUMNS", "80") // where kong looks when its output is not a terminal
	parser, err := kong.New(&commandLine{}, kong.ExplicitGroups(groups), kong.Vars{"version": ""})
	if err != nil {
		t.Fatal(err)
	}
	all := [][]string{{"--help"}}
	for _, node := range parser.Model.Children {
		all = append(all, []string{node.Name, "--help"})
	}
	if len(all) < 5 {
		t.Errorf("only %q", all)
	}
	reg := registrytest.New(t, registrytest.Options{})
	for _, args := range all {
		text := sweep(t, reg, nil, args...).stdout
		if text == "" {
			t.Errorf("%v says nothing", args)
		}
		for line := range strings.Lines(text) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 {
				t.Errorf("%v: %d columns: %s", args, n, line)
			}
		}
	}
}
