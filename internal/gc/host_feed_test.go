package gc

import (
	"slices"
	"strings"
	"testing"
)

// A program that reads standard input gets it in a container as well.
func TestHostsFeed(t *testing.T) {
	t.Parallel()
	for via, want := range map[string]string{
		"ssh://host":                    "-- host cat",
		"docker://reg":                  "docker exec --interactive regsweep-gc-reg cat",
		"docker+ssh://host/reg":         "-- host docker exec --interactive regsweep-gc-reg cat",
		"kubectl://team/deployment/reg": "kubectl --namespace team exec --stdin deployment/reg --container registry -- cat",
	} {
		o := TargetOptions{}
		if via == "ssh://host" {
			o = TargetOptions{Stop: "true", Start: "true"}
		}
		target, r := recorded(t, via, o, func(call string) (string, error) {
			switch {
			case strings.Contains(call, "get deployment"):
				return deployed, nil
			case strings.Contains(call, "docker inspect"):
				return inspected, nil
			}
			return "", nil
		})
		if err := target.host.open(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := target.feeding([]string{"cat"}, "text").run(t.Context()); err != nil {
			t.Error(err)
		}
		if !strings.HasSuffix(r.calls[len(r.calls)-1], want) || !slices.Contains(r.stdins, "text") {
			t.Errorf("%s: got %q with %q, want %q", via, r.calls[len(r.calls)-1], r.stdins, want)
		}
	}
}
