package retain

import (
	"crypto/sha256"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/inuse"
	"github.com/regsweep/regsweep/internal/live"
	"github.com/regsweep/regsweep/internal/oci"
)

// The notation of test cases. Three parts, separated by lines of three dashes: what is asked, the images, and what
// Decide makes of them.
//
//	policy: --keep-last 2
//	pushed: b3
//	---
//	b3,latest 2h
//	multi 3d lists ~arm ~amd
//	~arm 3d
//	sig(b3) -
//	---
//	keep b3,latest: just built; last 1 of 2
//
// An image is its tags and its age, "-" for no date. A name with ~ has no tag. "lists" makes it an index, "subject"
// and a tag of the form sig(NAME) or src(NAME) an attachment, "ghost" a tag without a manifest, "lacks" a child that is not there.
// Lines of "in-use:" in the head are those of the file deploy.yaml, in which @NAME is a digest, and lines of "live:" those
// of the file refs.txt.

// testNow is the time of all cases, a Monday.
var testNow = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

var testRepository = oci.Repository{Host: "registry.example.com", Path: "app"}

// named returns the digest that stands for a name.
func named(name string) oci.Digest {
	return oci.Digest(fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(name))))
}

type testCase struct {
	policy   Policy
	context  Context
	snapshot oci.Snapshot
	names    map[oci.Digest]string
	live     []string // the lines that Policy.Live was read from
	// listsUntagged says that the registry lists manifests without a tag.
	listsUntagged bool
}

func parseCase(t testing.TB, text string) (c testCase, want string) {
	t.Helper()
	parts := strings.SplitN(text, "---\n", 3)
	if len(parts) != 3 {
		t.Fatalf("a case has three parts, not %d", len(parts))
	}
	c.names = map[oci.Digest]string{}
	var err error
	var inUse []string
	for line := range strings.Lines(parts[0]) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch value = strings.TrimSpace(value); {
		case strings.HasPrefix(line, "#"), key == "":
		case key == "policy":
			c.policy = parsePolicy(t, value)
		case key == "pushed":
			c.context.Pushed = append(c.context.Pushed, parsePushed(value))
		case key == "in-use":
			inUse = append(inUse, value)
		case key == "live":
			c.live = append(c.live, value)
		default:
			t.Fatalf("unknown line %q", line)
		}
	}
	if len(inUse) > 0 {
		c.policy.InUse = append(c.policy.InUse, parseInUse(t, strings.Join(inUse, "\n")))
	}
	if len(c.live) > 0 {
		if c.policy.Live, err = live.Parse("refs.txt", strings.Join(c.live, "\n")); err != nil {
			t.Fatal(err)
		}
	}
	c.snapshot = c.parseSnapshot(t, parts[1])
	return c, parts[2]
}

func parsePolicy(t testing.TB, text string) Policy {
	t.Helper()
	var p Policy
	var err error
	text, p.NoProtectLatest = strings.CutSuffix(text, " --no-protect-latest")
	text, p.KeepNone = strings.CutPrefix(text, "--keep-none")
	words := strings.Fields(text)
	for i := 0; i+1 < len(words) && err == nil; i += 2 {
		value := words[i+1]
		switch words[i] {
		case "--keep-last":
			p.KeepLast, err = strconv.Atoi(value)
		case "--keep-hourly":
			p.KeepHourly, err = strconv.Atoi(value)
		case "--keep-tagged":
			p.KeepTagged, err = strconv.ParseBool(value)
		case "--keep-daily":
			p.KeepDaily, err = strconv.Atoi(value)
		case "--keep-weekly":
			p.KeepWeekly, err = strconv.Atoi(value)
		case "--keep-monthly":
			p.KeepMonthly, err = strconv.Atoi(value)
		case "--keep-yearly":
			p.KeepYearly, err = strconv.Atoi(value)
		case "--keep-semver":
			p.KeepSemver, err = ParseVersions(value)
		case "--group-by":
			p.GroupBy, err = ParseGrouping(value)
		case "--expire-groups":
			p.ExpireGroups, err = ParseAge(value)
		case "--keep-younger-than":
			p.KeepYoungerThan, err = ParseAge(value)
		case "--tags":
			p.Tags, err = ParsePatterns(value)
		case "--protect":
			p.Protect, err = ParsePatterns(value)
		case "--sort":
			p.Sort = Sort(value)
		case "--undated":
			p.Undated = Undated(value)
		case "--untagged":
			p.Untagged, err = ParseAge(value)
		case "--max-delete":
			p.MaxDelete, err = ParseLimit(value)
		default:
			t.Fatalf("unknown flag %s", words[i])
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// parsePushed reads TAG, TAG@NAME, @NAME, each with an optional ? for assumed.
func parsePushed(text string) oci.Pushed {
	text, assumed := strings.CutSuffix(text, "?")
	tag, name, has := strings.Cut(text, "@")
	p := oci.Pushed{Reference: oci.Reference{Repository: testRepository, Tag: tag}, Source: "argument", Assumed: assumed}
	if has {
		p.Digest = named(name)
	}
	return p
}

var atName = regexp.MustCompile(`[^\s"']?@[^\s"',]+`)

// parseInUse reads a text of images in use.
func parseInUse(t testing.TB, text string) inuse.Text {
	t.Helper()
	text = atName.ReplaceAllStringFunc(text, func(s string) string {
		before, name, _ := strings.Cut(s, "@")
		if before != "" {
			before += "@" // of a reference; alone it is only the notation's
		}
		return before + string(named(name))
	})
	u, err := inuse.Parse("deploy.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func (c *testCase) parseSnapshot(t testing.TB, text string) oci.Snapshot {
	t.Helper()
	s := oci.Snapshot{Repository: testRepository}
	listed := map[oci.Digest]bool{}
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) == 0 || strings.HasPrefix(line, "#") {
			continue
		}
		if f[0] == "ghost" {
			s.Ghosts = append(s.Ghosts, f[1:]...)
			continue
		}
		i := c.parseImage(t, f)
		for _, d := range i.Children {
			listed[d] = true
		}
		s.Images = append(s.Images, i)
	}
	for n := range s.Images {
		i := &s.Images[n]
		switch {
		case i.Kind == oci.KindAttachment:
		case len(i.Tags) == 0 && listed[i.Digest]:
			i.Kind = oci.KindChild
		case len(i.Children) > 0:
			i.Kind = oci.KindIndex
		default:
			i.Kind = oci.KindImage
		}
	}
	return s
}

func (c *testCase) parseImage(t testing.TB, f []string) oci.Image {
	t.Helper()
	name := strings.Split(f[0], ",")[0]
	i := oci.Image{Digest: named(name), Size: 1}
	c.names[i.Digest] = name
	attachedTags := 0
	for _, tag := range strings.Split(f[0], ",") {
		switch {
		case strings.HasPrefix(tag, "~"):
		case strings.HasSuffix(tag, ")"):
			ending, subject, _ := strings.Cut(strings.TrimSuffix(tag, ")"), "(")
			tag = "sha256-" + named(subject).Encoded() + "." + ending
			attachedTags++
			fallthrough
		default:
			i.Tags = append(i.Tags, tag)
		}
	}
	if f[1] != "-" {
		i.Created = parseAgo(t, f[1])
	}
	var key string
	for _, w := range f[2:] {
		switch {
		case w == "lists" || w == "subject" || w == "lacks" || w == "pushed":
			key = w
		case w == "retained":
			i.Retained = "locked"
		case key == "pushed":
			i.Pushed, key = parseAgo(t, w), ""
		case key == "subject":
			i.Subject = named(w)
		default:
			i.Children = append(i.Children, named(w))
			if key == "lacks" {
				i.Missing = append(i.Missing, named(w))
			}
		}
	}
	if i.Subject != "" || (attachedTags > 0 && attachedTags == len(i.Tags)) {
		i.Kind = oci.KindAttachment
	}
	return i
}

// parseAgo reads an age such as 3d, a future one such as +2d, or a date.
func parseAgo(t testing.TB, s string) time.Time {
	t.Helper()
	if d, err := time.Parse(time.RFC3339, s); err == nil {
		return d
	}
	text, future := strings.CutPrefix(s, "+")
	a, err := ParseAge(text)
	if err != nil {
		t.Fatal(err)
	}
	at := a.Before(testNow)
	if future {
		return testNow.Add(testNow.Sub(at))
	}
	return at
}

// format writes a plan in the notation.
func (c *testCase) format(p Plan) string {
	var b strings.Builder
	for _, d := range p.Decisions {
		name := strings.Join(c.tagNames(d.Image), ",")
		if name == "" {
			name = c.names[d.Image.Digest]
		}
		var why []string
		for _, r := range d.Reasons {
			why = append(why, c.translate(r.Detail))
		}
		group := ""
		if d.Group != "" {
			group = " (" + d.Group + ")"
		}
		fmt.Fprintf(&b, "%s %s%s: %s\n", d.Verdict, name, group, strings.Join(why, "; "))
	}
	for _, w := range p.Warnings {
		fmt.Fprintf(&b, "warning: %s\n", c.translate(w))
	}
	for _, r := range p.Refusals {
		fmt.Fprintf(&b, "refused by %s: %s\n", r.Guard, c.translate(r.Detail))
	}
	return b.String()
}

func (c *testCase) tagNames(i oci.Image) []string {
	out := slices.Clone(i.Tags)
	for n, t := range out {
		out[n] = c.translate(t)
	}
	return out
}

// translate puts names in the place of digests.
func (c *testCase) translate(s string) string {
	for d, name := range c.names {
		s = regexp.MustCompile("sha256-"+d.Encoded()+"[.]([a-z]+)").ReplaceAllString(s, "$1("+name+")")
		s = strings.ReplaceAll(s, d.String(), "@"+name)
		s = strings.ReplaceAll(s, ShortDigest(d), "@"+name)
	}
	return s
}
