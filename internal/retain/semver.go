package retain

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// Versions says how many of the highest releases are kept: of all, or of each major or minor line. The zero value
// keeps none.
type Versions struct {
	n   int
	per string // "", "major" or "minor"
}

// ParseVersions reads "N", "N/major" or "N/minor".
func ParseVersions(text string) (Versions, error) {
	number, per, lines := strings.Cut(text, "/")
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || (lines && per != "major" && per != "minor") {
		return Versions{}, fmt.Errorf("%q is not a number of versions: give a whole number of at least 1, alone or with /major or /minor, as in 3/minor", text)
	}
	return Versions{n, per}, nil
}

// UnmarshalText is [ParseVersions].
func (v *Versions) UnmarshalText(text []byte) (err error) {
	*v, err = ParseVersions(string(text))
	return err
}

// IsZero reports whether no number was given.
func (v Versions) IsZero() bool { return v.n == 0 }

// String says it in words, such as "the 3 highest versions of each minor line".
func (v Versions) String() string {
	s := "the " + highestOf(v.n)
	if v.per != "" {
		s += " of each " + v.per + " line"
	}
	return s
}

func highestOf(n int) string {
	if n == 1 {
		return "highest version"
	}
	return strconv.Itoa(n) + " highest versions"
}

// line names the line that a version belongs to.
func (v Versions) line(x *semver.Version) string {
	switch v.per {
	case "major":
		return fmt.Sprintf("%d.x", x.Major())
	case "minor":
		return fmt.Sprintf("%d.%d.x", x.Major(), x.Minor())
	}
	return ""
}

// version reads a tag as a semantic version, with or without a leading v. It needs a dot: a bare number is a build
// number or a commit made of digits, and as a version it would outrank every release. A tag cannot hold a plus sign,
// so an underscore stands for it, as in 1.2.3_5 (https://helm.sh/docs/topics/registries/).
func version(tag string) *semver.Version {
	if !strings.Contains(tag, ".") {
		return nil
	}
	v, err := semver.NewVersion(strings.Replace(tag, "_", "+", 1))
	if err != nil {
		return nil
	}
	return v
}

// byVersion puts higher versions first, by semantic precedence, and tags that are not versions last.
func byVersion(a, b rank) int {
	switch {
	case a.version != nil && b.version != nil:
		return b.version.Compare(a.version)
	case a.version != nil:
		return -1
	case b.version != nil:
		return 1
	}
	return 0
}

// releasesFirst orders by version with every pre-release below every release. Versions that differ only in their build
// metadata have one precedence; then the newer build comes first, and the order of tags decides the rest.
var releasesFirst = membersBy(orderCreated, func(a, b rank) int { return compareReleases(b.stable, a.stable) })

// compareReleases is negative when a is the lower of two versions, every pre-release being lower than every release
// and no version lower than any.
func compareReleases(a, b *semver.Version) int {
	switch {
	case a == nil || b == nil:
		return cmp.Compare(presence(a != nil), presence(b != nil))
	case (a.Prerelease() == "") != (b.Prerelease() == ""):
		return cmp.Compare(b.Prerelease(), a.Prerelease()) // the empty one is the release
	}
	return a.Compare(b)
}

// presence orders what is not there before what is.
func presence(there bool) int {
	if there {
		return 1
	}
	return 0
}
