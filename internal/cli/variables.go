package cli

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/regsweep/regsweep/internal/ci"
	"github.com/regsweep/regsweep/internal/report"
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
		} else if n := slices.IndexFunc(known, func(k string) bool { return near(rest, k) }); n >= 0 {
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
			out = append(out, strings.ToUpper(strings.ReplaceAll(flag.Name, "-", "_")))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// near reports whether a name is another one with a slip or two in it, where underscores do not count.
func near(name, other string) bool {
	name, other = strings.ReplaceAll(name, "_", ""), strings.ReplaceAll(other, "_", "")
	slips := 2
	if min(len(name), len(other)) < 6 {
		slips = 1
	}
	return distance(name, other) <= slips
}

// distance is how many letters have to be put in, taken out, changed or swapped with their neighbour to make one text of
// another (the optimal string alignment distance).
func distance(a, b string) int {
	row := make([][]int, len(a)+1)
	for i := range row {
		row[i] = make([]int, len(b)+1)
		row[i][0] = i
	}
	for j := range row[0] {
		row[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			changed := row[i-1][j-1]
			if a[i-1] != b[j-1] {
				changed++
			}
			row[i][j] = min(row[i-1][j]+1, row[i][j-1]+1, changed)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[i][j] = min(row[i][j], row[i-2][j-2]+1)
			}
		}
	}
	return row[len(a)][len(b)]
}
