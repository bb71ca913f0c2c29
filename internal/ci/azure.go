package ci

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// escape is how GitHub's runner wants the text of a command
// (https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts).
var escape = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")

// azureEscape is how Azure's agent wants it
// (https://github.com/microsoft/azure-pipelines-agent/blob/master/src/Microsoft.VisualStudio.Services.Agent/CommandStringConvertor.cs).
var azureEscape = strings.NewReplacer("%", "%AZP25", "\r", "%0D", "\n", "%0A", ";", "%3B", "]", "%5D")

// PublishAzure shows a run on Azure Pipelines: the Markdown becomes a part of the run's page, and the outputs become
// output variables of the step, such as deleted and freedBytes. The agent reads its commands from standard output
// (https://learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands), and the summary from a file by its
// absolute path, which stays in the agent's folder for temporary files until the job ends.
func PublishAzure(w io.Writer, getenv func(string) string, markdown string, o Outputs) error {
	file, err := os.CreateTemp(getenv("AGENT_TEMPDIRECTORY"), "regsweep-*.md")
	if err != nil {
		return fmt.Errorf("write summary: %w", err)
	}
	_, err = file.WriteString(markdown)
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("write summary: %w", err)
	}
	var b strings.Builder
	say := func(command, text string) { fmt.Fprintf(&b, "##vso[task.%s]%s\n", command, azureEscape.Replace(text)) }
	say("uploadsummary", file.Name())
	for _, output := range []struct{ name, value string }{
		{"deleted", strconv.Itoa(o.Deleted)},
		{"kept", strconv.Itoa(o.Kept)},
		{"failed", strconv.Itoa(o.Failed)},
		{"unreferencedBytes", strconv.FormatInt(o.UnreferencedBytes, 10)}, // a variable's name has no dash
		{"freedBytes", strconv.FormatInt(o.FreedBytes, 10)},
		{"report", o.Report},
	} {
		say("setvariable variable="+output.name+";isOutput=true", output.value)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write summary: %w", err)
	}
	return nil
}
