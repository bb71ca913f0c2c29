package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

var update = flag.Bool("update", false, "write the flags into the README anew")

// TestREADMEListsTheFlags holds the README's table of flags to the command line that it describes.
func TestREADMEListsTheFlags(t *testing.T) {
	t.Parallel()
	const begin, end = "<!-- flags -->\n", "<!-- /flags -->"
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(text), begin)
	got, tail, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("README.md has no %s … %s", begin, end)
	}
	want := flagTable(t)
	if *update {
		if err := os.WriteFile("README.md", []byte(head+begin+want+end+tail), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != want {
		t.Errorf("README.md has\n%s\nthe flags are\n%s", got, want)
	}
}

func flagTable(t *testing.T) string {
	t.Helper()
	parser, err := kong.New(&cli{}, kong.ExplicitGroups(groups), kong.Vars{"version": ""})
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

// TestActionHasAnInputForEachFlag holds action.yml to the command line.
func TestActionHasAnInputForEachFlag(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("action.yml")
	if err != nil {
		t.Fatal(err)
	}
	parser, err := kong.New(&cli{}, kong.Vars{"version": ""})
	if err != nil {
		t.Fatal(err)
	}
	for _, node := range parser.Model.Children {
		if node.Name != "prune" { // that is the step
			continue
		}
		for _, f := range node.Flags {
			name := "REGSWEEP_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_")) + ": ${{ inputs."
			switch f.Name {
			case "password-file", "ci", "results-dir": // a workflow has the input password, its outputs, and is in the CI that it is in
			case "gc-break-lock", "gc-delete-untagged-destroys-multi-arch-images": // for a person who has looked
			default:
				if !strings.Contains(string(text), name) {
					t.Errorf("no input sets --%s", f.Name)
				}
			}
		}
	}
}
