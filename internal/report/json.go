package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/retain"
)

// Schema names the version of the JSON report. Keys are only ever added to it.
const Schema = "regsweep/v1"

// The order of the fields is the order of the keys: first those of version 1 as it was first written, then additions.
type (
	jsonReport struct {
		Schema         string           `json:"schema"`
		DryRun         bool             `json:"dry_run"`
		Started        *string          `json:"started"`
		ElapsedSeconds float64          `json:"elapsed_seconds"`
		ExitCode       int              `json:"exit_code"`
		CI             jsonCI           `json:"ci"`
		Policy         string           `json:"policy"`
		Repositories   []jsonRepository `json:"repositories"`
		GC             *jsonGC          `json:"gc"` // null: no garbage collection was asked for
		Shard          *jsonShard       `json:"shard,omitempty"`
		Explained      []jsonExplained  `json:"explained,omitempty"`
	}
	jsonCI struct {
		Name     string `json:"name"`
		BuildURL string `json:"build_url"`
	}
	jsonRepository struct {
		Repository         string        `json:"repository"`
		Error              *string       `json:"error"`
		Late               bool          `json:"late,omitempty"` // its turn did not come within --timeout
		Images             string        `json:"images"`         // imagesMark: they are written one by one
		GhostTags          []string      `json:"ghost_tags"`
		Kept               int           `json:"kept"`
		Deleted            int           `json:"deleted"`
		Failed             int           `json:"failed"`
		Skipped            int           `json:"skipped"`
		UniqueBytesDeleted int64         `json:"unique_bytes_deleted"`
		BytesInUse         *int64        `json:"bytes_in_use,omitempty"` // not there when not known
		Gone               int           `json:"gone"`
		Planned            int           `json:"planned"`
		ManifestsDeleted   int           `json:"manifests_deleted"`
		JustBuilt          []string      `json:"just_built"`
		Refusals           []jsonRefusal `json:"refusals"`
		Warnings           []string      `json:"warnings"`
		Policy             string        `json:"policy"`
		DeletedBy          prune.Method  `json:"deleted_by"` // "" when nothing was deleted
		Unfinished         []oci.Digest  `json:"unfinished"` // what a later run has to delete, as the journal has it
		Hint               *string       `json:"hint"`       // what helps against the error
		Read               *bool         `json:"read"`       // whether the repository was read; missing in old reports
		Unsettled          int           `json:"unsettled"`
		Broken             []jsonBroken  `json:"broken"`  // pushed meanwhile, and without parts
		Undated            int           `json:"undated"` // images that stay because rules need a date and they have none
		Retained           int           `json:"retained"`
		Untagged           int           `json:"untagged"`       // manifests without a tag that stay
		UntaggedBytes      int64         `json:"untagged_bytes"` // of the blobs that only they and their parts use
		RegistryKind       string        `json:"registry_kind"`  // "" when that is not known
		RegistryFrees      bool          `json:"registry_frees,omitempty"`
		PageURL            string        `json:"page_url,omitempty"`          // of the registry's page for people; not there when not known
		DeletedByReason    string        `json:"deleted_by_reason,omitempty"` // not there where there was nothing to choose
	}
	jsonRefusal struct {
		Guard  string  `json:"guard"`
		Detail string  `json:"detail"`
		Hint   *string `json:"hint"`
	}
	jsonBroken struct {
		Name    string       `json:"name"`
		Digest  oci.Digest   `json:"digest"`
		Missing []oci.Digest `json:"missing"`
	}
	jsonImage struct {
		Digest          oci.Digest     `json:"digest"`
		Kind            oci.Kind       `json:"kind"`
		Tags            []string       `json:"tags"`
		Created         *string        `json:"created"`
		Pushed          *string        `json:"pushed"` // null: the registry does not say
		Size            *int64         `json:"size"`   // null: the manifest was not read
		Group           string         `json:"group"`
		Verdict         retain.Verdict `json:"verdict"`
		Reasons         []jsonReason   `json:"reasons"`
		Outcome         *prune.Status  `json:"outcome"`
		Error           *string        `json:"error"`
		MissingChildren []oci.Digest   `json:"missing_children"`
		Children        []oci.Digest   `json:"children"`
		RemovedTags     []string       `json:"removed_tags"` // although the image is perhaps still there
	}
	jsonReason struct {
		Rule   retain.Rule `json:"rule"`
		Detail string      `json:"detail"`
	}
)

// WriteJSON writes the summary for programs, with every image, as schema regsweep/v1. Text is the text of the registry,
// unchanged; characters that a terminal or a CI log would act upon are written as JSON's own escapes.
func WriteJSON(w io.Writer, s Summary) error {
	report := jsonReport{
		Schema:         Schema,
		DryRun:         s.DryRun,
		Started:        moment(s.Started),
		ElapsedSeconds: thousandths(s.Elapsed),
		ExitCode:       s.ExitCode,
		CI:             jsonCI{s.CI.Name, s.CI.BuildURL},
		Policy:         s.Policy,
		GC:             gcJSON(s.GC),
		Shard:          shardJSON(s.Shard),
		Explained:      explainedJSON(s.Explained),
		Repositories:   []jsonRepository{},
	}
	text, err := encodeJSON(report, "")
	if err != nil {
		return fmt.Errorf("encode JSON report: %w", err)
	}
	before, after, _ := bytes.Cut(text, repositoriesMark)
	out := bufio.NewWriterSize(w, 64<<10)
	_, _ = out.Write(before) // Flush reports what went wrong
	err = writeList(out, "repositories", "    ", len(s.Repositories), func(i int) error { return writeRepository(out, s.Repositories[i]) })
	if err != nil {
		return fmt.Errorf("encode JSON report: %w", err)
	}
	_, _ = out.Write(after)
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write JSON report: %w", err)
	}
	return nil
}

// repositoriesMark and imagesMark are where the repositories belong in the encoded report, and the images in an encoded repository.
// Both are written one by one, because 100,000 images take 55 MB and 5,000 repositories 6 MB, which are never in memory at
// once. A mark cannot be part of a text, where quotes are escaped.
var (
	repositoriesMark = []byte(`"repositories": []`)
	imagesMark       = []byte(`"images": ""`)
)

// writeRepository writes a repository with its images.
func writeRepository(w *bufio.Writer, r Outcome) error {
	text, err := encodeJSON(repositoryJSON(r), "    ")
	if err != nil {
		return err
	}
	before, after, _ := bytes.Cut(bytes.TrimSpace(text), imagesMark)
	_, _ = w.Write(before)
	var decisions []retain.Decision
	if r.Plan != nil {
		decisions = r.Plan.Decisions
	}
	const indent = "        "
	err = writeList(w, "images", indent, len(decisions), func(i int) error {
		text, err := encodeJSON(imageJSON(r, &decisions[i]), indent)
		_, _ = w.Write(bytes.TrimSpace(text))
		return err
	})
	_, _ = w.Write(after)
	return err
}

// writeList writes a key with the items of a list, one by one, in the place and form that they have in the whole.
func writeList(w *bufio.Writer, key, indent string, n int, item func(i int) error) error {
	_, _ = w.WriteString(`"` + key + `": [`)
	for i := range n {
		if i > 0 {
			_ = w.WriteByte(',')
		}
		_, _ = w.WriteString("\n" + indent)
		if err := item(i); err != nil {
			return err
		}
	}
	if n > 0 {
		_, _ = w.WriteString("\n" + indent[2:])
	}
	_ = w.WriteByte(']')
	return nil
}

// encodeJSON encodes a value as it is written: indented, and inert.
func encodeJSON(value any, prefix string) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetIndent(prefix, "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return inert(b.Bytes()), nil
}

func repositoryJSON(r Outcome) jsonRepository {
	t := r.Totals()
	out := jsonRepository{
		Repository: r.Name.String(), Policy: r.Policy, Kept: t.Kept, Deleted: t.Deleted, Failed: t.Failed, Skipped: t.Skipped,
		UniqueBytesDeleted: t.UniqueBytes, BytesInUse: r.inUse(), Gone: t.Gone, Planned: t.Planned, ManifestsDeleted: t.Manifests,
		GhostTags: []string{}, JustBuilt: some(r.pushed()), Refusals: []jsonRefusal{},
		DeletedBy: r.Method, Unfinished: some(r.Unfinished), Late: r.late(), Read: new(r.Plan != nil), Warnings: some(r.warnings()), Hint: textJSON(Hint(r.Err)),
		Unsettled: t.Unsettled, Broken: []jsonBroken{}, Undated: r.undated(),
		Retained: t.Retained, RegistryKind: r.Kind, RegistryFrees: r.Frees, PageURL: r.page(), DeletedByReason: r.Why,
	}
	out.Untagged, out.UntaggedBytes = r.untagged()
	for _, b := range r.Broken {
		out.Broken = append(out.Broken, jsonBroken{b.Name, b.Digest, some(b.Missing)})
	}
	if r.Err != nil {
		out.Error = new(r.Err.Error())
	}
	if r.Plan == nil {
		return out
	}
	out.GhostTags = some(r.Plan.Ghosts)
	for _, f := range r.Plan.Refusals {
		out.Refusals = append(out.Refusals, jsonRefusal{f.Guard, f.Detail, textJSON(f.Hint())})
	}
	return out
}

// textJSON is nil, which is written as null, for an empty text.
func textJSON(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// textOf is what was written by [textJSON].
func textOf(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

func imageJSON(r Outcome, d *retain.Decision) jsonImage {
	out := jsonImage{
		Digest: d.Image.Digest, Kind: d.Image.Kind, Tags: some(d.Image.Tags), Created: moment(d.Image.Created), Pushed: moment(d.Image.Pushed),
		Size: sizeJSON(d.Image), Group: d.Group, Verdict: d.Verdict, Reasons: make([]jsonReason, 0, len(d.Reasons)),
		MissingChildren: some(d.Image.Missing), Children: some(d.Image.Children), RemovedTags: some(r.Untagged[d.Image.Digest]),
	}
	for _, reason := range d.Reasons {
		out.Reasons = append(out.Reasons, jsonReason(reason))
	}
	status := r.status(d)
	if status == kept {
		return out
	}
	out.Outcome = &status
	switch status {
	case prune.Failed, prune.Skipped, prune.Unsettled, prune.Retained:
		out.Error = new(r.Outcomes[d.Image.Digest].Detail)
	}
	return out
}

func sizeJSON(i oci.Image) *int64 {
	if i.Unread {
		return nil
	}
	return &i.Size
}

// some makes a list that is written as [] when it is empty, never as null.
func some[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// moment is a time in RFC 3339, or nothing when the time is not known.
func moment(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	return new(t.UTC().Format(time.RFC3339))
}

// inert rewrites encoded JSON without a change of meaning, so that it can be shown on a terminal and in a CI log, where
// visible says what is acted upon. None of these characters occurs outside of strings.
func inert(encoded []byte) []byte {
	if !bytes.Contains(encoded, []byte("##")) && !bytes.ContainsFunc(encoded, hidden) {
		return encoded
	}
	out := make([]byte, 0, len(encoded)+len(encoded)/8)
	for i := 0; i < len(encoded); {
		r, n := utf8.DecodeRune(encoded[i:])
		switch {
		case r == '#' && bytes.HasPrefix(encoded[i:], []byte("##")), r <= 0xFFFF && hidden(r):
			out = fmt.Appendf(out, `\u%04x`, r)
		case hidden(r):
			r -= 0x10000 // a surrogate pair (RFC 8259, section 7)
			out = fmt.Appendf(out, `\u%04x\u%04x`, 0xD800+r>>10, 0xDC00+r&0x3FF)
		default:
			out = append(out, encoded[i:i+n]...)
		}
		i += n
	}
	return out
}

func hidden(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }
