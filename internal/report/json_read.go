package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/retain"
)

// maxJSON bounds what is read of a report: one of some 300,000 images.
const maxJSON = 256 << 20

// maxElapsed bounds elapsed_seconds to what a [time.Duration] holds.
const maxElapsed = float64(math.MaxInt64 / int64(time.Second))

// readReport and readRepository are what is read of the JSON: what is written has the images one by one instead.
type (
	readReport struct {
		jsonReport
		Repositories []readRepository `json:"repositories"`
		Checks       json.RawMessage  `json:"checks"` // of another report
	}
	readRepository struct {
		jsonRepository
		Images []jsonImage `json:"images"`
	}
)

// ReadJSON reads a report that [WriteJSON] wrote. Keys that it does not know are ignored, because they are added with
// time; another schema is an error, and so is a report that contradicts itself: a merge of reports relies on their
// numbers. The summary says what the JSON says: blobs are not in it, so that the bytes are the report's own.
func ReadJSON(r io.Reader) (Summary, error) {
	limited := &io.LimitedReader{R: r, N: maxJSON + 1}
	decoder := json.NewDecoder(limited)
	var in readReport
	if err := decoder.Decode(&in); err != nil {
		if limited.N <= 0 {
			return Summary{}, fmt.Errorf("read JSON report: it is larger than %s", size(maxJSON))
		}
		return Summary{}, fmt.Errorf("read JSON report: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return Summary{}, errors.New("read JSON report: more text follows its end")
	}
	if in.Checks != nil {
		return Summary{}, errors.New("read JSON report: it is the report of regsweep check, which cannot be merged")
	}
	if in.Schema != Schema {
		return Summary{}, fmt.Errorf("read JSON report: its schema is %q, not %q", clip(in.Schema, tagRunes), Schema)
	}
	out := Summary{DryRun: in.DryRun, ExitCode: in.ExitCode, CI: CI{Name: in.CI.Name, BuildURL: in.CI.BuildURL}, Policy: in.Policy}
	var err error
	if out.Started, err = readMoment(in.Started); err != nil {
		return Summary{}, err
	}
	if in.ElapsedSeconds < 0 || in.ElapsedSeconds >= maxElapsed {
		return Summary{}, fmt.Errorf("read JSON report: it took %g seconds", in.ElapsedSeconds)
	}
	out.Elapsed = time.Duration(math.Round(in.ElapsedSeconds*1000)) * time.Millisecond
	if out.Shard, err = in.Shard.shard(); err != nil {
		return Summary{}, err
	}
	for _, r := range in.Repositories {
		read, err := r.outcome()
		if err != nil {
			return Summary{}, fmt.Errorf("read JSON report: %s: %w", clip(r.Repository, nameRunes), err)
		}
		out.Repositories = append(out.Repositories, read)
	}
	if out.GC, err = in.GC.result(); err != nil {
		return Summary{}, fmt.Errorf("read JSON report: %w", err)
	}
	return out, nil
}

func (in readRepository) outcome() (Outcome, error) {
	host, path, _ := strings.Cut(in.Repository, "/")
	bytes := in.UniqueBytesDeleted
	out := Outcome{Name: oci.Repository{Host: host, Path: path}, Kind: in.RegistryKind, Frees: in.RegistryFrees, Page: in.PageURL, Policy: in.Policy, Warnings: in.Warnings, KnownBytes: &bytes, KnownInUse: in.BytesInUse, Method: in.DeletedBy, Why: in.DeletedByReason, Unfinished: in.Unfinished}
	if in.Untagged > 0 {
		out.KnownUntagged = &UntaggedTotals{in.Untagged, in.UntaggedBytes}
	}
	for _, name := range in.JustBuilt {
		pushed := oci.Pushed{Reference: oci.Reference{Repository: out.Name, Tag: name}, Source: "report"}
		if short := oci.Digest(name); strings.Contains(name, ":") && retain.ShortDigest(short) == name { // no tag
			pushed.Tag, pushed.Digest = "", oci.Digest(name)
		}
		out.Pushed = append(out.Pushed, pushed)
	}
	if in.Error != nil {
		failed := readError{text: *in.Error, hint: textOf(in.Hint)}
		if in.Late {
			failed.kind = ErrTimeout
		}
		out.Err = failed
	}
	if in.wasRead() {
		out.Plan = &retain.Plan{Repository: out.Name, Ghosts: in.GhostTags}
		out.Outcomes = make(map[oci.Digest]prune.Outcome, len(in.Images))
		for _, f := range in.Refusals {
			refusal := retain.Refusal{Guard: f.Guard, Detail: f.Detail}
			if f.Hint != nil {
				refusal.Advice = *f.Hint
			}
			out.Plan.Refusals = append(out.Plan.Refusals, refusal)
		}
	}
	for _, b := range in.Broken {
		out.Broken = append(out.Broken, prune.Broken(b))
	}
	for _, i := range in.Images {
		if err := out.readImage(i); err != nil {
			return Outcome{}, err
		}
	}
	got, want := out.Totals(), Totals{
		Kept: in.Kept, Deleted: in.Deleted, Gone: in.Gone, Failed: in.Failed, Skipped: in.Skipped, Planned: in.Planned, Unsettled: in.Unsettled, Retained: in.Retained, Broken: len(in.Broken),
		Manifests: in.ManifestsDeleted, UniqueBytes: in.UniqueBytesDeleted,
	}
	// Told by the images alone.
	want.Unmeasured, want.PartsGone, want.PartsLeft = got.Unmeasured, got.PartsGone, got.PartsLeft
	if got != want || want.UniqueBytes < 0 || in.BytesInUse != nil && *in.BytesInUse < 0 {
		return Outcome{}, errors.New("its numbers are not those of its images")
	}
	return out, nil
}

// wasRead reports whether the repository was read. Reports of earlier versions tell it by what they have of it.
func (in readRepository) wasRead() bool {
	if in.Read != nil {
		return *in.Read || len(in.Images)+len(in.GhostTags)+len(in.Refusals) > 0
	}
	return len(in.Images)+len(in.GhostTags)+len(in.Refusals)+len(in.Warnings) > 0 || in.Error == nil
}

// readImage adds an image to the plan, and what became of it to the outcomes.
func (r *Outcome) readImage(in jsonImage) error {
	created, err := readMoment(in.Created)
	if err != nil {
		return err
	}
	pushed, err := readMoment(in.Pushed)
	if err != nil {
		return err
	}
	d := retain.Decision{
		Image: oci.Image{
			Digest: in.Digest, Kind: in.Kind, Tags: in.Tags, Created: created, Pushed: pushed, Unread: in.Size == nil,
			Children: in.Children, Missing: in.MissingChildren,
		},
		Verdict: in.Verdict, Group: in.Group,
	}
	for _, reason := range in.Reasons {
		d.Reasons = append(d.Reasons, retain.Reason(reason))
	}
	if in.Size != nil {
		d.Image.Size = *in.Size
	}
	r.Plan.Decisions = append(r.Plan.Decisions, d)
	outcome := prune.Outcome{Detail: textOf(in.Error)}
	if in.Outcome != nil {
		outcome.Status = *in.Outcome
	}
	if len(in.RemovedTags) > 0 {
		if r.Untagged == nil {
			r.Untagged = map[oci.Digest][]string{}
		}
		r.Untagged[in.Digest] = in.RemovedTags
	}
	switch {
	case in.Digest == "" || d.Image.Size < 0 || !slices.Contains(knownKinds, in.Kind):
		return fmt.Errorf("an entry is not an image: digest %q, kind %q, size %d", clip(in.Digest.String(), textRunes), clip(string(in.Kind), tagRunes), d.Image.Size)
	case in.Verdict == retain.Keep && outcome == (prune.Outcome{}):
		return nil
	case in.Verdict != retain.Delete || !slices.Contains(knownStatuses, outcome.Status):
		return fmt.Errorf("%s: verdict %q with outcome %q is not known", clip(in.Digest.String(), textRunes), clip(string(in.Verdict), tagRunes), clip(string(outcome.Status), tagRunes))
	}
	if _, twice := r.Outcomes[in.Digest]; twice {
		return fmt.Errorf("it lists %s twice", clip(in.Digest.String(), textRunes))
	}
	r.Outcomes[in.Digest] = outcome
	return nil
}

var (
	knownKinds    = []oci.Kind{oci.KindImage, oci.KindIndex, oci.KindChild, oci.KindAttachment, oci.KindPlaceholder}
	knownStatuses = []prune.Status{prune.Deleted, prune.Gone, prune.Failed, prune.Skipped, prune.Planned, prune.Unsettled, prune.Retained}
)

func readMoment(text *string) (time.Time, error) {
	if text == nil {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, *text)
	if err != nil {
		return time.Time{}, fmt.Errorf("read JSON report: %q is not a time", clip(*text, tagRunes))
	}
	return t.UTC(), nil
}
