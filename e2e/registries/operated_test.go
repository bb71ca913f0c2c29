package registries

import (
	"os/exec"
	"testing"
	"time"
)

// Whoever starts a registry that serves already leaves the number of a process that ends at once. The one that serves ends
// with the others.
func TestOperatedEndsAllThatWereStarted(t *testing.T) {
	t.Parallel()
	r := forTest(t, "REGSWEEP_CI", func() (*Operated, error) { return OperateDockerRegistry2(t.TempDir()) })
	first, err := r.PID()
	if err != nil {
		t.Fatal(err)
	}
	if err := exec.Command("sh", "-c", r.Start).Run(); err != nil {
		t.Fatal(err)
	}
	if second, err := r.PID(); err != nil || second == first || !r.Answers() {
		t.Fatalf("got %d after %d, %v; want another process, and the registry still serves", second, first, err)
	}
	if err := r.kill(); err != nil {
		t.Fatal(err)
	}
	for bound := time.Now().Add(startTimeout); r.Answers(); {
		if time.Now().After(bound) {
			t.Fatalf("process %d still serves", first)
		}
	}
}
