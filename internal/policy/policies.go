// Package policy decides which retention policy each repository has. It makes the policies from the flags and from the
// entries of a policy file.
package policy

import (
	"errors"
	"fmt"
	"slices"

	"github.com/regsweep/regsweep/internal/inuse"
	"github.com/regsweep/regsweep/internal/live"
	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/retain"
)

// Policies says what each repository keeps.
type Policies struct {
	file    string // "" without --policy
	entries []policyOf
	flags   retain.Policy // of the repositories that no entry matches
	invalid error         // why the flags alone do not make a policy; nil without --policy
}

// policyOf is the policy of the repositories that an entry of the file matches.
type policyOf struct {
	repositories []repositoryGlob
	policy       retain.Policy
	at           position
}

func (e policyOf) matches(name oci.Repository) bool {
	return slices.ContainsFunc(e.repositories, func(g repositoryGlob) bool { return g.matches(name) })
}

// Read makes the policies from the flags and from a policy file; name is "" without a file. inUse are the images in use,
// which every policy protects. readLive reads files with the names of what still exists, in the order given. Every error is
// bad input or one of readLive; an error in the file is a [*FileError].
func Read(flags Rules, name string, inUse []inuse.Text, readLive func(files []string) (live.Refs, error)) (Policies, error) {
	p := Policies{file: name}
	policyOfRules := func(rules Rules) (retain.Policy, error) {
		policy, err := rules.Policy()
		policy.InUse = inUse
		if files := rules.live(); err == nil && len(files) > 0 {
			policy.Live, err = readLive(files)
		}
		return policy, err
	}
	p.flags, p.invalid = policyOfRules(flags)
	if name == "" || errors.Is(p.invalid, live.ErrUnusable) {
		return p, p.invalid
	}
	file, err := readFile(name)
	if err != nil {
		return p, err
	}
	for _, entry := range file.Policies {
		policy, err := policyOfRules(flags.over(entry.Rules))
		if err != nil {
			return p, &FileError{file: name, position: entry.at, err: err}
		}
		p.entries = append(p.entries, policyOf{entry.Repositories, policy, entry.at})
	}
	return p, nil
}

// Of returns the policy of a repository: that of the first entry that matches it, else that of the flags. Where there is
// neither, the error is a [*NoEntryError].
func (p Policies) Of(name oci.Repository) (retain.Policy, error) {
	if n := p.entryOf(name); n >= 0 {
		return p.entries[n].policy, nil
	}
	if p.invalid != nil {
		return retain.Policy{}, &NoEntryError{p.file, p.invalid}
	}
	return p.flags, nil
}

// String says for the head of the report where the policies are from.
func (p Policies) String() string {
	if p.file != "" {
		return "by " + p.file
	}
	return p.flags.String()
}

// NoEntryError is returned for a repository that no entry of the policy file matches.
type NoEntryError struct {
	file  string
	flags error // why the flags cannot be used instead
}

// Error says which file has no entry for the repository.
func (e *NoEntryError) Error() string {
	if errors.Is(e.flags, retain.ErrNoKeepRule) {
		return fmt.Sprintf("no entry of %s matches this repository, and the flags have no keep rule", e.file)
	}
	return fmt.Sprintf("no entry of %s matches this repository, and the flags alone are not enough: %v", e.file, e.flags)
}

// Hint says how to give the repository a policy.
func (e *NoEntryError) Hint() string {
	return `add an entry for it, or one for "**" at the end, or give a keep rule such as --keep-last 5`
}
