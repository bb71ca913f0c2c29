package policy

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/regsweep/regsweep/internal/retain"
)

// Rules are the settings of a policy: the flags by these names, and the keys of an entry of a policy file. The zero value
// of each field means that it was not given, so that the flags can override the keys of an entry.
type Rules struct {
	KeepLast        Count           `name:"keep-last" group:"keep" placeholder:"N" help:"Keep the newest N images. An image is a digest: five tags on one image count once."`
	KeepYoungerThan retain.Age      `name:"keep-younger-than" group:"keep" placeholder:"AGE" help:"Keep images younger than this age: 90m, 12h, 14d, 6w, 3mo, 1y."`
	KeepHourly      Count           `name:"keep-hourly" group:"keep" placeholder:"N" help:"Keep the newest image of each of the last N hours (UTC) that have an image."`
	KeepDaily       Count           `name:"keep-daily" group:"keep" placeholder:"N" help:"Keep the newest image of each of the last N days that have an image."`
	KeepWeekly      Count           `name:"keep-weekly" group:"keep" placeholder:"N" help:"Keep the newest image of each of the last N ISO weeks that have an image."`
	KeepMonthly     Count           `name:"keep-monthly" group:"keep" placeholder:"N" help:"Keep the newest image of each of the last N months that have an image."`
	KeepYearly      Count           `name:"keep-yearly" group:"keep" placeholder:"N" help:"Keep the newest image of each of the last N years that have an image."`
	KeepSemver      retain.Versions `name:"keep-semver" group:"keep" placeholder:"N" help:"Keep the N highest versions. N/major or N/minor keeps the N highest of each major or minor version. Releases rank above pre-releases."`
	KeepNone        bool            `name:"keep-none" group:"keep" help:"Apply no keep rule to the tags of --tags, such as those of a closed pull request. Needs --tags, and excludes keep rules and groups."`

	GroupBy      retain.Grouping `name:"group-by" group:"groups" placeholder:"RE" help:"Apply the keep rules to each group of tags separately. RE is an anchored regular expression; its capture groups name the group of a tag. For branches: ^(.+)-[0-9a-f]{7,}$."`
	ExpireGroups retain.Age      `name:"expire-groups" group:"groups" placeholder:"AGE" help:"Stop applying keep rules to groups with no new image for this long."`
	Live         []RefFiles      `name:"live" group:"groups" sep:"none" placeholder:"FILE" help:"Branches, tags and pull requests that still exist: the output of git ls-remote, or one name per line (docs/branches.md). Stop applying keep rules to the groups of others; with --expire-groups, after that time. Repeatable; - is standard input."`

	Tags            []Patterns     `name:"tags" aliases:"scope" group:"scope" sep:"none" placeholder:"GLOB" help:"Consider only these tags. regsweep never deletes or counts other tags, and keeps every image that has one. A glob matches the whole tag. re: starts a regular expression that is anchored at both ends and runs to the end of its line. --scope is the same flag."`
	Protect         []Patterns     `name:"protect" group:"scope" sep:"none" placeholder:"GLOB" help:"Never delete or count these tags, in addition to latest."`
	NoProtectLatest bool           `name:"no-protect-latest" group:"scope" help:"Treat latest like any other tag."`
	Sort            retain.Sort    `name:"sort" group:"scope" placeholder:"ORDER" values:"created,pushed,semver,name" help:"What newest means: created (build date), pushed (when the registry received the image, where it says so), semver (version in the tag) or name (natural order: b10 is newer than b9). Default: created."`
	Undated         retain.Undated `name:"undated" group:"scope" placeholder:"HOW" values:"keep,oldest,pushed" help:"What to do with images without a usable date (missing, 1970, 1980 or in the future): keep them, treat them as the oldest, or take the date at which the registry received them. Default: keep."`
	Untagged        retain.Age     `name:"untagged" group:"scope" placeholder:"AGE" help:"Also delete manifests that no tag leads to any more, from this age on, such as 7d (docs/untagged.md). Default: keep them."`

	MaxDelete retain.Limit `name:"max-delete" group:"run" placeholder:"N|P%" help:"Refuse the plan when it deletes more images of a repository than this. Nothing is deleted, the plan is reported, and the exit code is 3."`
}

// over returns the rules. A field that is not set has the value of below.
func (r Rules) over(below Rules) Rules {
	top, low := reflect.ValueOf(&r).Elem(), reflect.ValueOf(below)
	for i := range top.NumField() {
		if top.Field(i).IsZero() {
			top.Field(i).Set(low.Field(i))
		}
	}
	return r
}

// Policy makes the retention policy of the rules. Every error is bad input.
func (r Rules) Policy() (retain.Policy, error) {
	p := retain.Policy{
		Tags: all(r.Tags), Protect: all(r.Protect), NoProtectLatest: r.NoProtectLatest,
		KeepLast: int(r.KeepLast), KeepYoungerThan: r.KeepYoungerThan,
		KeepHourly: int(r.KeepHourly), KeepDaily: int(r.KeepDaily), KeepWeekly: int(r.KeepWeekly),
		KeepMonthly: int(r.KeepMonthly), KeepYearly: int(r.KeepYearly), KeepSemver: r.KeepSemver,
		KeepNone: r.KeepNone, GroupBy: r.GroupBy, ExpireGroups: r.ExpireGroups,
		Sort: r.Sort, Undated: r.Undated, Untagged: r.Untagged, MaxDelete: r.MaxDelete,
	}
	if len(r.Live) > 0 && r.GroupBy.IsZero() { // whose files are not read yet
		return p, retain.ErrLiveGroups
	}
	return p, p.Validate()
}

// RefFiles are the files of one text, which may hold a list, with the names of what still exists; "-" is standard input.
type RefFiles struct{ paths []string }

// UnmarshalText reads a list of files, separated by commas or newlines.
func (f *RefFiles) UnmarshalText(text []byte) error {
	f.paths = nil
	for _, path := range strings.FieldsFunc(string(text), func(r rune) bool { return r == ',' || r == '\n' }) {
		if path = strings.TrimSpace(path); path != "" {
			f.paths = append(f.paths, path)
		}
	}
	if len(f.paths) == 0 {
		return errors.New("it names no file")
	}
	return nil
}

// live are the files of the rules with the names of what still exists, each once.
func (r Rules) live() []string {
	var out []string
	for _, f := range r.Live {
		for _, path := range f.paths {
			if !slices.Contains(out, path) {
				out = append(out, path)
			}
		}
	}
	return out
}

// Count is a whole number of at least 1; its zero value means that it was not given.
type Count int

// UnmarshalText reads a count. Zero is an error, because tools differ in whether it means none or all.
func (c *Count) UnmarshalText(text []byte) error {
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 1 {
		return fmt.Errorf("%q is not a whole number of at least 1", text)
	}
	*c = Count(n)
	return nil
}

// Patterns are the tag patterns of one text, which may hold a list.
type Patterns struct{ list []retain.Pattern }

// UnmarshalText reads a list of patterns. A text of separators alone is an error: an empty scope would be every tag.
func (p *Patterns) UnmarshalText(text []byte) (err error) {
	p.list, err = retain.ParsePatterns(string(text))
	if err == nil && len(p.list) == 0 && strings.TrimSpace(string(text)) != "" {
		return errors.New("the list has no pattern")
	}
	return err
}

func all(items []Patterns) []retain.Pattern {
	var out []retain.Pattern
	for _, p := range items {
		out = append(out, p.list...)
	}
	return out
}
