package oci

import "strings"

// Matches reports whether the repository, read as a pattern, stands for a path of the catalog: "*" is any text
// without a slash, "**" any text.
func (r Repository) Matches(path string) bool {
	// reached[n] says whether the part of the pattern that was read so far matches the first n bytes of the path.
	reached := make([]bool, len(path)+1)
	reached[0] = true
	for pattern := r.Path; pattern != ""; {
		switch {
		case strings.HasPrefix(pattern, "**"):
			pattern = pattern[2:]
			for n := range len(path) {
				reached[n+1] = reached[n+1] || reached[n]
			}
		case pattern[0] == '*':
			pattern = pattern[1:]
			for n := range len(path) {
				reached[n+1] = reached[n+1] || reached[n] && path[n] != '/'
			}
		default:
			for n := len(path) - 1; n >= 0; n-- {
				reached[n+1] = reached[n] && path[n] == pattern[0]
			}
			reached[0] = false
			pattern = pattern[1:]
		}
	}
	return reached[len(path)]
}
