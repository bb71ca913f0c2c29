package ci

import (
	"fmt"
	"time"
)

// sectionName is the name of the one section; GitLab takes letters, digits, "_", "." and "-".
const sectionName = "regsweep"

// OpenSection returns the line that begins a part of the log with a title; "" where the log knows no sections.
//
//   - GitHub and its kin: https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands#grouping-log-lines
//   - GitLab: https://docs.gitlab.com/ci/jobs/job_logs/#custom-collapsible-sections
//   - Azure: https://learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands#formatting-commands
//   - Buildkite: https://buildkite.com/docs/pipelines/configure/managing-log-output; "+++" is a group that is open
func (s System) OpenSection(title string, now time.Time) string {
	switch {
	case s.Actions:
		return "::group::" + title + "\n"
	case s.Name == Azure:
		return "##[group]" + title + "\n"
	case s.Name == GitLab:
		return fmt.Sprintf("\x1b[0Ksection_start:%d:%s\r\x1b[0K%s\n", now.Unix(), sectionName, title)
	case s.Name == Buildkite:
		return "+++ " + title + "\n"
	}
	return ""
}

// CloseSection returns the line that ends it. Collapsed is true where nobody sees a section without a click, so that
// what matters most must be said after it.
func (s System) CloseSection(now time.Time) (text string, collapsed bool) {
	switch {
	case s.Actions:
		return "::endgroup::\n", true
	case s.Name == Azure:
		return "##[endgroup]\n", true
	case s.Name == GitLab:
		return fmt.Sprintf("\x1b[0Ksection_end:%d:%s\r\x1b[0K\n", now.Unix(), sectionName), false
	}
	return "", false
}

// Debug returns a line as one that the CI shows only to somebody who has asked for more, and "" when nobody has:
// RUNNER_DEBUG on GitHub and its kin, System.Debug on Azure.
func (s System) Debug(getenv func(string) string, text string) string {
	switch {
	case s.Actions && getenv("RUNNER_DEBUG") == "1":
		return "::debug::" + escape.Replace(text) + "\n"
	case s.Name == Azure && variables(getenv).says("SYSTEM_DEBUG"):
		return "##[debug]" + text + "\n"
	}
	return ""
}
