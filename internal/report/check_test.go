package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
)

// enable is the hint of a registry whose configuration allows no deletion.
const enable = "in the registry's config.yml set storage.delete.enabled: true and restart it (or REGISTRY_STORAGE_DELETE_ENABLED=true in its environment)"

// checked is a section with lines of every state, with and without numbers and hints.
func checked() CheckSection {
	return CheckSection{
		About: AboutRepository, Name: "registry.example.com:5000/team/app", Kind: "distribution", Product: "the OCI distribution API",
		Lines: []CheckLine{
			{Topic: TopicRegistry, State: CheckOK, Text: "the OCI distribution API (distribution), told by its first answer"},
			{Topic: TopicLogin, State: CheckOK, Text: "from /root/.docker/config.json"},
			{Topic: TopicTags, State: CheckOK, Text: "the registry lists 12 tags of 9 images", Count: new(int64(12))},
			{Topic: TopicPushTimes, State: CheckNo, Text: "the registry does not say when an image was pushed", Count: new(int64(0)), Of: new(int64(9))},
			{Topic: TopicBuildDates, State: CheckNo, Text: "usable of none of 9 images with a tag", Advice: "--sort semver needs no date", Count: new(int64(0)), Of: new(int64(9))},
			{Topic: TopicReferrers, State: CheckUnknown, Text: "not known: 502 Bad Gateway", Err: errors.New("502 Bad Gateway")},
			{Topic: TopicDelete, State: CheckProblem, Text: "deletion is disabled there (405 UNSUPPORTED)", Err: advised{errors.New("deletion is disabled there"), enable}},
		},
	}
}

func checkCases() map[string]Checks {
	state := CheckSection{About: AboutState, Name: "/root/.cache/regsweep", Lines: []CheckLine{{Topic: TopicFolder, State: CheckOK, Text: "regsweep can write to it"}}}
	collection := CheckSection{About: AboutGC, Name: "docker://registry", Lines: []CheckLine{
		{Topic: TopicBinary, State: CheckOK, Text: "/bin/registry, version v3.1.2"},
		{Topic: TopicSpace, State: CheckOK, Text: "1.0 GiB free on the disk", Count: new(int64(1 << 30))},
	}}
	fine, unsure := checked(), checked()
	fine.Lines = fine.Lines[:4]
	unsure.Lines = append(unsure.Lines[:4:4], CheckLine{Topic: TopicDelete, State: CheckUnknown, Text: "not known without asking the registry to delete something", Advice: "--probe asks the registry to delete something that does not exist"})
	hostile := checked()
	hostile.Name, hostile.Kind = hostileText+"/app", hostileText
	hostile.Lines = []CheckLine{{Topic: TopicRead, State: CheckProblem, Text: hostileText, Err: errors.New(hostileText), Advice: hostileText}}
	made := func(code int, more int, sections ...CheckSection) Checks {
		return Checks{Sections: sections, ExitCode: code, NotLookedAt: more, Started: started, Elapsed: 1200 * time.Millisecond}
	}
	probed := made(4, 0, checked(), CheckSection{About: AboutState, Lines: []CheckLine{{Topic: TopicFolder, State: CheckNo, Text: "there is no state folder"}}})
	probed.Probed = true
	return map[string]Checks{
		"problem": probed, "fine": made(0, 0, fine, state, collection), "unsure": made(0, 7, unsure, state), "hostile": made(4, 0, hostile), "nothing": made(0, 0),
	}
}

// hostileText is what a registry can put into an error and a name.
const hostileText = "a\x1b[31mred\n::error::x ##[error] <script>alert(1)</script> | `code` **bold** @team \u202e"

func TestCheckGolden(t *testing.T) {
	t.Parallel()
	for name, c := range checkCases() {
		for ending, form := range map[string]struct {
			form  Form
			width int
		}{"txt": {FormTable, 0}, "80.txt": {FormTable, 80}, "120.txt": {FormTable, 120}, "md": {FormMarkdown, 0}, "json": {FormJSON, 0}} {
			t.Run(name+"."+ending, func(t *testing.T) {
				t.Parallel()
				var b bytes.Buffer
				if err := WriteChecks(&b, form.form, c, form.width); err != nil {
					t.Fatal(err)
				}
				golden(t, b.Bytes())
				for line := range strings.Lines(b.String()) {
					if w := textWidth(strings.TrimRight(line, "\n")); form.width > 0 && w > form.width && name != "hostile" {
						t.Errorf("%d columns of %d: %s", w, form.width, line)
					}
				}
			})
		}
	}
}

// Nothing that a terminal, a CI log or a browser acts upon comes through.
func TestCheckHostileText(t *testing.T) {
	t.Parallel()
	c := checkCases()["hostile"]
	for _, form := range CheckForms {
		var b bytes.Buffer
		if err := WriteChecks(&b, form, c, 0); err != nil {
			t.Fatal(err)
		}
		for _, bad := range []string{"\x1b", "\u202e", "\n::", "##[", "<script>"} {
			if form == FormJSON && bad != "\x1b" || bad == "<script>" && form != FormMarkdown { // which no browser shows
				continue
			}
			if strings.Contains(b.String(), bad) {
				t.Errorf("%s has %q:\n%s", form, bad, b.String())
			}
		}
		if form == FormMarkdown && strings.Contains(b.String(), "**bold**") {
			t.Errorf("the markup of a name is markup of the page:\n%s", b.String())
		}
	}
}

// The keys are a contract.
func TestCheckJSON(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := WriteChecks(&b, FormJSON, checkCases()["problem"], 0); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Schema string
		Checks []struct {
			Lines []map[string]any
		}
	}
	if err := json.Unmarshal(b.Bytes(), &got); err != nil || got.Schema != Schema || len(got.Checks) != 2 {
		t.Fatalf("got %+v, %v", got, err)
	}
	for _, key := range []string{"topic", "state", "text", "hint", "count", "of"} {
		if _, has := got.Checks[0].Lines[0][key]; !has {
			t.Errorf("a finding has no %s", key)
		}
	}
	if _, err := ReadJSON(&b); err == nil || !strings.Contains(err.Error(), "the report of regsweep check") {
		t.Errorf("a merge of reports reads a check: %v", err)
	}
}

func TestCheckForms(t *testing.T) {
	t.Parallel()
	if err := WriteChecks(&bytes.Buffer{}, FormHTML, Checks{}, 0); err == nil {
		t.Error("a check has an HTML page")
	}
	for path, want := range map[string]Form{"a.md": FormMarkdown, "a.json": FormJSON, "a.txt": FormTable, "a.html": "", "a": "", "a/": ""} {
		if got, err := CheckFormOf(path); got != want || (err == nil) != (want != "") {
			t.Errorf("%s: got %q, %v", path, got, err)
		}
	}
}
