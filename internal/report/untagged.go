package report

import (
	"fmt"
	"slices"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/retain"
)

// staysUntagged reports whether a manifest stays for no other reason than that the policy does not give up untagged
// manifests. It is no image that the rules keep, and it is not counted among those.
func staysUntagged(d *retain.Decision) bool {
	return d.Verdict == retain.Keep && len(d.Reasons) > 0 && !slices.ContainsFunc(d.Reasons, func(r retain.Reason) bool { return r.Rule != retain.RuleUntagged })
}

// untaggedSet are the untagged manifests that stay, with the parts and attachments that stay for them alone.
func (r Outcome) untaggedSet() map[oci.Digest]bool {
	out := map[oci.Digest]bool{}
	if r.Plan == nil {
		return out
	}
	holders := map[oci.Digest][]oci.Digest{} // of parts and attachments
	for i := range r.Plan.Decisions {
		d := &r.Plan.Decisions[i]
		if staysUntagged(d) {
			out[d.Image.Digest] = true
		}
		if d.Verdict != retain.Keep {
			continue
		}
		for _, c := range d.Image.Children {
			holders[c] = append(holders[c], d.Image.Digest)
		}
		holders[d.Image.Digest] = append(holders[d.Image.Digest], d.Image.Subjects()...)
	}
	if len(out) == 0 {
		return out
	}
	for grown := true; grown; {
		grown = false
		for i := range r.Plan.Decisions {
			d := &r.Plan.Decisions[i]
			held := holders[d.Image.Digest]
			follows := func(x retain.Reason) bool { return x.Rule != retain.RuleChild && x.Rule != retain.RuleAttachment }
			if d.Verdict != retain.Keep || out[d.Image.Digest] || len(held) == 0 || slices.ContainsFunc(d.Reasons, follows) {
				continue
			}
			if !slices.ContainsFunc(held, func(h oci.Digest) bool { return !out[h] }) {
				out[d.Image.Digest], grown = true, true
			}
		}
	}
	return out
}

// untagged counts the untagged manifests that stay, and the bytes of the blobs that only they and their parts use. Where
// a manifest was not read, the bytes are not known, and 0.
func (r Outcome) untagged() (manifests int, bytes int64) {
	if r.KnownUntagged != nil {
		return r.KnownUntagged.Manifests, r.KnownUntagged.Bytes
	}
	set := r.untaggedSet()
	if r.Plan == nil || len(set) == 0 {
		return 0, 0
	}
	for i := range r.Plan.Decisions {
		if staysUntagged(&r.Plan.Decisions[i]) {
			manifests++
		}
	}
	return manifests, bytesOf([]Outcome{r}, func(r Outcome, d *retain.Decision) bool { return set[d.Image.Digest] || !survives(r.status(d)) }) - uniqueBytes(r)
}

// untaggedRemark says how many untagged manifests stay, what they hold, and what deletes them.
func (r Outcome) untaggedRemark() string {
	n, bytes := r.untagged()
	if n == 0 {
		return ""
	}
	text := plural(n, "manifest without a tag stays", "manifests without a tag stay")
	if bytes > 0 {
		text += fmt.Sprintf(" (%s that nothing else uses)", size(bytes))
	}
	return text + "; --untagged AGE deletes those that are at least that old"
}
