package oci

import (
	"regexp"
	"strings"
)

// Matches reports whether the repository, read as a pattern, stands for a path of the catalog: "*" is any text
// without a slash, "**" any text.
func (r Repository) Matches(path string) bool {
	const all, one = "\x00", "\x01"
	expr := strings.NewReplacer("**", all, "*", one).Replace(r.Path)
	expr = strings.NewReplacer(all, ".*", one, "[^/]*").Replace(regexp.QuoteMeta(expr))
	return regexp.MustCompile("^" + expr + "$").MatchString(path)
}
