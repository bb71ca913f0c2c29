package retain

import (
	"fmt"
	"path"
	"regexp"
	"strings"
)

// Pattern matches whole tags: a glob (* ? [a-z]), or with the prefix "re:" an anchored regular expression.
type Pattern struct {
	text     string
	re       *regexp.Regexp // nil for a glob
	implicit bool
}

// ParsePattern reads one pattern. Regular expressions are anchored at both ends whether or not they say so, because
// an unanchored one matches more than its author sees (https://github.com/Azure/acr-cli/issues/210).
func ParsePattern(text string) (Pattern, error) {
	if expr, ok := strings.CutPrefix(text, "re:"); ok {
		re, err := regexp.Compile(`^(?:` + expr + `)$`)
		if err != nil || expr == "" {
			if err == nil {
				err = fmt.Errorf("it is empty")
			}
			return Pattern{}, fmt.Errorf("pattern %q is not a regular expression: %s", text, strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		}
		return Pattern{text: text, re: re}, nil
	}
	if _, err := path.Match(text, ""); err != nil || text == "" {
		return Pattern{}, fmt.Errorf("pattern %q is not a glob: use * ? [a-z], or re: in front for a regular expression", text)
	}
	if strings.ContainsAny(text, "/: \t") {
		return Pattern{}, fmt.Errorf("pattern %q cannot match any tag: a tag has no slash, colon or space", text)
	}
	return Pattern{text: text}, nil
}

// ParsePatterns reads a list of patterns, one by one or separated by commas and newlines. A "re:" pattern runs to the
// end of its line, because a comma belongs to the language of regular expressions.
func ParsePatterns(lists ...string) ([]Pattern, error) {
	var out []Pattern
	for _, line := range strings.Split(strings.Join(lists, "\n"), "\n") {
		for line = strings.TrimSpace(line); line != ""; {
			item, rest := line, ""
			if !strings.HasPrefix(line, "re:") {
				item, rest, _ = strings.Cut(line, ",")
			}
			line = strings.TrimSpace(rest)
			if item = strings.TrimSpace(item); item == "" {
				continue
			}
			p, err := ParsePattern(item)
			if err != nil {
				return nil, err
			}
			out = append(out, p)
		}
	}
	return out, nil
}

// latest is the pattern that nobody has to type, so that it causes no warning when it matches nothing.
var latest = Pattern{text: "latest", implicit: true}

// String returns the pattern as it was written.
func (p Pattern) String() string { return p.text }

// Match reports whether the pattern matches the whole tag.
func (p Pattern) Match(tag string) bool {
	if p.re != nil {
		return p.re.MatchString(tag)
	}
	ok, _ := path.Match(p.text, tag)
	return ok
}

// advice says what is missing of a glob that looks like a regular expression; "" where nothing is.
func (p Pattern) advice() string {
	if p.re != nil || !strings.ContainsAny(p.text, `^$\+(|`) && !strings.Contains(p.text, ".*") {
		return ""
	}
	return "; it is a glob: re:" + strings.TrimSuffix(strings.TrimPrefix(p.text, "^"), "$") + " is a regular expression"
}

// matching returns the first pattern that matches the tag.
func matching(ps []Pattern, tag string) (Pattern, bool) {
	for _, p := range ps {
		if p.Match(tag) {
			return p, true
		}
	}
	return Pattern{}, false
}
