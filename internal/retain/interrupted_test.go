package retain

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/regsweep/regsweep/internal/live"
	"github.com/regsweep/regsweep/internal/oci"
)

// digestOf makes up a digest.
func digestOf(c string) oci.Digest { return oci.Digest("sha256:" + strings.Repeat(c, 64)) }

// What an interrupted run has left goes, unless something leads to it again.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	latest, err := ParsePatterns("latest")
	if err != nil {
		t.Fatal(err)
	}
	top := oci.Image{Digest: digestOf("f"), Kind: oci.KindImage, Tags: []string{"new"}, Created: testNow}
	begun := oci.Image{Digest: digestOf("1"), Kind: oci.KindImage, Created: testNow.AddDate(0, 0, -9)}
	with := func(i oci.Image, change func(*oci.Image)) oci.Image {
		change(&i)
		return i
	}
	list := func(tags ...string) oci.Image {
		return oci.Image{Digest: digestOf("2"), Kind: oci.KindIndex, Tags: tags, Created: testNow.AddDate(0, 0, 1), Children: []oci.Digest{begun.Digest}}
	}
	signature := "sha256-" + strings.Repeat("f", 64) + ".sig"
	placeholder := func(tags ...string) oci.Image {
		return oci.Image{Digest: digestOf("1"), Kind: oci.KindPlaceholder, Tags: tags}
	}
	subject := func(d oci.Digest) oci.Image {
		return with(begun, func(i *oci.Image) { i.Kind, i.Subject = oci.KindAttachment, d })
	}
	for _, c := range []struct {
		name   string
		others []oci.Image
		image  oci.Image // has the digest 1…
		policy Policy
		pushed []oci.Pushed
		want   Verdict
		rule   Rule
		fresh  bool // its deletion was not begun by an earlier run
	}{
		{"begun", nil, begun, Policy{KeepLast: 1}, nil, Delete, RuleInterrupted, false},
		{"begun and counted by no rule", nil, begun, Policy{KeepLast: 9}, nil, Delete, RuleInterrupted, false},
		{"never begun and without a name", nil, begun, Policy{KeepLast: 1}, nil, Keep, RuleUntagged, true},
		{"begun and tagged again", nil, with(begun, func(i *oci.Image) { i.Tags = []string{"b1"} }), Policy{KeepLast: 2}, nil, Keep, RuleLast, false},
		{"begun, tagged and still doomed", nil, with(begun, func(i *oci.Image) { i.Tags = []string{"b1"} }), Policy{KeepLast: 1}, nil, Delete, RuleLast, false},
		{"begun and protected by its tag", nil, with(begun, func(i *oci.Image) { i.Tags = []string{"latest"} }), Policy{KeepLast: 1, Protect: latest}, nil, Keep, RuleProtect, false},
		{"begun and listed by a kept index", []oci.Image{list("multi")}, with(begun, func(i *oci.Image) { i.Kind = oci.KindChild }), Policy{KeepLast: 1}, nil, Keep, RuleChild, false},
		{"begun and just built", nil, begun, Policy{KeepLast: 1}, []oci.Pushed{{Reference: oci.Reference{Digest: begun.Digest}}}, Keep, RuleJustBuilt, false},
		{"begun and attached to what is kept", nil, subject(top.Digest), Policy{KeepLast: 1}, nil, Keep, RuleAttachment, false},
		{"begun and attached to what is gone", nil, subject(digestOf("9")), Policy{KeepLast: 1}, nil, Delete, RuleInterrupted, false},
		{"a placeholder", nil, placeholder("b1", "b2"), Policy{KeepLast: 9}, nil, Delete, RuleInterrupted, true},
		{"a placeholder with the tag of a kept image's signature", nil, placeholder("b1", signature), Policy{KeepLast: 9}, nil, Delete, RuleInterrupted, true},
		{"a placeholder with the tag of a signature of nothing", nil, placeholder("sha256-" + strings.Repeat("9", 64) + ".sig"), Policy{KeepLast: 9}, nil, Delete, RuleInterrupted, true},
		{"a placeholder with a protected tag", nil, placeholder("latest"), Policy{KeepLast: 1, Protect: latest}, nil, Keep, RuleProtect, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			known := Context{Pushed: c.pushed}
			if !c.fresh {
				known.Pending = []oci.Digest{c.image.Digest}
			}
			p := Decide(oci.Snapshot{Images: append([]oci.Image{top, c.image}, c.others...)}, c.policy, known, testNow)
			for _, d := range p.Decisions {
				if d.Image.Digest != c.image.Digest {
					if d.Image.Digest == top.Digest && len(c.others) == 0 && d.Verdict != Keep {
						t.Errorf("the newest image is to be %s: %v", d.Verdict, d.Reasons)
					}
					continue
				}
				if d.Verdict != c.want || len(d.Reasons) == 0 || d.Reasons[0].Rule != c.rule {
					t.Errorf("got %s for %v, want %s for %s", d.Verdict, d.Reasons, c.want, c.rule)
				}
			}
		})
	}
}

// A signature that has lost its tag to an interrupted run is one all the same: it goes or stays with its image.
func TestRemovedTags(t *testing.T) {
	t.Parallel()
	image := oci.Image{Digest: digestOf("a"), Kind: oci.KindImage, Tags: []string{"b1"}, Created: testNow.AddDate(0, 0, -1)}
	top := oci.Image{Digest: digestOf("f"), Kind: oci.KindImage, Tags: []string{"b2"}, Created: testNow}
	signature := oci.Image{Digest: digestOf("1"), Kind: oci.KindImage}
	tag := "sha256-" + strings.Repeat("a", 64) + ".sig"
	begun := map[string]oci.Digest{tag: signature.Digest, "b2": image.Digest}
	for name, c := range map[string]struct {
		last    int
		more    []oci.Image
		begun   map[string]oci.Digest
		ghosts  []string
		want    Verdict
		removed []string
	}{
		"its image stays":                           {2, nil, begun, nil, Keep, []string{tag}},
		"its image goes":                            {1, nil, begun, nil, Delete, []string{tag}},
		"the tag is listed and leads nowhere":       {2, nil, begun, []string{tag}, Keep, []string{tag}},
		"the tag points at a placeholder":           {2, []oci.Image{{Digest: digestOf("2"), Kind: oci.KindPlaceholder, Tags: []string{tag}}}, begun, nil, Keep, []string{tag}},
		"somebody has signed the image again":       {2, []oci.Image{{Digest: digestOf("2"), Kind: oci.KindAttachment, Tags: []string{tag}}}, begun, nil, Delete, nil},
		"a journal that does not know its tags":     {2, nil, nil, nil, Delete, nil},
		"the tag of something that was not deleted": {2, nil, map[string]oci.Digest{tag: top.Digest}, nil, Delete, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := oci.Snapshot{Images: append([]oci.Image{image, top, signature}, c.more...), Ghosts: c.ghosts}
			p := Decide(s, Policy{KeepLast: c.last}, Context{Pending: []oci.Digest{signature.Digest}, Begun: c.begun}, testNow)
			for _, d := range p.Decisions {
				switch {
				case d.Image.Digest != signature.Digest && len(d.Image.Removed) > 0:
					t.Errorf("%s has lost %v", d.Image.Digest, d.Image.Removed)
				case d.Image.Digest == signature.Digest && (d.Verdict != c.want || !slices.Equal(d.Image.Removed, c.removed) || (d.Image.Kind == oci.KindAttachment) != (c.removed != nil)):
					t.Errorf("got %s for %v, %+v; want %s", d.Verdict, d.Reasons, d.Image, c.want)
				}
			}
		})
	}
}

// A run that puts a tag back needs nothing because of it.
func TestRecheckKnowsRemovedTags(t *testing.T) {
	t.Parallel()
	image := func(c string, days int) oci.Image {
		return oci.Image{Digest: digestOf(c), Kind: oci.KindImage, Tags: []string{"b" + c}, Created: testNow.AddDate(0, 0, -days)}
	}
	old, top, signature := image("a", 1), image("f", 0), oci.Image{Digest: digestOf("1"), Kind: oci.KindImage}
	begun := map[string]oci.Digest{}
	for _, c := range []string{"a", "f"} {
		begun["sha256-"+strings.Repeat(c, 64)+".sig"] = signature.Digest
	}
	p := Decide(oci.Snapshot{Images: []oci.Image{old, top, signature}}, Policy{KeepLast: 1}, Context{Pending: []oci.Digest{signature.Digest}, Begun: begun}, testNow)
	signature.Tags = slices.Collect(maps.Keys(begun))
	if stopped := p.Recheck(oci.Snapshot{Images: []oci.Image{old, top, signature}}); len(p.Deletions()) != 1 || len(stopped) != 0 {
		t.Errorf("%d deletions, of which stop %v", len(p.Deletions()), stopped)
	}
}

// Whether a signature has its tag or an interrupted run has removed it makes no difference to any verdict.
func TestRemovedTagsDecideNothing(t *testing.T) {
	t.Parallel()
	var tried atomic.Int64
	t.Cleanup(func() {
		if tried.Load() == 0 {
			t.Error("no case has such a signature")
		}
	})
	eachSeed(t, 3, func(t *testing.T, _ uint64, r *rand.Rand) {
		c := randomCase(r)
		at := slices.IndexFunc(c.snapshot.Images, func(i oci.Image) bool {
			known := func(s oci.Digest) bool {
				return slices.ContainsFunc(c.snapshot.Images, func(o oci.Image) bool { return o.Digest == s })
			}
			return i.Subject == "" && i.Kind == oci.KindAttachment && len(i.Tags) == 1 && known(i.Subjects()[0])
		})
		_, protected := Pattern{}, false
		if at >= 0 {
			_, protected = matching(c.policy.Protect, c.snapshot.Images[at].Tags[0])
		}
		if at < 0 || protected || slices.ContainsFunc(c.context.Pushed, func(p oci.Pushed) bool { return p.Digest == c.snapshot.Images[at].Digest }) {
			return
		}
		tried.Add(1)
		want := verdicts(Decide(c.snapshot, c.policy, c.context, testNow))
		without := c.snapshot
		without.Images = slices.Clone(without.Images)
		signature := &without.Images[at]
		c.context.Pending, c.context.Begun = []oci.Digest{signature.Digest}, map[string]oci.Digest{signature.Tags[0]: signature.Digest}
		signature.Tags, signature.Kind = nil, oci.KindImage
		if got := verdicts(Decide(without, c.policy, c.context, testNow)); !maps.Equal(got, want) {
			t.Fatalf("got %v, want %v\n%+v", got, want, c)
		}
	})
}

// A placeholder takes no image with it and spares none, whatever tags point at it.
func TestPlaceholderIsAttachedToNothing(t *testing.T) {
	t.Parallel()
	doomed := oci.Image{Digest: digestOf("a"), Kind: oci.KindImage, Tags: []string{"b1"}, Created: testNow.AddDate(0, 0, -9)}
	top := oci.Image{Digest: digestOf("f"), Kind: oci.KindImage, Tags: []string{"new"}, Created: testNow}
	plan := Decide(oci.Snapshot{Images: []oci.Image{doomed, top}}, Policy{KeepLast: 1}, Context{}, testNow)
	other := oci.Image{Digest: digestOf("1"), Kind: oci.KindPlaceholder, Tags: []string{"b0", "sha256-" + strings.Repeat("a", 64) + ".sig"}}
	if stopped := plan.Recheck(oci.Snapshot{Images: []oci.Image{doomed, top, other}}); len(stopped) != 0 {
		t.Errorf("the placeholder of another run keeps %v", stopped)
	}
}

// What an earlier run has begun was counted by its own limit.
func TestMaxDeleteDoesNotCountTwice(t *testing.T) {
	t.Parallel()
	var images []oci.Image
	var pending []oci.Digest
	for n := range 4 {
		images = append(images, oci.Image{Digest: digestOf(string("abcd"[n])), Kind: oci.KindImage, Tags: []string{string("abcd"[n])}, Created: testNow.AddDate(0, 0, -n)})
	}
	for n := range 5 {
		i := oci.Image{Digest: digestOf(string("12345"[n])), Kind: oci.KindImage}
		images, pending = append(images, i), append(pending, i.Digest)
	}
	for limit, refused := range map[string]bool{"1": false, "33%": false, "25%": false, "24%": true} {
		var most Limit
		if err := most.UnmarshalText([]byte(limit)); err != nil {
			t.Fatal(err)
		}
		p := Decide(oci.Snapshot{Images: images}, Policy{KeepLast: 3, MaxDelete: most}, Context{Pending: pending}, testNow)
		if len(p.Deletions()) != 6 || (len(p.Refusals) > 0) != refused {
			t.Errorf("%s: %d deletions, refused %v", limit, len(p.Deletions()), p.Refusals)
		}
	}
}

func TestNeedsBuildDates(t *testing.T) {
	t.Parallel()
	age := func(text string) (a Age) {
		if err := a.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
		return a
	}
	semver := func(text string) (v Versions) {
		if err := v.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
		return v
	}
	refs, err := live.Parse("refs.txt", "main")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		policy Policy
		want   bool
	}{
		"by date":                   {Policy{KeepLast: 2}, true},
		"by name":                   {Policy{KeepLast: 2, Sort: SortName}, false},
		"by version":                {Policy{KeepLast: 2, Sort: SortSemver}, false},
		"and the highest versions":  {Policy{KeepLast: 2, Sort: SortSemver, KeepSemver: semver("3/minor")}, false},
		"highest versions alone":    {Policy{Sort: SortSemver, KeepSemver: semver("3")}, true},
		"and an age":                {Policy{KeepLast: 2, Sort: SortName, KeepYoungerThan: age("1d")}, true},
		"and groups that expire":    {Policy{KeepLast: 2, Sort: SortName, ExpireGroups: age("1d")}, true},
		"and the newest of the day": {Policy{KeepLast: 2, Sort: SortName, KeepDaily: 1}, true},
		"by push date":              {Policy{KeepLast: 2, Sort: SortPushed, KeepDaily: 1}, false},
		"an age by push date":       {Policy{Sort: SortPushed, KeepYoungerThan: age("1d")}, false},
		"names that still exist":    {Policy{KeepLast: 2, Sort: SortName, Live: refs}, true},
		"nothing":                   {Policy{}, true},
	} {
		if got := c.policy.NeedsBuildDates(); got != c.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}
