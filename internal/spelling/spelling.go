// Package spelling finds the name that somebody meant who has written another one. It is pure.
package spelling

import "strings"

// joined leaves out what joins the words of a name.
var joined = strings.NewReplacer("_", "", "-", "")

// Meant returns the known name that is nearest to a name with a slip or two in it; "" when none is near.
func Meant(name string, known []string) string {
	best, slips := "", 0
	for _, k := range known {
		if n := distance(joined.Replace(name), joined.Replace(k)); Near(name, k) && (best == "" || n < slips) {
			best, slips = k, n
		}
	}
	return best
}

// Near reports whether a name is another one with a slip or two in it, where underscores and dashes do not count. Both are
// compared as they are written: a caller that ignores case lowers them first.
func Near(name, other string) bool {
	name, other = joined.Replace(name), joined.Replace(other)
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
