package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// maxMetricRepositories bounds the series: each is a line in the widget of a merge request, or stored for long.
const maxMetricRepositories = 500

// WriteMetrics writes gauges in a text that is both Prometheus' format, for the textfile collector of its node
// exporter (*.prom), and OpenMetrics, for GitLab's reports:metrics
// (https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md). There are totals for the run and
// numbers for each of the first repositories. There is no time in it: GitLab shows each value that changed.
func WriteMetrics(w io.Writer, s Summary) error {
	var b bytes.Buffer
	m := metrics{&b}
	total := s.Totals()
	m.gauge("regsweep_exit_code", "Exit code of the run; 0 is success.", sample{"", int64(s.ExitCode)})
	m.gauge("regsweep_dry_run", "1 when the run was a dry run.", sample{"", truth(s.DryRun)})
	m.gauge("regsweep_images", "Images of all repositories by outcome.", images("", total)...)
	m.gauge("regsweep_broken_images", "Images that were pushed during the run and lack a part.", sample{"", int64(total.Broken)})
	m.gauge("regsweep_unreferenced_bytes", "Bytes that only deleted images used, in all repositories.", sample{"", total.UniqueBytes})
	m.gauge("regsweep_repositories", "Repositories by how their run ended.", s.endings()...)
	shown, _ := cut(s.Repositories, maxMetricRepositories)
	var perRepository, bytesOf []sample
	seen := map[string]bool{} // a series occurs once
	for _, r := range shown {
		name := Visible(r.Name.String())
		if seen[name] {
			continue
		}
		seen[name] = true
		label := `repository="` + metricLabel.Replace(name) + `"`
		t := r.Totals()
		perRepository = append(perRepository, images(label+",", t)...)
		bytesOf = append(bytesOf, sample{"{" + label + "}", t.UniqueBytes})
	}
	m.gauge("regsweep_repository_images", "Images of a repository by outcome.", perRepository...)
	m.gauge("regsweep_repository_unreferenced_bytes", "Bytes that only deleted images of a repository used.", bytesOf...)
	b.WriteString("# EOF\n")
	return write(w, "metrics", b.Bytes())
}

// metricLabel escapes the value of a label; other characters stand for themselves in both formats.
var metricLabel = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

type metrics struct{ *bytes.Buffer }

// sample is a line: the labels in braces, or "", and the value.
type sample struct {
	labels string
	value  int64
}

// gauge writes a family, and nothing when it has no samples.
func (m metrics) gauge(name, help string, samples ...sample) {
	if len(samples) == 0 {
		return
	}
	fmt.Fprintf(m, "# TYPE %s gauge\n# HELP %s %s\n", name, name, help)
	for _, s := range samples {
		fmt.Fprintf(m, "%s%s %d\n", name, s.labels, s.value)
	}
}

// images are the counts of totals, one sample each.
func images(label string, t Totals) []sample {
	var out []sample
	for _, c := range []struct {
		outcome string
		n       int
	}{{"kept", t.Kept}, {"deleted", t.Deleted}, {"gone", t.Gone}, {"failed", t.Failed}, {"skipped", t.Skipped}, {"planned", t.Planned}, {"unsettled", t.Unsettled}, {"retained", t.Retained}} {
		out = append(out, sample{fmt.Sprintf(`{%soutcome="%s"}`, label, c.outcome), int64(c.n)})
	}
	return out
}

// endings counts the repositories by how they ended.
func (s Summary) endings() []sample {
	ended := map[condition]int64{}
	for _, r := range s.Repositories {
		ended[r.condition()]++
	}
	var out []sample
	for _, c := range []struct {
		condition condition
		word      string
	}{{finished, "finished"}, {unread, "unread"}, {refused, "refused"}, {stopped, "stopped"}} {
		out = append(out, sample{fmt.Sprintf(`{ended="%s"}`, c.word), ended[c.condition]})
	}
	return out
}

func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
