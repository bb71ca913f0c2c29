package retain

import (
	"fmt"
	"strconv"
	"strings"
)

// Limit is an upper bound of deletions: a number of images, or a percentage of the repository's images.
type Limit struct {
	n       int
	percent bool
	set     bool
}

// ParseLimit reads "N" or "P%". Zero is a limit too: such a run deletes nothing and says what it would have.
func ParseLimit(text string) (Limit, error) {
	number, percent := strings.CutSuffix(text, "%")
	n, err := strconv.Atoi(number)
	if err != nil || n < 0 || (percent && n > 100) {
		return Limit{}, fmt.Errorf("%q is not a limit: give a whole number of images such as 50, or a percentage such as 20%%", text)
	}
	return Limit{n: n, percent: percent, set: true}, nil
}

// UnmarshalText is [ParseLimit].
func (l *Limit) UnmarshalText(text []byte) (err error) {
	*l, err = ParseLimit(string(text))
	return err
}

// IsZero reports whether no limit was given.
func (l Limit) IsZero() bool { return !l.set }

// String returns the limit as it was written.
func (l Limit) String() string {
	if l.percent {
		return strconv.Itoa(l.n) + "%"
	}
	return plural(l.n, "image")
}

// exceeded reports whether deleting so many of all images is more than the limit allows.
func (l Limit) exceeded(deleted, all int) bool {
	if l.percent {
		return deleted*100 > l.n*all
	}
	return deleted > l.n
}
