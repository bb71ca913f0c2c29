package report

import (
	"bytes"
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
)

func writeJSON(t testing.TB, s Summary) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WriteJSON(&b, s); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What is written is read, and written again it is the same. Invalid UTF-8 is the replacement character in JSON, which
// has two spellings there.
func TestReadJSONReadsWhatIsWritten(t *testing.T) {
	t.Parallel()
	summaries := cases()
	maps.Copy(summaries, collectionCases())
	summaries["large"] = large(3, 2000)
	summaries["by tags"] = byTags()
	for name, s := range summaries {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first := writeJSON(t, s)
			read, err := ReadJSON(bytes.NewReader(first))
			if err != nil {
				t.Fatal(err)
			}
			want := bytes.ReplaceAll(first, []byte(`\ufffd`), []byte("\ufffd"))
			if again := writeJSON(t, read); !bytes.Equal(again, want) {
				t.Errorf("got\n%s\nwant\n%s", again, want)
			}
		})
	}
}

// byTags is a run that did not read all manifests and was cut short after it had removed tags.
func byTags() Summary {
	s := partial()
	r := &s.Repositories[0]
	for i := range r.Plan.Decisions {
		r.Plan.Decisions[i].Image.Unread = i%2 == 1
	}
	r.Plan.Decisions[len(r.Plan.Decisions)-1].Image.Kind = oci.KindPlaceholder
	for i := range r.Plan.Decisions {
		if image := &r.Plan.Decisions[i].Image; image.Unread {
			image.Size, image.Blobs = 0, nil
		}
	}
	r.Method, r.Unfinished, r.Why = prune.Retag, []oci.Digest{digest(700)}, "a deletion took long"
	return s
}

// A reader of the merged report sees what readers of the single ones saw.
func TestReadJSONKeepsThePicture(t *testing.T) {
	t.Parallel()
	summaries := cases()
	maps.Copy(summaries, collectionCases())
	summaries["by tags"] = byTags()
	for name, s := range summaries {
		if name == "hostile" || name == "grouped_ill" || name == "gc_down" || name == "gc_unmeasured" { // their invalid UTF-8 is not in the JSON
			continue
		}
		read, err := ReadJSON(bytes.NewReader(writeJSON(t, s)))
		if err != nil {
			t.Fatal(err)
		}
		for _, form := range []Form{FormTable, FormMarkdown, FormHTML, FormJUnit, FormDotenv} {
			var got, want bytes.Buffer
			if err := Write(&got, form, read); err != nil {
				t.Fatal(err)
			}
			if err := Write(&want, form, s); err != nil {
				t.Fatal(err)
			}
			if got.String() != want.String() {
				t.Errorf("%s as %s: got\n%s\nwant\n%s", name, form, got.String(), want.String())
			}
		}
	}
}

// edited is the JSON of a summary in which one value is another.
func edited(t *testing.T, edit func(report, repository, image map[string]any)) string {
	t.Helper()
	var report map[string]any
	if err := json.Unmarshal(writeJSON(t, partial()), &report); err != nil {
		t.Fatal(err)
	}
	repository := report["repositories"].([]any)[0].(map[string]any)
	edit(report, repository, repository["images"].([]any)[0].(map[string]any))
	text, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestReadJSONToleratesNewKeys(t *testing.T) {
	t.Parallel()
	text := edited(t, func(report, repository, image map[string]any) {
		report["new"], repository["new"], image["new"] = map[string]any{"a": 1}, "b", []int{3}
	})
	got, err := ReadJSON(strings.NewReader(text))
	if err != nil || got.Totals() != partial().Totals() {
		t.Errorf("got %+v, %v, want %+v", got.Totals(), err, partial().Totals())
	}
}

func TestReadJSONRefuses(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	change := func(edit func(report, repository, image object)) string { return edited(t, edit) }
	for name, test := range map[string]struct{ text, want string }{
		"nothing":           {"", "EOF"},
		"no JSON":           {"<html>", "invalid character"},
		"a list":            {"[]", "cannot unmarshal"},
		"more behind":       {string(writeJSON(t, partial())) + "{}", "more text follows its end"},
		"a cut report":      {string(writeJSON(t, partial())[:900]), "unexpected EOF"},
		"no schema":         {"{}", `schema is "", not "regsweep/v1"`},
		"another schema":    {change(func(r, _, _ object) { r["schema"] = "regsweep/v2" }), `schema is "regsweep/v2"`},
		"a time":            {change(func(r, _, _ object) { r["started"] = "yesterday" }), `"yesterday" is not a time`},
		"a negative time":   {change(func(r, _, _ object) { r["elapsed_seconds"] = -1 }), "-1 seconds"},
		"an endless time":   {change(func(r, _, _ object) { r["elapsed_seconds"] = 1e300 }), "1e+300 seconds"},
		"another count":     {change(func(_, r, _ object) { r["deleted"] = 5 }), "numbers are not those of its images"},
		"a negative count":  {change(func(_, r, _ object) { r["deleted"] = -1 << 62 }), "numbers are not those of its images"},
		"negative space":    {change(func(_, r, _ object) { r["bytes_in_use"] = -1 }), "numbers are not those"},
		"a negative size":   {change(func(_, r, _ object) { r["unique_bytes_deleted"] = -1 }), "numbers are not those"},
		"a kind":            {change(func(_, _, i object) { i["kind"] = "chart" }), `kind "chart"`},
		"no digest":         {change(func(_, _, i object) { i["digest"] = "" }), `digest ""`},
		"a verdict":         {change(func(_, _, i object) { i["verdict"] = "maybe" }), `verdict "maybe"`},
		"an outcome":        {change(func(_, _, i object) { i["verdict"], i["outcome"] = "delete", "vanished" }), `outcome "vanished"`},
		"kept and deleted":  {change(func(_, _, i object) { i["outcome"] = "deleted" }), `verdict "keep" with outcome "deleted"`},
		"deleted by nobody": {change(func(_, _, i object) { i["verdict"] = "delete" }), `outcome ""`},
		"an image twice":    {change(func(_, r, _ object) { r["images"] = append(r["images"].([]any), r["images"].([]any)[2]) }), "twice"},
		"half measured":     {change(func(r, _, _ object) { r["gc"] = object{"freed_bytes": 1} }), "measured in part"},
		"a negative blob":   {change(func(r, _, _ object) { r["gc"] = object{"blobs_deleted": -1} }), "below 0"},
		"an early end":      {change(func(r, _, _ object) { r["gc"] = object{"away_seconds": -1} }), "collection took -1 seconds"},
		"deep":              {strings.Repeat("[", 1<<20), "exceeded max depth"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := ReadJSON(strings.NewReader(test.text))
			if text := errorText(err); !strings.Contains(text, test.want) || !strings.HasPrefix(text, "read JSON report: ") || len(text) > 1000 {
				t.Errorf("got error %q, want %q", text, test.want)
			}
		})
	}
}

// endless is a report that goes on and on.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestReadJSONIsBounded(t *testing.T) {
	t.Parallel()
	if _, err := ReadJSON(endless{}); !strings.Contains(errorText(err), "larger than 256.0 MiB") {
		t.Errorf("got error %v", err)
	}
}

func FuzzReadJSON(f *testing.F) {
	for _, s := range cases() {
		f.Add(string(writeJSON(f, s)))
	}
	f.Fuzz(func(t *testing.T, in string) {
		s, err := ReadJSON(strings.NewReader(in))
		if err != nil {
			return
		}
		checkHTML(t, writeHTML(t, s))
		again, err := ReadJSON(bytes.NewReader(writeJSON(t, s)))
		if err != nil {
			t.Fatalf("what was read cannot be read again: %v", err)
		}
		if again.Totals() != s.Totals() {
			t.Errorf("got %+v, want %+v", again.Totals(), s.Totals())
		}
	})
}

func TestMerge(t *testing.T) {
	t.Parallel()
	a, b := ordinary(), several()
	b.Started, b.Elapsed, b.Policy = a.Started.Add(time.Minute), time.Hour, "keep the last 9"
	b.CI.BuildURL = "https://ci.example.com/job/app/1575/"
	got := Merge([]Summary{a, b})
	if len(got.Repositories) != 6 || got.Started != a.Started || got.Elapsed != time.Hour+time.Minute {
		t.Errorf("got %d repositories from %v in %v", len(got.Repositories), got.Started, got.Elapsed)
	}
	if got.CI != (CI{Name: "jenkins"}) || got.Policy != "" || got.Repositories[0].Policy != a.Policy || got.Repositories[5].Policy != b.Policy {
		t.Errorf("got CI %+v, policy %q, of the repositories %q and %q", got.CI, got.Policy, got.Repositories[0].Policy, got.Repositories[5].Policy)
	}
	if x, y, z := a.Totals(), b.Totals(), got.Totals(); z.Deleted != x.Deleted+y.Deleted || z.Kept != x.Kept+y.Kept || z.Failed != x.Failed+y.Failed {
		t.Errorf("got %+v of %+v and %+v", z, x, y)
	}
	dry := dryRun()
	for _, test := range []struct {
		in   []Summary
		want bool
	}{{[]Summary{dry, dry}, true}, {[]Summary{dry, a}, false}, {[]Summary{a, dry}, false}, {nil, false}} {
		if got := Merge(test.in); got.DryRun != test.want {
			t.Errorf("%d: dry run %v, want %v", len(test.in), got.DryRun, test.want)
		}
	}
	if got := Merge([]Summary{{}, a}); !got.Started.Equal(a.Started) || got.Elapsed != a.Elapsed {
		t.Errorf("a report without a time: from %v in %v", got.Started, got.Elapsed)
	}
}
