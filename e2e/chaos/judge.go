package main

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// violation is something that must not happen.
type violation struct {
	kind   string
	run    int // which run, from 1; 0: it is what all of them have left
	detail string
}

func (v violation) String() string {
	if v.run == 0 {
		return v.kind + ": " + v.detail
	}
	return fmt.Sprintf("%s: run %d: %s", v.kind, v.run, v.detail)
}

// The kinds of violations.
const (
	lost       = "lost"        // something that stays is gone or lacks a part
	brokenPush = "broken push" // somebody's push lost a part, and the run does not say so
	bareImage  = "bare image"  // an image that was spared lost its signature's tag, and the run does not say so
	stranded   = "stranded"    // a manifest that nothing leads to any more
	ghost      = "ghost"       // a tag whose manifest is gone
	untrue     = "untrue"      // the report says something else than the storage
	exitCode   = "exit code"   // it says something else than the report
	unfinished = "unfinished"  // calm runs do not bring the repository to where it belongs
	bound      = "bound"       // the program does not end
	crash      = "crash"
	noReport   = "no report"
	secret     = "secret" // a password or token in what people read
)

// judge says what is wrong with a schedule that was played.
func (p *player) judge() []violation {
	var out []violation
	for i, a := range p.acts {
		j := judgement{p: p, a: a, run: i + 1}
		j.keeps()
		for _, r := range a.runs {
			j.ends(r)
			j.secrets(r)
			j.says(r)
			if !a.two {
				j.tells(r)
			}
		}
		out = append(out, j.found...)
	}
	j := judgement{p: p, a: p.last()}
	j.leaves()
	return append(out, j.found...)
}

// judgement collects what is wrong with one act.
type judgement struct {
	p     *player
	a     *act
	run   int
	found []violation
}

func (j *judgement) find(kind, format string, args ...any) {
	v := violation{kind, j.run, fmt.Sprintf(format, args...)}
	if !slices.Contains(j.found, v) {
		j.found = append(j.found, v)
	}
}

// ends checks that a run ended by itself, in time, and has written its report.
func (j *judgement) ends(r outcome) {
	if r.hung {
		j.find(bound, "it did not end within %v of the signal or of --timeout, or within %v in all: %s", drain+slack, patience, tail(r.stderr))
		return
	}
	if strings.Contains(r.stderr, "panic:") || strings.Contains(r.stderr, "fatal error:") {
		j.find(crash, "%s", tail(r.stderr))
	}
	if r.killed {
		return
	}
	if codes := []int{0, 1, 2, 3, 4, 130}; !slices.Contains(codes, r.code) && len(r.signals) < 2 {
		j.find(exitCode, "%d", r.code)
	}
	switch {
	case r.reportErr != nil:
		j.find(noReport, "it is not valid: %v", r.reportErr)
	case r.report == nil && (slices.Contains([]int{0, 1, 3}, r.code) || slices.ContainsFunc(j.a.log, entry.deletes)):
		j.find(noReport, "exit code %d, %d signals, although deletions were sent or planned: %s", r.code, len(r.signals), tail(r.stderr))
	}
}

// deletes reports whether a request takes something away, or tries to.
func (e entry) deletes() bool {
	return strings.HasPrefix(e.kind, "delete") || e.kind == "untag" || e.kind == "retag"
}

// secrets looks for logins in all that people can read.
func (j *judgement) secrets(r outcome) {
	said := r.said()
	for name, s := range map[string]string{
		"the password": password, "the token": token, "the Basic login": basicLogin(),
		"the password in base64": base64.StdEncoding.EncodeToString([]byte(password)),
		"the token in base64":    base64.StdEncoding.EncodeToString([]byte(token)),
	} {
		if strings.Contains(said, s) {
			j.find(secret, "%s is in what it writes", name)
		}
	}
}

// says checks the exit code against the report, and the report against itself.
func (j *judgement) says(r outcome) {
	if r.report == nil || r.killed || r.hung {
		return
	}
	rep := r.report.Repositories[0]
	counts := map[string]int{}
	for _, i := range rep.Images {
		if i.Outcome != nil {
			counts[*i.Outcome]++
		}
	}
	if r.code >= 0 && r.report.ExitCode != r.code {
		j.find(exitCode, "%d, and %d in the report", r.code, r.report.ExitCode)
	}
	if counts["failed"] != rep.Failed || counts["deleted"] != rep.ManifestsDeleted {
		j.find(untrue, "failed %d and manifests_deleted %d, the images say %d and %d", rep.Failed, rep.ManifestsDeleted, counts["failed"], counts["deleted"])
	}
	if r.code == 0 && (counts["failed"]+counts["unsettled"] > 0 || j.leftUnfinished(rep) || rep.Error != nil) {
		j.find(exitCode, "0, with %d failed, %d unsettled, %d unfinished, error %q", counts["failed"], counts["unsettled"], len(rep.Unfinished), deref(rep.Error))
	}
}

// leftUnfinished reports whether a run has left something unfinished for which it answers. What an earlier run has left
// may wait when --timeout ends this one: that does not count as a failure.
func (j *judgement) leftUnfinished(rep repositoryReport) bool {
	reachable := j.a.before.reachable()
	return slices.ContainsFunc(rep.Unfinished, func(d string) bool { return j.a.timeout == 0 || reachable[d] })
}

// tells checks what the report of a single run says of each manifest against the storage.
func (j *judgement) tells(r outcome) {
	if r.report == nil || r.killed || r.hung {
		return
	}
	told := j.toldOf(r.report.Repositories[0])
	gone := 0
	for d := range j.a.before.nodes {
		if _, is := j.a.after.nodes[d]; is || j.late(d) {
			continue
		}
		gone++
		if _, pushed := j.p.w.known(d); pushed && !told[d] {
			j.find(untrue, "%s is gone, which the report does not say", short(d))
		}
	}
	for t := range j.a.before.tags {
		if _, is := j.a.after.tags[t]; !is && !j.late(t) && !j.late(j.a.before.tags[t]) {
			gone++
		}
	}
	for _, sentence := range []string{"nothing was deleted", "nothing to delete", "nothing deleted"} {
		if gone > 0 && strings.Contains(r.stdout+r.stderr, sentence) {
			j.find(untrue, "%q, and %d tags and manifests are gone", sentence, gone)
		}
	}
}

// toldOf returns the manifests of which a report says that they are gone, or not settled, and checks each outcome.
func (j *judgement) toldOf(rep repositoryReport) map[string]bool {
	told, again := map[string]bool{}, j.pushedMeanwhile()
	for _, d := range rep.Unfinished {
		told[d] = true
	}
	for _, i := range rep.Images {
		if i.Outcome == nil {
			continue
		}
		_, was := j.a.before.nodes[i.Digest]
		_, is := j.a.after.nodes[i.Digest]
		switch done := *i.Outcome == "deleted" || *i.Outcome == "gone"; {
		case done && is && !again[i.Digest]:
			j.find(untrue, "%s (%s) is said to be %s and is there", short(i.Digest), strings.Join(i.Tags, ", "), *i.Outcome)
		case done:
			told[i.Digest] = true
		case was && !is && !told[i.Digest] && !j.late(i.Digest):
			j.find(untrue, "%s (%s) is said to be %s (%s) and is gone, and it is not unfinished either", short(i.Digest), strings.Join(i.Tags, ", "), *i.Outcome, deref(i.Error))
			told[i.Digest] = true
		}
	}
	return told
}

// late reports whether an earlier run hung up on the deletion of a digest or a tag: a registry may go on with that for a
// while, and it is not the later run that has done it.
func (j *judgement) late(ref string) bool {
	for _, a := range j.p.acts {
		if a == j.a {
			return false
		}
		if slices.ContainsFunc(a.log, func(e entry) bool { return e.deletes() && e.ref == ref && e.unheard() }) {
			return true
		}
	}
	return false
}

// pushedMeanwhile returns the digests that others pushed during the act.
func (j *judgement) pushedMeanwhile() map[string]bool {
	out := map[string]bool{}
	for _, h := range j.a.happened {
		out[h.top.digest] = true
		for _, c := range h.parts {
			out[c.digest] = true
		}
	}
	return out
}

// leaves checks what is left when the last calm run has ended.
func (j *judgement) leaves() {
	last, line := j.a, j.p.s.line
	if !last.idle() {
		j.find(unfinished, "still not done after %d runs without a fault: exit code %d: %s", maxCalm, last.runs[0].code, tail(last.runs[0].stderr))
	}
	ever, movedOff := j.p.ever()
	end := last.after
	reachable := end.reachable()
	spared := end.families(append(movedOff, j.p.windowed...)...)
	for _, d := range slices.Sorted(maps.Keys(end.nodes)) {
		_, ours := j.p.w.known(d)
		switch {
		case reachable[d] || spared[d]:
		case ever[d]:
			j.find(stranded, "%s", j.p.describe(d))
		case !ours:
			j.find(stranded, "%s, which the program itself has pushed", short(d))
		}
	}
	keep := end.kept(j.p.w.rules)
	for _, t := range slices.Sorted(maps.Keys(end.tags)) {
		d, of := end.tags[t], subjectOf(t)
		_, there := end.nodes[d]
		_, subject := end.nodes[of]
		switch {
		case !there && slices.Contains(j.p.windowed, d) && last.runs[0].mentions(t): // the program never saw the tag with an image
		case !there && last.lists(t) && (line == line3 || !last.runs[0].mentions(t)):
			j.find(ghost, "%s is listed and its manifest %s is gone", t, cmp.Or(short(d), "and its link"))
		case there && of != "" && !subject && ever[of]:
			j.find(stranded, "%s, whose subject is gone: %s", t, j.p.describe(d))
		case there && of == "" && end.nodes[d].placeholder():
			j.find(unfinished, "%s still points at the placeholder %s", t, short(d))
		case there && of == "" && !keep[d]:
			j.find(unfinished, "%s is to go and is there: %s", t, j.p.describe(d))
		}
	}
}

// mentions reports whether a run tells something of a tag other than that it is kept.
func (r outcome) mentions(tag string) bool {
	if r.report != nil {
		rep := r.report.Repositories[0]
		for _, text := range append(append(append([]string{}, rep.GhostTags...), rep.Warnings...), deref(rep.Error)) {
			if strings.Contains(text, tag) {
				return true
			}
		}
	}
	return strings.Contains(r.stderr, tag)
}

// ever returns what a tag has led to at any time, and what tags were moved away from.
func (p *player) ever() (set map[string]bool, movedOff []string) {
	set = map[string]bool{}
	for _, a := range p.acts {
		for _, s := range p.versions(a) {
			maps.Copy(set, s.reachable())
		}
		for _, h := range a.happened {
			for _, d := range []string{h.was, h.off} {
				if d != "" {
					movedOff = append(movedOff, d)
				}
			}
		}
	}
	return set, movedOff
}

// describe names a manifest of the harness.
func (p *player) describe(digest string) string {
	c, _ := p.w.known(digest)
	for i, b := range p.w.builds {
		if b.top.digest == digest {
			return fmt.Sprintf("%s, the %s of build %d", short(digest), c.kind, i)
		}
		for _, part := range b.parts {
			if part.digest == digest {
				return fmt.Sprintf("%s, a %s of build %d", short(digest), c.kind, i)
			}
		}
		for _, e := range b.extras {
			if e.digest == digest {
				return fmt.Sprintf("%s, an attachment (%s) of build %d", short(digest), strings.Join(e.tags, ", "), i)
			}
		}
	}
	return short(digest) + ", " + cmp.Or(c.kind, "not the harness's")
}

func short(digest string) string {
	if len(digest) < 19 {
		return digest
	}
	return digest[:19]
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// tail is the end of a text, for one line.
func tail(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > 400 {
		text = "… " + text[len(text)-400:]
	}
	return text
}
