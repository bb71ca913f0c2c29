package gc

import (
	"regexp"
	"strings"
)

// plain are the words that a POSIX shell takes as they are.
var plain = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// quote writes an argument list so that a POSIX shell reads back exactly that list. ssh needs it: it joins its arguments
// and hands them to the login shell on the other side (ssh(1)). In single quotes nothing is special but the single
// quote itself (POSIX.1-2017, XCU 2.2.2).
func quote(args []string) string {
	out := make([]string, len(args))
	for i, a := range args {
		if out[i] = a; !plain.MatchString(a) {
			out[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
	}
	return strings.Join(out, " ")
}
