package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/regsweep/regsweep/internal/gc"
)

// Bounds of a JUnit report. CI systems keep every case in memory and show them in lists; Jenkins keeps them for as long
// as the build.
const (
	maxSuites = 1000
	maxCases  = 5000 // of failed deletions
)

// The elements are those of the dialect that Jenkins, GitLab and others read
// (https://github.com/jenkinsci/xunit-plugin, junit-10.xsd; testdata/junit.xsd is the part that is used).
type (
	junitSuites struct {
		XMLName xml.Name `xml:"testsuites"`
		Name    string   `xml:"name,attr"`
		Time    string   `xml:"time,attr,omitempty"`
		junitCounts
		Suites []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name      string `xml:"name,attr"`
		Timestamp string `xml:"timestamp,attr,omitempty"`
		junitCounts
		Properties *junitList  `xml:"properties"`
		Cases      []junitCase `xml:"testcase"`
		Out        string      `xml:"system-out,omitempty"`
	}
	junitList struct {
		Property []junitProperty `xml:"property"`
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitCase struct {
		Class   string       `xml:"classname,attr"`
		Name    string       `xml:"name,attr"`
		Failure *junitResult `xml:"failure"`
		Error   *junitResult `xml:"error"`
		Skipped *junitResult `xml:"skipped"`
		Out     string       `xml:"system-out,omitempty"`
	}
	junitResult struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",chardata"`
	}
	junitCounts struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Errors   int `xml:"errors,attr"`
		Skipped  int `xml:"skipped,attr"`
	}
)

// WriteJUnit writes the run as tests: a suite for each repository with one case, and another one for each failure. A case a
// deletion would make each build's number of tests jump. A failed or unsettled deletion is a failure, and so is an image
// that was pushed meanwhile and lacks a part, or that stays and has lost its tags. A repository that the run's time was too
// short for is skipped. One that was refused, not read or not finished is an error, as is a garbage collection that failed.
//
// Large runs are cut to the first failures. The properties of a suite are always those of the whole.
func WriteJUnit(w io.Writer, s Summary) error {
	out := junitSuites{Name: "regsweep", Time: strconv.FormatFloat(s.Elapsed.Seconds(), 'f', 3, 64)}
	shown, more := cut(s.Repositories, maxSuites)
	room := maxCases
	for _, r := range shown {
		out.Suites = append(out.Suites, junitRepository(newView(s, r), s, &room))
	}
	if s.GC != nil && s.GC.Skipped == "" {
		out.Suites = append(out.Suites, junitGC(s.GC))
	}
	if n := len(s.Repositories); n == 0 && len(out.Suites) == 0 || more > 0 {
		out.Suites = append(out.Suites, junitRest(n, more))
	}
	for i := range out.Suites {
		out.Suites[i].count()
		out.add(out.Suites[i].junitCounts)
	}
	text, err := xml.MarshalIndent(out, "", "  ")
	if err != nil {
		return fmt.Errorf("encode JUnit report: %w", err)
	}
	return write(w, "JUnit report", append(append([]byte(xml.Header), text...), '\n'))
}

// junitRepository is the suite of a repository. room is how many failed deletions are still to be written.
func junitRepository(v view, s Summary, room *int) junitSuite {
	name := long(v.Name.String())
	// Jenkins takes what stands before the last dot of a class for its package.
	class := "regsweep." + strings.ReplaceAll(name, ".", "_")
	suite := junitSuite{Name: name, Properties: &junitList{junitProperties(v.totals)}}
	if !s.Started.IsZero() {
		suite.Timestamp = s.Started.UTC().Format("2006-01-02T15:04:05")
	}
	whole := junitCase{Class: class, Name: "prune", Out: v.verdict()}
	switch {
	case v.late():
		whole.Skipped = &junitResult{Message: v.objection()}
	case v.condition() != finished:
		whole.Error = junitError(v.objection(), v.hint())
	}
	suite.Cases = append(suite.Cases, whole)
	for _, p := range v.losses() {
		suite.Cases = append(suite.Cases, junitCase{Class: class, Name: "keep " + long(p.image), Failure: &junitResult{p.why, p.what, "hint: " + p.hint}})
	}
	shown := v.failed[:min(len(v.failed), *room)]
	*room -= len(shown)
	for _, e := range shown {
		suite.Cases = append(suite.Cases, deletionCase(v, e, class))
	}
	if left := len(v.failed) - len(shown); left > 0 {
		suite.Out = fmt.Sprintf("%s more failed deletions: a report x.json has all of them", grouped(left))
		suite.Properties.Property = append(suite.Properties.Property, junitProperty{"failures_left_out", strconv.Itoa(left)})
	}
	return suite
}

// junitError is what went wrong, with what helps as the text below it.
func junitError(text, hint string) *junitResult {
	if hint != "" {
		hint = "hint: " + hint
	}
	return &junitResult{text, "regsweep", hint}
}

func junitProperties(t Totals) []junitProperty {
	var out []junitProperty
	for _, p := range []struct {
		name  string
		value int64
	}{
		{"kept", int64(t.Kept)},
		{"deleted", int64(t.Deleted)},
		{"gone", int64(t.Gone)},
		{"failed", int64(t.Failed)},
		{"skipped", int64(t.Skipped)},
		{"planned", int64(t.Planned)},
		{"unsettled", int64(t.Unsettled)},
		{"retained", int64(t.Retained)},
		{"unreferenced_bytes", t.UniqueBytes},
	} {
		out = append(out, junitProperty{p.name, strconv.FormatInt(p.value, 10)})
	}
	return out
}

// deletionCase is one failed deletion, with what is known of the image and why it goes.
func deletionCase(v view, e entry, class string) junitCase {
	c := junitCase{Class: class, Name: "delete " + names(e)}
	about := []string{v.sizer.text(e.Image), long(e.Image.Digest.String()), long(e.reasons())}
	if !e.Image.Created.IsZero() {
		about = append([]string{age(e.Image, v.run.Started) + " old"}, about...)
	}
	c.Out = strings.Join(about, " · ")
	c.Failure = &junitResult{Message: long(e.trouble()), Type: string(e.status)}
	return c
}

// junitGC is the registry's garbage collection.
func junitGC(r *gc.Result) junitSuite {
	c := junitCase{Class: "regsweep", Name: "run garbage collection at " + long(r.Via)}
	if r.Err != nil {
		c.Error = junitError(long(r.Err.Error()), long(Hint(r.Err)))
	} else {
		c.Out = gcVerdict(r)
	}
	return junitSuite{Name: "garbage collection", Cases: []junitCase{c}}
}

// junitRest is a suite that says that no repository was looked at, because many readers of JUnit take an empty file for
// a broken one, or that there are more repositories.
func junitRest(all, more int) junitSuite {
	c := junitCase{Class: "regsweep", Name: "other repositories", Skipped: &junitResult{Message: grouped(more) + " more repositories: a report x.json has all of them"}}
	if all == 0 {
		c = junitCase{Class: "regsweep", Name: "look at repositories", Error: junitError("no repository was looked at", "")}
	}
	return junitSuite{Name: "regsweep", Cases: []junitCase{c}}
}

// count counts the cases by how they ended.
func (s *junitSuite) count() {
	for _, c := range s.Cases {
		s.Tests++
		switch {
		case c.Failure != nil:
			s.Failures++
		case c.Error != nil:
			s.Errors++
		case c.Skipped != nil:
			s.Skipped++
		}
	}
}

func (n *junitCounts) add(m junitCounts) {
	n.Tests, n.Failures, n.Errors, n.Skipped = n.Tests+m.Tests, n.Failures+m.Failures, n.Errors+m.Errors, n.Skipped+m.Skipped
}
