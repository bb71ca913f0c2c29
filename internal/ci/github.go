package ci

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/sethvargo/go-githubactions"
)

var github = drawing(actions(GitHub, func(v variables) bool { return v.says("ACT") || v.says("GITHUB_ACTIONS") }, runPage("GITHUB_RUN_ID")))

// drawing is a system whose job summaries have Mermaid's diagrams
// (https://github.blog/2022-05-09-supercharging-github-actions-with-job-summaries/).
func drawing(k kind) kind {
	k.mermaid = true
	return k
}

// actions is GitHub, or one of the systems that run its workflows.
func actions(name string, found func(variables) bool, page func(variables) string) kind {
	return kind{
		name: name, found: found, page: page, annotate: annotateStep, publish: publishStep,
		// https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands#grouping-log-lines
		section: section{
			open:      func(title string, _ time.Time) string { return "::group::" + title + "\n" },
			close:     func(time.Time) string { return "::endgroup::\n" },
			collapsed: true,
		},
		debug: func(vars variables, text string) string {
			if vars("RUNNER_DEBUG") != "1" {
				return ""
			}
			return "::debug::" + escape.Replace(text) + "\n"
		},
		pullRequests: ofActions,
		inputs:       "inputs images and tags",
		// SIGTERM follows SIGINT after that, and SIGKILL after 2.5 s more
		// (https://docs.github.com/actions/reference/workflow-cancellation-reference).
		grace: 7500 * time.Millisecond,
	}
}

// escape is how GitHub's runner wants the text of a command
// (https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts).
var escape = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")

// runPage is the page of a run, which a variable numbers.
func runPage(number string) func(variables) string {
	return func(v variables) string {
		server, repository, run := v("GITHUB_SERVER_URL"), v("GITHUB_REPOSITORY"), v(number)
		if server == "" || repository == "" || run == "" {
			return ""
		}
		return strings.TrimRight(server, "/") + "/" + repository + "/actions/runs/" + run
	}
}

func annotateStep(w io.Writer, level Level, title, message string) error {
	action := githubactions.New(githubactions.WithWriter(w)).WithFieldsMap(map[string]string{"title": title})
	say := action.Noticef
	switch level {
	case Warning:
		say = action.Warningf
	case Error:
		say = action.Errorf
	}
	return attempt(func() { say("%s", message) })
}

// publishStep writes the step summary and the outputs.
func publishStep(_ io.Writer, vars variables, markdown Markdown, o Outputs) []error {
	var failed []error
	if room, ok := summaryRoom(vars); ok {
		text, err := markdown(room)
		if err == nil {
			err = appendSummary(vars, text)
		}
		if err != nil {
			failed = append(failed, err)
		}
	}
	if err := writeOutputs(vars, o); err != nil {
		failed = append(failed, err)
	}
	return failed
}

// summaryLimit is the size in bytes that a step summary is kept under. The runner drops the whole of a summary above
// 1 MiB (https://github.com/actions/runner/blob/main/src/Runner.Worker/FileCommandManager.cs), and it counts what other
// commands of the same step wrote.
const summaryLimit = 900 << 10

const summaryVariable = "GITHUB_STEP_SUMMARY"

// separator makes a paragraph end that stood there before, whether it had a newline or not.
const separator = "\n\n"

// summaryRoom returns how many bytes of Markdown [appendSummary] still takes. ok is false when the environment names
// no summary file. A file that cannot be looked at counts as empty; appending to it will tell.
func summaryRoom(vars variables) (room int, ok bool) {
	path := vars(summaryVariable)
	if path == "" {
		return 0, false
	}
	return max(0, summaryLimit-used(path)-len(separator)-len(githubactions.EOF)), true
}

// appendSummary appends Markdown to the step summary, below what is already there. It refuses text that the room does
// not hold, because that would cost the whole summary. When the environment names no file, nothing happens.
func appendSummary(vars variables, markdown string) error {
	room, ok := summaryRoom(vars)
	if !ok {
		return nil
	}
	if len(markdown) > room {
		return fmt.Errorf("append step summary: %d bytes, there is room for %d", len(markdown), room)
	}
	if used(vars(summaryVariable)) > 0 {
		markdown = separator + markdown
	}
	action := githubactions.New(githubactions.WithGetenv(githubactions.GetenvFunc(vars)), githubactions.WithWriter(io.Discard))
	if err := attempt(func() { action.AddStepSummary(markdown) }); err != nil {
		return fmt.Errorf("append step summary: %w", err)
	}
	return nil
}

func used(path string) int {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return int(info.Size())
}

// delimiter is what the library puts around every value in the output file. It never changes, so that a value with it
// could end early and forge other outputs.
const delimiter = "_GitHubActionsFileCommandDelimeter_"

// writeOutputs writes the numbers, the images and the report to the file that GITHUB_OUTPUT names. When the environment
// names no file, nothing happens.
func writeOutputs(vars variables, o Outputs) error {
	if vars("GITHUB_OUTPUT") == "" {
		return nil
	}
	images, tooLarge := o.images()
	action := githubactions.New(githubactions.WithGetenv(githubactions.GetenvFunc(vars)), githubactions.WithWriter(io.Discard))
	for _, output := range append(o.numbers(), output{"images", images}, output{"report", o.Report}) {
		if strings.Contains(output.value, delimiter) {
			return fmt.Errorf("set output %s: the value contains %s", output.name, delimiter)
		}
		if err := attempt(func() { action.SetOutput(output.name, output.value) }); err != nil {
			return fmt.Errorf("set output %s: %w", output.name, err)
		}
	}
	return tooLarge
}

// attempt turns the panic with which the library answers a failed write into an error.
func attempt(do func()) (err error) {
	defer func() {
		switch cause := recover().(type) {
		case nil:
		case runtime.Error:
			panic(cause)
		case error:
			err = cause
		default:
			panic(cause)
		}
	}()
	do()
	return nil
}
