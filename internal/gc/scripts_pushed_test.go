//go:build unix

package gc

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
)

// The age of a manifest is that of its link in the storage, by the clock of the registry's host.
func TestPushedScript(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "")
	now := time.Now()
	link := func(path string, age time.Duration) {
		file := filepath.Join(m.root, "docker/registry/v2/repositories", path, "link")
		m.must(os.MkdirAll(filepath.Dir(file), 0o700))
		m.must(os.WriteFile(file, nil, 0o600))
		m.must(os.Chtimes(file, now, now.Add(-age)))
	}
	hexOf := func(d oci.Digest) string { return strings.TrimPrefix(d.String(), "sha256:") }
	link("team/multi/_manifests/revisions/sha256/"+hexOf(overwrittenIndex), 48*time.Hour)
	link("team/multi/_manifests/revisions/sha256/"+hexOf(taggedIndex), time.Hour)
	link("team/multi/_manifests/tags/latest/index/sha256/"+hexOf(overwrittenIndex), time.Hour)
	link("team/multi/_layers/sha256/"+hexOf(overwrittenIndex), time.Hour)
	link("team/app/tags/_manifests/revisions/sha256/"+hexOf(overwrittenIndex), time.Hour)
	h, lines, err := m.run(pushedScript, m.root)
	m.must(err)
	if n := strings.Count(lines, "\n"); n != 3 {
		t.Errorf("%d lines: %s", n, lines)
	}
	l, err := listingOf(t, logText(t, "untagged-multi-3.1.log"))
	m.must(err)
	clock, _ := h.number("now")
	dated, err := l.readPushes(strings.NewReader("rubbish\n"+lines), clock)
	age, known := l.Age("team/multi", overwrittenIndex)
	if err != nil || dated != 1 || !known || age.Round(time.Hour) != 48*time.Hour {
		t.Errorf("%d have an age, it is %s, %v", dated, age, err)
	}
	if _, lines, err := m.run(pushedScript, filepath.Join(m.root, "none")); err != nil || lines != "" {
		t.Errorf("without a storage: %q, %v", lines, err)
	}
}
