package cli

import (
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/report"
)

func TestCheckVariables(t *testing.T) {
	t.Parallel()
	parser, err := newParser(&commandLine{}, World{Version: "1"})
	if err != nil {
		t.Fatal(err)
	}
	for names, want := range map[string]string{
		"REGSWEEP_DRYRUN":            "did you mean REGSWEEP_DRY_RUN?",
		"REGSWEEP_DYR_RUN":           "did you mean REGSWEEP_DRY_RUN?",
		"REGSWEEP_DRY_RUNS":          "did you mean REGSWEEP_DRY_RUN?",
		"REGSWEEP_KEEPLAST":          "did you mean REGSWEEP_KEEP_LAST?",
		"REGSWEEP_MAX_DELETES":       "did you mean REGSWEEP_MAX_DELETE?",
		"REGSWEEP_IMAGE":             "did you mean REGSWEEP_IMAGES?",
		"REGSWEEP_TAG":               "did you mean REGSWEEP_TAGS?",
		"REGSWEEP_PASWORD":           "did you mean REGSWEEP_PASSWORD?",
		"REGSWEEP_GROUPBY":           "did you mean REGSWEEP_GROUP_BY?",
		"REGSWEEP_PROTECTED":         "did you mean REGSWEEP_PROTECT?",
		"REGSWEEP_TPO":               "did you mean REGSWEEP_TOP?",
		"REGSWEEP_SORT REGSWEEP_TAG": "did you mean REGSWEEP_TAGS?",
		"REGSWEEP_TEAM":              "warning REGSWEEP_TEAM",
		"REGSWEEP_":                  "warning REGSWEEP_",
		"REGSWEEP_DRY_RUN":           "", "REGSWEEP_KEEP_LAST": "", "REGSWEEP_IMAGES": "", "REGSWEEP_PASSWORD": "", "REGSWEEP_TOP": "", "REGSWEEP_GC_VIA": "",
		"REGSWEEP_HELP": "", "REGSWEEP_VERSION": "", "REGSWEEP_JOB_IMAGE": "", "REGSWEEP_FILES": "", "REGSWEEP_VALUE_12": "",
		"REGSWEEP_PORT": "", "REGSWEEP_PORT_5000_TCP": "", "REGSWEEP_SERVICE_HOST": "", "REGSWEEP_SERVICE_PORT_HTTP": "",
		"INPUT_DRYRUN": "", "regsweep_dryrun": "", "MY_REGSWEEP_DRYRUN": "", "REGSWEEPDRYRUN": "",
	} {
		var environ []string
		for _, name := range strings.Fields(names) {
			environ = append(environ, name+"=s3cret")
		}
		warnings, err := checkVariables(environ, parser.Model)
		said := strings.Join(warnings, "\n")
		switch {
		case err != nil:
			said = err.Error() + " " + report.Hint(err)
		case said != "":
			said = "warning " + strings.TrimPrefix(said, "the variable ")
		}
		if want == "" && said != "" || !strings.Contains(said, want) || strings.Contains(said, "s3cret") {
			t.Errorf("%s: got %q, want %q", names, said, want)
		}
	}
	if warnings, err := checkVariables([]string{"REGSWEEP_DRYRUN=", "REGSWEEP_TEAM= ", "REGSWEEP_DRYRUN"}, parser.Model); err != nil || warnings != nil {
		t.Errorf("empty ones: %q, %v", warnings, err)
	}
	for _, name := range report.DotenvNames() {
		if warnings, err := checkVariables([]string{name + "=1"}, parser.Model); err != nil || warnings != nil {
			t.Errorf("%s, which regsweep hands on: %q, %v", name, warnings, err)
		}
	}
}

// A misspelt variable deletes nothing: the run does not begin.
func TestMisspeltVariable(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	builds(reg.Pusher(t, "team/app"), 5)
	got := sweep(t, reg, map[string]string{"REGSWEEP_DRYRUN": "true", "REGSWEEP_TEAM": "web", "REGSWEEP_GC_DELETE_UNTAGGED": "true"}, "HOST/team/app", "--keep-last", "1")
	if got.code != exitUsage || len(reg.Tags("team/app")) != 5 {
		t.Errorf("exit %d, tags %v", got.code, reg.Tags("team/app"))
	}
	for _, want := range []string{
		"regsweep: the environment has a name that sets nothing: REGSWEEP_DRYRUN\n", "regsweep: hint: did you mean REGSWEEP_DRY_RUN?",
		"regsweep: warning: the variable REGSWEEP_TEAM sets nothing: no flag has that name\n",
		"regsweep: warning: the variable REGSWEEP_GC_DELETE_UNTAGGED sets nothing: that flag is gone; --untagged AGE deletes",
	} {
		if !strings.Contains(got.stderr, want) {
			t.Errorf("stderr does not say %q:\n%s", want, got.stderr)
		}
	}
}
