// Package policy decides which retention policy each repository has. It makes the policies from the flags and from the
// entries of a policy file.
package policy

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/regsweep/regsweep/internal/inuse"
	"github.com/regsweep/regsweep/internal/live"
	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/retain"
)

// Policies says what each repository keeps.
type Policies struct {
	file      string // "" without a policy file
	byDefault bool
	entries   []policyOf
	flags     retain.Policy // of the repositories that no entry matches
	invalid   error         // why the flags alone do not make a policy; nil without a policy file
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

// DefaultFile is the policy file of a run that names none and that no flag gives a keep rule, if the working directory has it.
const DefaultFile = ".regsweep.yml"

// Read makes the policies from the flags and from a policy file. name is "" where no file is named: then [DefaultFile] is
// read if it exists and the flags have no keep rule. inUse are the images in use, which every policy protects. readLive
// reads files with the names of what still exists, in the order given. Every error is bad input or one of readLive; an error
// in the file is a [*FileError].
func Read(flags Rules, name string, inUse []inuse.Text, readLive func(files []string) (live.Refs, error)) (Policies, error) {
	var p Policies
	policyOfRules := func(rules Rules) (retain.Policy, error) {
		policy, err := rules.Policy()
		policy.InUse = inUse
		if files := rules.live(); err == nil && len(files) > 0 {
			policy.Live, err = readLive(files)
		}
		return policy, err
	}
	p.flags, p.invalid = policyOfRules(flags)
	if name == "" && errors.Is(p.invalid, retain.ErrNoKeepRule) {
		switch _, err := os.Stat(DefaultFile); {
		case err == nil:
			name, p.byDefault = DefaultFile, true
		case !errors.Is(err, fs.ErrNotExist): // one that cannot be looked at may be there
			return p, unreadable(DefaultFile, err)
		}
	}
	p.file = name
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

// ByDefault reports whether the policies are those of a [DefaultFile] that nobody named.
func (p Policies) ByDefault() bool { return p.byDefault }

// Source says which file and line the policy of a repository is from; "the flags" where no entry matches it.
func (p Policies) Source(name oci.Repository) string {
	if n := p.entryOf(name); n >= 0 {
		return fmt.Sprintf("%s:%d", p.file, p.entries[n].at.line)
	}
	return "the flags and variables"
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
