package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/retain"
)

// policies says what each repository keeps.
type policies struct {
	file    string // "" without --policy
	entries []policyOf
	flags   retain.Policy // of the repositories that no entry matches
	invalid error         // why the flags alone are no policy; nil without --policy
}

// policyOf is the policy of the repositories that an entry of the file matches.
type policyOf struct {
	repositories []repositoryGlob
	policy       retain.Policy
}

// policies reads what repositories keep, from the flags and the file of --policy.
func (c *pruneCommand) policies() (policies, error) {
	p := policies{file: c.Policy}
	p.flags, p.invalid = c.retention.policy()
	if c.Policy == "" {
		return p, p.invalid
	}
	file, err := readPolicyFile(c.Policy)
	if err != nil {
		return p, err
	}
	for _, entry := range file.Policies {
		policy, err := c.retention.over(entry.retention).policy()
		if err != nil {
			return p, &policyFileError{file: c.Policy, position: entry.at, err: err}
		}
		p.entries = append(p.entries, policyOf{entry.Repositories, policy})
	}
	return p, nil
}

// of returns the policy of a repository: that of the first entry that matches it, else that of the flags.
func (p policies) of(name oci.Repository) (retain.Policy, error) {
	for _, entry := range p.entries {
		if slices.ContainsFunc(entry.repositories, func(g repositoryGlob) bool { return g.matches(name) }) {
			return entry.policy, nil
		}
	}
	if p.invalid != nil {
		return retain.Policy{}, &noPolicyError{p.file, p.invalid}
	}
	return p.flags, nil
}

// String says for the head of the report where the policies are from.
func (p policies) String() string {
	if p.file != "" {
		return "by " + p.file
	}
	return p.flags.String()
}

// noPolicyError is returned for a repository that no entry of the policy file matches.
type noPolicyError struct {
	file  string
	flags error // why the flags do not stand in
}

func (e *noPolicyError) Error() string {
	if errors.Is(e.flags, retain.ErrNoKeepRule) {
		return fmt.Sprintf("no entry of %s is for this repository, and the flags have no keep rule", e.file)
	}
	return fmt.Sprintf("no entry of %s is for this repository, and the flags alone do not do: %v", e.file, e.flags)
}
