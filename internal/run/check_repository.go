package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/regsweep/regsweep/internal/gc"
	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/report"
	"github.com/regsweep/regsweep/internal/state"
)

// repositoryCheck is the check of one repository.
type repositoryCheck struct {
	*checker
	repository registry.Repository
	traits     registry.Traits
	snapshot   oci.Snapshot
	access     registry.Access
	section    report.CheckSection
}

func (r *repositoryCheck) add(lines ...report.CheckLine) {
	r.section.Lines = append(r.section.Lines, lines...)
}

// repository checks one repository. held is an image of it, nil where none was read.
func (c *checker) repository(ctx context.Context, name oci.Repository) (report.CheckSection, *gc.Held) {
	r := &repositoryCheck{checker: c, section: report.CheckSection{About: report.AboutRepository, Name: name.String()}}
	client, err := c.Open(name.Host)
	if err != nil {
		r.add(problem(report.TopicRegistry, err))
		return r.section, nil
	}
	r.repository, r.traits = client.Repository(name.Path), client.Traits()
	r.snapshot, err = r.repository.Snapshot(ctx, registry.Query{})
	r.recognize(err)
	r.login(ctx, err == nil)
	if err != nil {
		r.add(problem(report.TopicRead, cancelled(err)))
	} else {
		r.add(r.reads())
		r.contents()
		r.referrers(ctx)
		r.add(r.deletes(ctx))
	}
	r.quota(ctx)
	r.policy(name)
	r.unfinished(name)
	return r.section, r.held(name)
}

// policy says which policy a prune of the repository would follow. A check needs none, so that none is no problem.
func (r *repositoryCheck) policy(name oci.Repository) {
	if r.Policy == nil {
		return
	}
	keep, source, err := r.Policy(name)
	if err != nil {
		l := line(report.TopicPolicy, report.CheckNo, "%v", err)
		l.Err = err
		r.add(l)
		return
	}
	r.add(line(report.TopicPolicy, report.CheckOK, "%s; from %s", keep, source))
}

// held is an image of the repository that a tag leads to; nil when there is none.
func (r *repositoryCheck) held(name oci.Repository) *gc.Held {
	for _, i := range r.snapshot.Images {
		if len(i.Tags) > 0 {
			return &gc.Held{Repository: name, Digest: i.Digest}
		}
	}
	return nil
}

// recognize says what the registry is, and how that was found out.
func (r *repositoryCheck) recognize(err error) {
	how := "told by its host"
	recognizer, undetermined := r.repository.(registry.Recognizer)
	if undetermined {
		how = "told by its first answer"
		r.repository, r.traits = recognizer.Recognized()
	}
	if r.Kind != "" {
		how = "as --registry-kind says"
	}
	if undetermined && r.Kind == "" && err != nil && !answered(err) {
		r.add(line(report.TopicRegistry, report.CheckUnknown, "not known, because it has not answered"))
		return
	}
	r.section.Kind, r.section.Product = r.traits.Kind, r.traits.Product
	r.add(line(report.TopicRegistry, report.CheckOK, "%s (%s), %s", r.traits.Product, r.traits.Kind, how))
}

// answered reports whether a registry has answered with what ended a reading.
func answered(err error) bool {
	var answer *registry.Error
	return errors.As(err, &answer) || errors.Is(err, registry.ErrUnauthorized) || errors.Is(err, registry.ErrForbidden) ||
		errors.Is(err, registry.ErrIncomplete) || errors.Is(err, registry.ErrUnknownRepository) || errors.Is(err, registry.ErrNoToken)
}

// login says where the login comes from; read is true when the repository could be read.
func (r *repositoryCheck) login(ctx context.Context, read bool) {
	inspector, can := r.repository.(registry.Inspector)
	if !can {
		return
	}
	var err error
	r.access, err = inspector.Access(ctx)
	switch {
	case err != nil:
		r.add(unknown(report.TopicLogin, err)) // what needs the login fails with it, and that is the problem
	case r.access.Source == "" && r.access.Asked && read:
		r.add(line(report.TopicLogin, report.CheckNo, "no login is known for this host, and the registry gives tokens without one"))
	case r.access.Source == "":
		r.add(line(report.TopicLogin, report.CheckNo, "no login is known for this host"))
	case r.access.Asked:
		r.add(line(report.TopicLogin, report.CheckOK, "from %s", r.access.Source))
	default:
		r.add(line(report.TopicLogin, report.CheckOK, "from %s; the registry has not asked for it", r.access.Source))
	}
}

// reads says that the repository could be read.
func (r *repositoryCheck) reads() report.CheckLine {
	if _, told := r.repository.(registry.Inspector); told && (r.access.Source == "" || !r.access.Asked) {
		return line(report.TopicRead, report.CheckOK, "this repository can be read without a login")
	}
	return line(report.TopicRead, report.CheckOK, "this login may read this repository")
}

// contents says what the snapshot has.
func (r *repositoryCheck) contents() {
	var tags, tagged, untagged, pushed, dated, datable int
	for _, i := range r.snapshot.Images {
		tags += len(i.Tags)
		if len(i.Tags) > 0 {
			tagged++
		}
		if !i.Pushed.IsZero() {
			pushed++
		}
		whole := i.Kind == oci.KindImage || i.Kind == oci.KindIndex
		switch {
		case whole && len(i.Tags) == 0:
			untagged++
		case whole:
			datable++
			if !i.Created.IsZero() {
				dated++
			}
		}
	}
	r.add(tagsLine(tags, tagged, len(r.snapshot.Ghosts)), untaggedLine(r.traits, untagged), pushTimesLine(r.traits, pushed, len(r.snapshot.Images)), datesLine(dated, datable))
}

func tagsLine(tags, images, ghosts int) report.CheckLine {
	l := counted(line(report.TopicTags, report.CheckOK, "the registry lists %s of %s", number(tags, "tag"), number(images, "image")), tags, -1)
	if ghosts > 0 {
		l.Text += fmt.Sprintf(", and %s without a manifest", number(ghosts, "tag"))
	}
	return l
}

func untaggedLine(t registry.Traits, n int) report.CheckLine {
	if !t.ListsUntagged && n == 0 {
		return line(report.TopicUntagged, report.CheckNo, "the registry does not list manifests without a tag")
	}
	return counted(line(report.TopicUntagged, report.CheckOK, "the registry lists manifests without a tag: %d now", n), n, -1)
}

func pushTimesLine(t registry.Traits, n, all int) report.CheckLine {
	switch {
	case n > 0:
		return counted(line(report.TopicPushTimes, report.CheckOK, "known of %d of %s", n, number(all, "manifest")), n, all)
	case t.PushTime && all == 0:
		return line(report.TopicPushTimes, report.CheckUnknown, "the repository has no manifest that would show them")
	}
	return counted(line(report.TopicPushTimes, report.CheckNo, "the registry does not say when an image was pushed"), 0, all)
}

func datesLine(n, all int) report.CheckLine {
	switch {
	case all == 0:
		return line(report.TopicBuildDates, report.CheckUnknown, "no image has a tag")
	case n == 0:
		l := counted(line(report.TopicBuildDates, report.CheckNo, "usable of none of %s with a tag", number(all, "image")), 0, all)
		l.Advice = "rules by age or date keep such images; --sort semver or --sort name needs no date, and --undated oldest counts them as the oldest"
		return l
	}
	return counted(line(report.TopicBuildDates, report.CheckOK, "usable of %d of %s with a tag", n, number(all, "image")), n, all)
}

// referrers says whether the registry has the referrers API.
func (r *repositoryCheck) referrers(ctx context.Context) {
	inspector, can := r.repository.(registry.Inspector)
	if !can {
		return
	}
	at := slices.IndexFunc(r.snapshot.Images, func(i oci.Image) bool { return len(i.Tags) > 0 })
	if at < 0 {
		r.add(line(report.TopicReferrers, report.CheckUnknown, "no image has a tag, so there is nothing to ask about"))
		return
	}
	switch served, err := inspector.ServesReferrers(ctx, r.snapshot.Images[at].Digest); {
	case err != nil:
		r.add(unknown(report.TopicReferrers, cancelled(err)))
	case served:
		r.add(line(report.TopicReferrers, report.CheckOK, "the registry serves the referrers API"))
	default:
		r.add(line(report.TopicReferrers, report.CheckNo, "the registry does not serve the referrers API; signatures and attestations have tags there"))
	}
}

// errQuota is the problem of a login that may send nothing more.
var errQuota = registry.Mark(errors.New("no request is left"), registry.ErrLimited)

// quota says how many requests the registry still allows, where it says so.
func (r *repositoryCheck) quota(ctx context.Context) {
	q, has := r.repository.(registry.Quota)
	if !has {
		return
	}
	left, resets, known := q.Remaining(ctx)
	until := ""
	if !resets.IsZero() {
		until = " until " + resets.UTC().Format(time.RFC3339)
	}
	switch {
	case !known:
		r.add(line(report.TopicQuota, report.CheckUnknown, "the registry does not say how many requests are left"))
	case left <= 0:
		r.add(counted(problem(report.TopicQuota, fmt.Errorf("%w%s", errQuota, until)), 0, -1))
	default:
		r.add(counted(line(report.TopicQuota, report.CheckOK, "%s left%s", number(left, "request"), until), left, -1))
	}
}

// unfinished counts the deletions that earlier runs have begun in the repository and not finished.
func (r *repositoryCheck) unfinished(name oci.Repository) {
	if r.StateFolder == "" {
		return
	}
	left, err := state.Unfinished(r.StateFolder, name)
	switch n := len(left); {
	case err != nil:
		l := unknown(report.TopicUnfinished, err)
		l.Advice = "run the version that wrote the journal, or remove the file to forget what it lists"
		r.add(l)
	case n == 0:
		r.add(counted(line(report.TopicUnfinished, report.CheckOK, "no earlier run has left a deletion unfinished"), 0, -1))
	default:
		r.add(counted(line(report.TopicUnfinished, report.CheckOK, "%s of earlier runs unfinished; the next prune finishes them", deletions(n)), n, -1))
	}
}

// number is a count with its unit.
func number(n int, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, strings.TrimSuffix(unit, "s"))
}
