package report

import (
	"fmt"

	"github.com/regsweep/regsweep/internal/gc"
	"github.com/regsweep/regsweep/internal/prune"
)

// alarm is what a person must see first: a registry that does not serve, kept images that are no longer whole, or pushed
// ones that lack a part. It is "" when all is well. The loudest error is the first one.
func (s Summary) alarm() string {
	switch r := s.GC; {
	case r == nil || r.Err == nil:
	case r.Stopped && !r.Restarted:
		return "THE REGISTRY IS DOWN: " + long(s.GC.Err.Error())
	case len(r.Check.Missing) > 0:
		return "KEPT IMAGES ARE BROKEN: " + long(s.GC.Err.Error())
	}
	return s.brokenAlarm()
}

// brokenAlarm names the first image that was pushed during the run and lacks a part.
func (s Summary) brokenAlarm() string {
	first, n := "", 0
	for _, r := range s.Repositories {
		for _, b := range r.Broken {
			if n++; n == 1 {
				first = fmt.Sprintf("%s in %s %s; %s", short(b.Name, tagRunes), short(r.Name.String(), nameRunes), lacks(b), pushAgain)
			}
		}
	}
	switch {
	case n == 0:
		return ""
	case n > 1:
		first += fmt.Sprintf(" (and %d more)", n-1)
	}
	return "A PUSHED IMAGE IS BROKEN: " + first
}

// pushAgain is what helps when an image lacks a part.
const pushAgain = "push it again"

// tagAgain is what helps when an image that stays has lost its tags.
const tagAgain = "the image is still there: the next run with the same --state-dir tries to put the tags back, or point them to this digest yourself"

// lacks says what is wrong with a broken image.
func lacks(b prune.Broken) string {
	text := "was pushed during this run and lacks parts that it deleted"
	if len(b.Missing) > 0 {
		text = "was pushed during this run and lacks " + long(b.Missing[0].String()) + ", which it deleted"
	}
	if n := len(b.Missing) - 1; n > 0 {
		text += " (and " + plural(n, "more part", "more parts") + ")"
	}
	return text
}

// gcVerdict says in a line what became of the garbage collection.
func gcVerdict(r *gc.Result) string {
	switch {
	case r.Skipped != "":
		return "no garbage collection: " + long(r.Skipped)
	case r.Err != nil:
		return "garbage collection failed: " + long(r.Err.Error())
	}
	text := "garbage collection deleted " + plural(r.Log.BlobsEligible, "blob", "blobs")
	if r.LogIncomplete {
		text = "garbage collection ran to its end"
	}
	if r.Log.ManifestsEligible > 0 {
		text += " and " + plural(r.Log.ManifestsEligible, "manifest", "manifests")
	}
	if r.Measured {
		text += ", freed " + grown(r.Freed)
	}
	return text
}

// grown is a size that may have grown meanwhile.
func grown(n int64) string {
	if n < 0 {
		return "-" + size(-n)
	}
	return size(n)
}

// fact is a line of the section about a garbage collection.
type fact struct{ Name, Text string }

// gcFacts are everything that is known of a garbage collection. Only what came from outside is escaped.
func gcFacts(r *gc.Result) []fact {
	var out []fact
	add := func(name, format string, args ...any) { out = append(out, fact{name, fmt.Sprintf(format, args...)}) }
	if r.Skipped != "" {
		return nil
	}
	switch {
	case r.LogIncomplete:
		add("deleted", "not known, the log was cut off")
	case r.Collected:
		add("deleted", "%s and %s; %s in use", plural(r.Log.BlobsEligible, "blob", "blobs"),
			plural(r.Log.ManifestsEligible, "manifest", "manifests"), plural(r.Log.BlobsMarked, "blob is", "blobs are"))
	}
	switch {
	case r.Measured:
		add("freed", "%s of blobs, %s on the disk, which has %s free now (%s before)", grown(r.Freed), grown(r.StorageFreed), size(r.FreeAfter), size(r.FreeBefore))
	case r.Collected:
		add("freed", "not measured")
	}
	switch {
	case !r.Stopped:
		add("registry", "not stopped")
	case r.Restarted && r.Collected:
		add("registry", "stopped for %s, then restarted; garbage collection took %s of that", seconds(r.Away), seconds(r.Collecting))
	case r.Restarted:
		add("registry", "stopped for %s, then restarted", seconds(r.Away))
	default:
		add("registry", "not serving for %s", seconds(r.Away))
	}
	switch n := len(r.Check.Missing); {
	case n > 0:
		add("verified", "%s of %s missing, such as %s of %s", plural(n, "digest", "digests"), plural(r.Check.Images, "kept image", "kept images"),
			r.Check.Missing[0].Digest, long(r.Check.Missing[0].Repository.String()))
	case r.Verified:
		add("verified", "%s with all their parts", plural(r.Check.Images, "kept image", "kept images"))
	default:
		add("verified", "nothing")
	}
	for _, n := range r.Notes {
		add("note", "%s", long(n))
	}
	if h := Hint(r.Err); h != "" {
		add("hint", "%s", long(h))
	}
	return out
}

// gcPlace says where garbage collection ran, and how.
func gcPlace(r *gc.Result) string {
	text := long(r.Via)
	if r.Version != "" {
		text += ", version " + long(r.Version)
	}
	if r.Mode != "" {
		text += ", " + long(string(r.Mode))
	}
	return text
}
