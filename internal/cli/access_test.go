package cli

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/regsweep/regsweep/internal/registry/registrytest"
)

// A login that is given for this run overrides the one that docker's configuration has for the host; without it, docker's
// counts.
func TestExplicitLoginOverridesDockersConfiguration(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{Auth: registrytest.BasicAuth, Username: "ci", Password: "s3cret"})
	builds(reg.Pusher(t, "team/app"), 3)
	dir := t.TempDir()
	old := base64.StdEncoding.EncodeToString([]byte("ci:old"))
	config := fmt.Sprintf(`{"auths":{%q:{"auth":%q}}}`, reg.Host(), old)
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"DOCKER_CONFIG": dir}
	if got := sweep(t, reg, env, "HOST/team/app", "--keep-last", "1"); got.code != exitRegistry {
		t.Errorf("with docker's login: exit %d\n%s", got.code, got.stderr)
	}
	env["REGSWEEP_USERNAME"], env["REGSWEEP_PASSWORD"] = "ci", "s3cret"
	if got := sweep(t, reg, env, "HOST/team/app", "--keep-last", "1"); got.code != exitDone || len(reg.Tags("team/app")) != 1 {
		t.Errorf("with a login for this run: exit %d\n%s", got.code, got.stderr)
	}
}
