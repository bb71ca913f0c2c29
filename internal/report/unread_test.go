package report

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
)

// written writes a summary in each form.
func written(t *testing.T, s Summary) map[string]string {
	t.Helper()
	var table, markdown, text bytes.Buffer
	for _, err := range []error{WriteTable(&table, s, TableOptions{}), WriteMarkdown(&markdown, s, summaryBudget), WriteJSON(&text, s)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return map[string]string{"table": table.String(), "markdown": markdown.String(), "json": text.String()}
}

// The size of what was not read is not known: no form makes it 0 or adds it up.
func TestUnreadSizes(t *testing.T) {
	t.Parallel()
	f := repo("zdtest")
	unread := f.image(day, 0, "b1")
	unread.Unread, unread.Blobs, unread.Size = true, nil, 0
	f.keep(f.image(day, 84*mib, "b2"), "last 1 of 1").drop(unread, deleted, "beyond the last 1").drop(f.image(2*day, 84*mib, "b0"), deleted, "beyond the last 1")
	s := summary(f)
	if n := s.Totals().UniqueBytes; n != 0 {
		t.Errorf("%d unique bytes, want none: what b1 holds is not known", n)
	}
	forms := written(t, s)
	for form, text := range forms {
		if strings.Contains(text, "0 B") || strings.Contains(text, "unreferenced until") {
			t.Errorf("%s tells a size that nobody knows:\n%s", form, text)
		}
	}
	var back struct {
		Repositories []struct {
			Images []struct {
				Tags []string
				Size *int64
			}
		}
	}
	if err := json.Unmarshal([]byte(forms["json"]), &back); err != nil {
		t.Fatal(err)
	}
	for _, i := range back.Repositories[0].Images {
		if (i.Size == nil) != (i.Tags[0] == "b1") {
			t.Errorf("%v has the size %v", i.Tags, i.Size)
		}
	}
}

// What was special about an execution is said in every form.
func TestRemarks(t *testing.T) {
	t.Parallel()
	f := repo("zdtest").pair(1574).builds(1572, 1570, deleted)
	f.r.Method, f.r.Unfinished = prune.Retag, []oci.Digest{digest(3), digest(4)}
	// The longest reason, which advises two other methods, is not cut.
	f.r.Why = "a deletion took long" + strings.Repeat(", and much longer", 25) + ", and its login needs the right to push"
	forms := written(t, summary(f))
	var page bytes.Buffer
	if err := WriteHTML(&page, summary(f)); err != nil {
		t.Fatal(err)
	}
	forms["html"] = strings.ReplaceAll(page.String(), "<wbr>", "")
	for form, wants := range map[string][]string{
		"table":    {"placeholder", "2 deletions were begun and not finished", "--state-dir", "method: retag, because a deletion took long", "the right to push\n"},
		"markdown": {"placeholder", "2 deletions were begun and not finished", "method: retag, because a deletion took long", "the right to push"},
		"html":     {"<p>Method: retag, because a deletion took long", "the right to push</p>"},
		"json":     {`"deleted_by": "retag"`, `"deleted_by_reason": "a deletion took long, and`, `"unfinished": [`, string(digest(3)), string(digest(4))},
	} {
		for _, want := range wants {
			if !strings.Contains(forms[form], want) {
				t.Errorf("%s does not say %q:\n%s", form, want, forms[form])
			}
		}
	}
	for form, text := range written(t, summary(repo("zdtest").pair(1574).builds(1572, 1570, deleted))) {
		if strings.Contains(text, "placeholder") || strings.Contains(text, "not finished") {
			t.Errorf("%s says so of a plain execution:\n%s", form, text)
		}
	}
}

// Placeholders are parts of their own kind, not attachments.
func TestPlaceholderPart(t *testing.T) {
	t.Parallel()
	f := repo("zdtest").pair(1574).builds(1572, 1570, deleted)
	p := f.image(day, 0, "b1", "b2")
	p.Kind, p.Blobs = oci.KindPlaceholder, nil
	f.drop(p, deleted, "what an interrupted run has pointed these tags at to remove them")
	forms := written(t, summary(f))
	for _, form := range []string{"table", "markdown"} {
		if text := forms[form]; !strings.Contains(text, "1 placeholder of an interrupted run") || strings.Contains(text, "attachment") {
			t.Errorf("%s:\n%s", form, text)
		}
	}
	if !strings.Contains(forms["json"], `"kind": "placeholder"`) {
		t.Error("the JSON report has no placeholder")
	}
}
