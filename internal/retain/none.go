package retain

import (
	"errors"
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"
)

// noScope is the error of --keep-none that would give up a whole repository.
type noScope struct{ text string }

// Error says what is wrong with the scope.
func (e noScope) Error() string { return e.text }

// Hint says what to give.
func (noScope) Hint() string {
	return "say which tags may be deleted, for example --tags 're:pr-123(-.+)?'"
}

// probes are tags of every kind. A scope that has all of them has every tag.
var probes = []string{"latest", "x", "X", "_", "7", "v1.2.3", "main-1a2b3c4", "Q_q.9-z", "pr-123", strings.Repeat("u", 128)}

// validateNone reports what makes a policy that keeps nothing by rule unusable.
func (p Policy) validateNone() error {
	switch {
	case len(p.keepRules()) > 0:
		return fmt.Errorf("keep-none and a keep rule exclude each other: the rule is to keep %s", and(p.keepRules()))
	case len(p.Tags) == 0:
		return noScope{"keep-none needs tags, because without them it would give up the whole repository"}
	case !slices.ContainsFunc(probes, func(t string) bool { _, ok := matching(p.Tags, t); return !ok }):
		return noScope{"keep-none needs tags that do not match every tag, as " + join(p.Tags) + " does"}
	case !p.GroupBy.IsZero():
		return errors.New("keep-none and group-by exclude each other: groups are for keep rules")
	}
	return nil
}

// keepNone says of the images in scope that no rule keeps them.
func (d *decider) keepNone() {
	for _, e := range d.entries {
		if len(e.names) > 0 {
			e.miss(RuleNone, "none of "+join(d.policy.Tags)+" is kept")
		}
	}
}

// warnLongerNumbers warns when a pattern that is meant for one number has tags of longer numbers: pr-12* is also that of
// pr-123. Only what is given up as a whole is worth that: v1* is meant to have v10.
func (d *decider) warnLongerNumbers() []string {
	if !d.policy.KeepNone {
		return nil
	}
	var out []string
	for _, p := range d.policy.Tags {
		var longer []string
		for t := range d.byTag {
			if p.longerNumber(t) {
				longer = append(longer, t)
			}
		}
		if longer = sortedTags(longer); len(longer) > 0 {
			out = append(out, fmt.Sprintf("--tags %s also matches %s, whose number is longer: %s", p, someTags(longer), p.exactly()))
		}
	}
	return out
}

// longerNumber reports whether a tag matches where a number goes on after the digit that the pattern ends or has a star
// after.
func (p Pattern) longerNumber(tag string) bool {
	if p.re != nil {
		head := leading(p.text[len("re:"):])
		return endsInDigit(head) && len(tag) > len(head) && strings.HasPrefix(tag, head) && digit(tag[len(head)]) && p.Match(tag)
	}
	for i := 1; i < len(p.text); i++ {
		if (p.text[i] == '*' || p.text[i] == '?') && digit(p.text[i-1]) {
			rest := p.text[i:]
			if rest[0] == '?' {
				rest = rest[1:]
			}
			if (Pattern{text: p.text[:i] + "[0-9]" + rest}).Match(tag) {
				return true
			}
		}
	}
	return false
}

// exactly proposes a pattern for the number alone.
func (p Pattern) exactly() string {
	head, _, _ := strings.Cut(p.text, "*")
	if p.re == nil && endsInDigit(head) && !strings.ContainsAny(head, `?[\\`) {
		return "re:" + strings.ReplaceAll(head, ".", `\.`) + "(-.+)? is this number alone"
	}
	return "end the number with a character, as in re:pr-123(-.+)?"
}

// leading returns the text that every match of a regular expression begins with.
func leading(expr string) string {
	tree, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return ""
	}
	parts := []*syntax.Regexp{tree}
	if tree.Op == syntax.OpConcat {
		parts = tree.Sub
	}
	for _, part := range parts {
		switch part.Op {
		case syntax.OpBeginText, syntax.OpBeginLine:
			continue
		case syntax.OpLiteral:
			if part.Flags&syntax.FoldCase == 0 {
				return string(part.Rune)
			}
		}
		return ""
	}
	return ""
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

func endsInDigit(s string) bool { return s != "" && digit(s[len(s)-1]) }

// someTags lists the first of some tags, and how many more there are.
func someTags(tags []string) string {
	const most = 3
	if len(tags) <= most+1 {
		return and(tags)
	}
	return and(append(slices.Clone(tags[:most]), fmt.Sprintf("%d other tags", len(tags)-most)))
}
