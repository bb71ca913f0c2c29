package ci

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"time"
)

var azure = kind{
	name: Azure, found: says("TF_BUILD"), page: azurePage, annotate: logIssue, publish: publishAzure,
	// https://learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands#formatting-commands
	section: section{
		open:      func(title string, _ time.Time) string { return "##[group]" + title + "\n" },
		close:     func(time.Time) string { return "##[endgroup]\n" },
		collapsed: true,
	},
	// The agent is of one origin with GitHub's runner, and its times are the same
	// (https://github.com/microsoft/azure-pipelines-agent/issues/4364).
	grace: 7500 * time.Millisecond,
	debug: func(vars variables, text string) string {
		if !vars.says("SYSTEM_DEBUG") {
			return ""
		}
		return "##[debug]" + text + "\n"
	},
}

// azureEscape is how Azure's agent wants the text of a command
// (https://github.com/microsoft/azure-pipelines-agent/blob/master/src/Microsoft.VisualStudio.Services.Agent/CommandStringConvertor.cs).
var azureEscape = strings.NewReplacer("%", "%AZP25", "\r", "%0D", "\n", "%0A", ";", "%3B", "]", "%5D")

// azureCommand is a command to the agent.
func azureCommand(command, text string) string {
	return "##vso[task." + command + "]" + azureEscape.Replace(text) + "\n"
}

// azurePage makes the address of a build
// (https://learn.microsoft.com/azure/devops/pipelines/build/variables); a project's name may have spaces.
func azurePage(v variables) string {
	server, project, build := v("SYSTEM_TEAMFOUNDATIONCOLLECTIONURI"), v("SYSTEM_TEAMPROJECT"), v("BUILD_BUILDID")
	if server == "" || project == "" || build == "" {
		return ""
	}
	return strings.TrimRight(server, "/") + "/" + url.PathEscape(project) + "/_build/results?buildId=" + url.QueryEscape(build)
}

func logIssue(w io.Writer, level Level, title, message string) error {
	if level != Warning && level != Error {
		return nil
	}
	_, err := io.WriteString(w, azureCommand("logissue type="+string(level), title+": "+message))
	return err
}

// publishAzure makes the Markdown a part of the run's page, and the outputs output variables of the step, such as
// deleted and freedBytes. The agent reads its commands from standard output
// (https://learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands), and the summary from a file by its
// absolute path, which stays in the agent's folder for temporary files until the job ends.
func publishAzure(w io.Writer, vars variables, markdown Markdown, o Outputs) []error {
	text, err := markdown(summaryLimit)
	if err != nil {
		return []error{err}
	}
	path, err := writeTemporary(vars("AGENT_TEMPDIRECTORY"), text)
	if err != nil {
		return []error{fmt.Errorf("write summary: %w", err)}
	}
	var b strings.Builder
	b.WriteString(azureCommand("uploadsummary", path))
	for _, output := range append(o.numbers(), output{"report", o.Report}) {
		name := strings.ReplaceAll(output.name, "-bytes", "Bytes") // a variable's name has no dash
		b.WriteString(azureCommand("setvariable variable="+name+";isOutput=true", output.value))
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return []error{fmt.Errorf("write summary: %w", err)}
	}
	return nil
}

// writeTemporary writes a text into a new file of the folder and returns its path.
func writeTemporary(dir, text string) (string, error) {
	file, err := os.CreateTemp(dir, "regsweep-*.md")
	if err != nil {
		return "", err
	}
	_, err = file.WriteString(text)
	return file.Name(), errors.Join(err, file.Close())
}
