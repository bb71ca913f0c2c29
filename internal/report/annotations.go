package report

import (
	"fmt"
	"io"
	"strings"
)

// labelRunes bounds the label of a link, which is one line of a job's sidebar.
const labelRunes = 200

// WriteAnnotations writes GitLab's reports:annotations: a link on the job's page whose label says what the run did, and
// which leads to where its reports are (https://docs.gitlab.com/ci/yaml/artifacts_reports, external_link). Without a
// build to link to, the section is empty.
func WriteAnnotations(w io.Writer, s Summary) error {
	type link struct {
		Label string `json:"label"`
		URL   string `json:"url"`
	}
	type annotation struct {
		ExternalLink link `json:"external_link"`
	}
	links := []annotation{}
	if address := s.reports(); address != "" {
		links = append(links, annotation{link{Label: clip(s.Line(), labelRunes), URL: address}})
	}
	text, err := encodeJSON(map[string][]annotation{"regsweep": links}, "")
	if err != nil {
		return fmt.Errorf("encode annotations: %w", err)
	}
	return write(w, "annotations", text)
}

// reports is where a reader finds the reports of the run: the page of its artifacts, else that of the build.
func (s Summary) reports() string {
	address := s.CI.link()
	if address == "" || s.CI.ArtifactsPath == "" {
		return address
	}
	return strings.TrimSuffix(address, "/") + s.CI.ArtifactsPath
}

// link is the address of the build when it is one that may be followed, and else "".
func (c CI) link() string { return webAddress(c.BuildURL) }
