package report

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/retain"
)

// nasty is what a hostile registry may put wherever it can put text.
const nasty = "a|b `c` <script>alert(1)</script> <!-- [x](http://evil) **b** @admin #1 &lt; ##[error] \x1b[31mred\x1b[0m\r\n::error::x \u202Eright \u0085next \xff $x$"

// cases are the summaries of the golden files.
func cases() map[string]Summary {
	return map[string]Summary{
		"ordinary":      ordinary(),
		"dry_run":       dryRun(),
		"refused_many":  refusedMany(),
		"refused_twice": refusedTwice(),
		"unread":        unreadOnly(),
		"partial":       partial(),
		"cancelled":     cancelled(),
		"several":       several(),
		"multi_arch":    multiArch(),
		"empty":         summary(repo("zdtest")),
		"nothing_to_do": summary(repo("zdtest").pair(12)),
		"hostile":       hostile(nasty),
		"ghosts":        ghosts(),
		"undated":       undated(),
		"none":          summary(),
		"unsettled":     unsettled(),
		"broken":        broken(),
		"grouped":       grouping(),
		"grouped_dry":   groupedDry(),
		"grouped_many":  groupedMany(),
		"grouped_ill":   groupedIll(nasty),
		"warned":        warned(),
	}
}

func ordinary() Summary {
	f := repo("zdtest").pair(28)
	f.keep(f.image(40*day, 84*mib, "11", "release-1.0"), "shares its digest with release-1.0 (out of scope)")
	return summary(f.builds(26, 12, deleted).builds(10, 9, gone).builds(8, 1, deleted))
}

// warned has a warning of all repositories, one of two of them, and one of a single one.
func warned() Summary {
	var all []*fixture
	for n, path := range []string{"team/api", "team/web", "team/docs", "team/worker", "team/site"} {
		f := repo(path).pair(9).builds(7, 6, planned)
		f.r.Plan.Warnings = []string{"--protect: release-* matches no tag"}
		switch n {
		case 0, 4:
			f.r.Warnings = []string{"the registry does not say when an image was pushed " + strings.ToValidUTF8(nasty, "")} // as JSON has it
		case 2:
			f.r.Warnings = []string{"a warning of its own", "a warning of its own"}
		}
		all = append(all, f)
	}
	s := summary(all...)
	s.DryRun = true
	return s
}

func dryRun() Summary {
	s := summary(repo("zdtest").pair(9).builds(7, 1, planned))
	s.DryRun = true
	return s
}

func refusedMany() Summary {
	f := repo("zdtest").pair(30).builds(28, 1, skipped("refused: the plan deletes 28 of 30 images, the limit is 20%"))
	f.r.Plan.Refusals = []retain.Refusal{{Guard: "max-delete", Detail: "the plan deletes 28 of 30 images, the limit is 20%"}}
	f.r.Err = errors.New("refused by a guard: the plan deletes 28 of 30 images, the limit is 20%")
	s := summary(f)
	s.ExitCode, s.Policy = 3, s.Policy+"; delete at most 20%"
	return s
}

func refusedTwice() Summary {
	f := repo("zdtest").pair(5).builds(3, 1, skipped("refused"))
	f.r.Pushed = []oci.Pushed{
		{Reference: oci.Reference{Repository: f.r.Name, Tag: "6"}, Source: "IMAGE"},
		{Reference: oci.Reference{Repository: f.r.Name, Tag: "main"}, Source: "branch", Assumed: true},
		{Reference: oci.Reference{Repository: f.r.Name, Digest: digest(77)}, Source: "argument"},
	}
	f.r.Plan.Refusals = []retain.Refusal{
		{Guard: "just-built", Detail: "the pipeline pushed registry.example.com:5000/zdtest:6 (source: IMAGE), but the repository does not have this tag"},
		{Guard: "just-built", Detail: "the pipeline pushed registry.example.com:5000/zdtest@" + digest(77).String() + " (source: argument), but the repository does not have this digest"},
	}
	s := summary(f)
	s.ExitCode = 3
	return s
}

// unsettled is a run whose registry went away in the middle of an index and of the removal of a tag.
func unsettled() Summary {
	noAnswer := prune.Outcome{Status: prune.Unsettled, Detail: "DELETE https://registry.example.com:5000/v2/zdtest/manifests/sha256:07: sent and not answered: connection reset by peer"}
	f := repo("zdtest").pair(9).builds(7, 6, deleted)
	index := f.image(9*day, 0, "5")
	child := f.image(9*day, 60*mib)
	child.Kind, index.Kind, index.Children = oci.KindChild, oci.KindIndex, []oci.Digest{child.Digest}
	f.drop(index, noAnswer, "beyond the last 2")
	f.drop(child, skipped("5 is perhaps deleted, and it depends on it"), "child of 5")
	untagged := f.image(10*day, 84*mib, "4")
	f.drop(untagged, skipped("the registry stopped answering"), "beyond the last 2")
	f.r.Untagged = map[oci.Digest][]string{untagged.Digest: {"4"}}
	f.r.Unfinished = []oci.Digest{index.Digest, child.Digest, untagged.Digest}
	s := summary(f)
	s.ExitCode = 1
	return s
}

// broken is a run during which somebody pushed an index that shares a part with a doomed one, and gave a tag to an image
// whose signature had just lost its own.
func broken() Summary {
	f := repo("zdtest").pair(9).builds(7, 3, deleted)
	signature := f.image(9*day, 30*mib, "sha256-"+digest(2).Encoded()+".sig")
	signature.Kind = oci.KindAttachment
	f.drop(signature, skipped("it is attached to 2, which tag stable has come to need"), "attached to 2")
	f.r.Untagged = map[oci.Digest][]string{signature.Digest: signature.Tags}
	f.r.Broken = []prune.Broken{
		{Name: "10", Digest: digest(90), Missing: []oci.Digest{digest(4), digest(5)}},
		{Name: digest(91).String(), Digest: digest(91), Missing: []oci.Digest{digest(4)}},
	}
	s := summary(f)
	s.ExitCode = 1
	return s
}

func unreadOnly() Summary {
	f := repo("zdtest")
	f.r.Plan, f.r.Err = nil, errors.New("list tags: GET https://registry.example.com:5000/v2/zdtest/tags/list: 401 UNAUTHORIZED: authentication required")
	s := summary(f)
	s.ExitCode = 4
	return s
}

func partial() Summary {
	f := repo("zdtest").pair(9)
	f.drop(f.image(9*time.Hour, 84*mib, "7"), failed("DELETE https://registry.example.com:5000/v2/zdtest/manifests/sha256:07: 500 UNKNOWN: filesystem: read-only (after 5 tries)"), "beyond the last 2")
	f.builds(6, 3, deleted)
	f.drop(f.image(20*time.Hour, 84*mib, "2", "rc"), skipped("needed by tag rc, which changed after the plan was made"), "beyond the last 2")
	child := f.image(21*time.Hour, 60*mib)
	child.Kind = oci.KindChild
	f.drop(child, failed("DELETE: 503 Service Unavailable (after 5 tries)"), "child of nothing that is kept")
	s := summary(f)
	s.ExitCode = 1
	return s
}

func cancelled() Summary {
	f := repo("zdtest").pair(60).builds(58, 51, deleted).builds(50, 1, skipped("cancelled"))
	f.r.Err = errors.New("cancelled: context canceled")
	s := summary(f)
	s.ExitCode = 130
	return s
}

func several() Summary {
	unread := repo("team/private")
	unread.r.Plan, unread.r.Err = nil, errors.New("list tags: 403 DENIED: requested access to the resource is denied")
	refused := repo("team/web").pair(40).builds(38, 1, skipped("refused"))
	refused.r.Plan.Refusals = []retain.Refusal{{Guard: "max-delete", Detail: "the plan deletes 38 of 40 images, the limit is 10 images"}}
	one := repo("team/worker").pair(8)
	one.drop(one.image(7*day, 84*mib, "6"), failed("405 UNSUPPORTED: The operation is unsupported"), "beyond the last 2")
	s := summary(repo("team/api").pair(17).builds(15, 1, deleted), repo("team/docs").pair(3), one, refused, unread)
	s.ExitCode = 4
	return s
}

func multiArch() Summary {
	f := repo("multi")
	f.multiArch("v2.0.0", 2*time.Hour, func(i oci.Image, why ...string) { f.keep(i, why...) })
	f.multiArch("v1.9.0", 9*day, func(i oci.Image, _ ...string) { f.drop(i, deleted, "beyond the last 1") })
	broken := f.image(50*day, 0, "v1.0.0")
	broken.Kind, broken.Size, broken.Blobs = oci.KindIndex, 0, nil
	broken.Children, broken.Missing = []oci.Digest{digest(500), digest(501)}, []oci.Digest{digest(500), digest(501)}
	f.drop(broken, deleted, "beyond the last 1")
	f.r.Plan.Warnings = []string{"v1.0.0 is broken: the registry has no manifest for 2 of the 2 that it lists"}
	s := summary(f)
	s.Policy = "keep the last 1"
	return s
}

// hostile is a summary that has the text wherever a registry, or a name, can bring it in.
func hostile(nasty string) Summary {
	f := repo("zdtest")
	f.r.Name.Path = nasty
	f.r.Pushed = []oci.Pushed{{Reference: oci.Reference{Repository: f.r.Name, Tag: nasty}, Source: nasty}}
	f.keep(f.image(time.Hour, 40*mib, nasty), nasty)
	f.drop(f.image(2*time.Hour, 40*mib, "::set-env name=PATH::/tmp", "x"), failed(nasty+strings.Repeat("<page>", 1000)), nasty)
	f.drop(f.image(2*time.Hour, 40*mib, nasty), skipped(nasty), nasty)
	f.drop(f.image(2*time.Hour, 40*mib, nasty), deleted, nasty)
	f.r.Plan.Warnings, f.r.Plan.Ghosts = []string{nasty}, []string{nasty}
	f.r.Err, f.r.Method, f.r.Why = errors.New(nasty), prune.Method(nasty), nasty
	g := repo("zdtest")
	g.r.Plan, g.r.Err = nil, errors.New(nasty)
	g.r.Name.Path = "##vso[task.complete]"
	h := repo("zdtest")
	h.r.Plan.Refusals = []retain.Refusal{{Guard: nasty, Detail: nasty}}
	s := summary(f, g, h)
	s.Policy, s.CI = nasty, CI{Name: nasty, BuildURL: nasty}
	return s
}

func ghosts() Summary {
	f := repo("zdtest").pair(4).builds(2, 1, deleted)
	f.r.Plan.Ghosts = []string{"b1", "b2"}
	for i := range 14 {
		f.r.Plan.Ghosts = append(f.r.Plan.Ghosts, fmt.Sprintf("old-%d", i))
	}
	f.r.Plan.Warnings = []string{"--protect prod-* matches no tag", "--tags v* matches no tag"}
	return summary(f)
}

func undated() Summary {
	f := repo("zdtest").pair(30)
	for i := range 3 {
		im := f.image(0, 40*mib, fmt.Sprintf("cache-%d", i))
		im.Created = time.Time{}
		f.keep(im, "no usable date")
	}
	many := f.image(4*time.Hour, 84*mib)
	for i := range 20 {
		many.Tags = append(many.Tags, fmt.Sprintf("2026.%d", i+1))
	}
	f.keep(many, "protected by 2026.*")
	f.builds(28, 12, deleted)
	for range 4 {
		im := f.image(0, 40*mib)
		im.Created = time.Time{}
		f.drop(im, deleted, "beyond the last 2")
	}
	future := f.image(-time.Hour, 40*mib, "tomorrow")
	return summary(f.drop(future, deleted, "beyond the last 2"))
}

// in puts the images of the repository from the n-th on into a group.
func (f *fixture) in(group string, from int) *fixture {
	for i := from; i < len(f.r.Plan.Decisions); i++ {
		f.r.Plan.Decisions[i].Group = group
	}
	return f
}

// branch makes a group of builds an interval apart, of which the newest stay.
func (f *fixture) branch(group string, age, interval time.Duration, keep, drop int, o prune.Outcome) *fixture {
	from := len(f.r.Plan.Decisions)
	for i := range keep + drop {
		im := f.image(age+time.Duration(i)*interval, 84*mib, fmt.Sprintf("%s-%d", group, keep+drop-i))
		if i < keep {
			f.keep(im, fmt.Sprintf("last %d of %d in %s", i+1, keep, group))
		} else {
			f.drop(im, o, fmt.Sprintf("beyond the last %d in %s", keep, group))
		}
	}
	return f.in(group, from)
}

func grouping() Summary {
	f := repo("zdtest").branch("main", 2*time.Hour, 5*time.Hour, 3, 41, deleted).branch("feature/login", 3*day, day, 1, 4, deleted)
	f.branch("gone", 90*day, day, 0, 3, deleted)
	both := f.image(30*time.Hour, 84*mib, "hotfix-1", "main-99")
	f.keep(both, "last 1 of 1 in hotfix").in("hotfix, main", len(f.r.Plan.Decisions)-1)
	from := len(f.r.Plan.Decisions)
	undated := f.image(0, 84*mib, "hotfix-0")
	undated.Created = time.Time{}
	f.drop(undated, failed("500 Internal Server Error"), "beyond the last 1 in hotfix").in("hotfix", from)
	f.keep(f.image(400*day, 84*mib, "v1.0"), "protected by v*")
	s := summary(f)
	s.ExitCode, s.Policy = 1, "keep the last 3, in each group of ^(.+)-[0-9]+$; protect v*"
	return s
}

func groupedDry() Summary {
	f := repo("zdtest").branch("main", 2*time.Hour, 5*time.Hour, 2, 5, planned).branch("dev", 9*day, day, 1, 1, planned)
	s := summary(f)
	s.DryRun = true
	return s
}

func groupedMany() Summary {
	f := repo("zdtest")
	for i := range 30 {
		f.branch(fmt.Sprintf("feature-with-a-rather-long-name-%d", i), time.Duration(i+1)*7*time.Hour, 3*time.Hour, 1, 1+i, skipped("refused"))
	}
	f.r.Plan.Refusals = []retain.Refusal{{Guard: "max-delete", Detail: "the plan deletes 465 of 495 images, the limit is 20%"}}
	s := summary(f)
	s.ExitCode = 3
	return s
}

// groupedIll has the text wherever the name of a group is shown.
func groupedIll(nasty string) Summary {
	f := repo("zdtest").branch("x"+nasty, time.Hour, day, 1, 2, deleted)
	return summary(f.branch("y", 2*time.Hour, day, 1, 1, deleted))
}

// large is a run over so many repositories of so many images each; every tenth deletion failed.
func large(repositories, images int) Summary {
	var fs []*fixture
	for i := range repositories {
		f := repo(fmt.Sprintf("team/app-%d", i)).pair(images)
		for b := images - 2; b > 0; b-- {
			o := deleted
			if b%10 == 0 {
				o = failed("500 Internal Server Error")
			}
			f.drop(f.image(time.Duration(images-b)*time.Hour, 84*mib, fmt.Sprintf("build-%d", b), fmt.Sprintf("sha-%07x", b)), o, "beyond the last 2", "41 days old")
		}
		fs = append(fs, f)
	}
	return summary(fs...)
}
