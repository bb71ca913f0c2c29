package cli

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/regsweep/regsweep/internal/ci"
	"github.com/regsweep/regsweep/internal/report"
	"github.com/regsweep/regsweep/internal/spelling"
)

// prefix begins the variables that are for regsweep alone.
const prefix = "REGSWEEP_"

// notOurs are names with the prefix that regsweep does not read and does not complain about: questions that only the
// command line asks, what the GitLab job and the Jenkins library hand on to themselves, and what Kubernetes sets in a pod
// next to a service that is called regsweep.
var notOurs = regexp.MustCompile(`^(HELP|VERSION|JOB_IMAGE|FILES|VALUE_[0-9]+|SERVICE_(HOST|PORT)|SERVICE_PORT_.+|PORT|PORT_[0-9]+_.+)$`)

// checkVariables returns a warning for each variable that begins as regsweep's do and sets nothing, and an error when the
// name of one is near that of a variable that does: a misspelt REGSWEEP_DRY_RUN must not delete for real. It never returns
// a value, which may be a secret.
func checkVariables(environ []string, model *kong.Application) (warnings []string, err error) {
	known := knownVariables(model)
	var wrong, meant []string
	for _, variable := range slices.Sorted(slices.Values(environ)) {
		name, value, _ := strings.Cut(variable, "=")
		rest, ours := strings.CutPrefix(name, prefix)
		if !ours || strings.TrimSpace(value) == "" || slices.Contains(known, rest) || slices.Contains(report.DotenvNames(), name) || notOurs.MatchString(rest) {
			continue
		}
		if instead := insteadOf(rest); instead != "" {
			warnings = append(warnings, "the variable "+name+" sets nothing: that flag is gone; "+instead)
		} else if n := slices.IndexFunc(known, func(k string) bool { return spelling.Near(rest, k) }); n >= 0 {
			wrong, meant = append(wrong, name), append(meant, prefix+known[n])
		} else {
			warnings = append(warnings, "the variable "+name+" sets nothing: no flag has that name")
		}
	}
	if len(wrong) > 0 {
		err = withHint(fmt.Errorf("the environment has a name that sets nothing: %s", strings.Join(wrong, ", ")),
			"did you mean "+strings.Join(meant, ", ")+"? Unset or rename a variable that is not for regsweep")
	}
	return warnings, err
}

// knownVariables are the names, without the prefix, of the variables that something reads.
func knownVariables(model *kong.Application) []string {
	out := ci.InputNames()
	nodes := append([]*kong.Node{model.Node}, model.Children...)
	for _, node := range nodes {
		for _, flag := range node.Flags {
			for _, name := range append([]string{flag.Name}, flag.Aliases...) {
				out = append(out, strings.ToUpper(strings.ReplaceAll(name, "-", "_")))
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
