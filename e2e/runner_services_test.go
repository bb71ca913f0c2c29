package e2e

import (
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/doctest"
	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
	"github.com/regsweep/regsweep/internal/registry/registrytest/vendors"
)

// fake is what the fakes of all services have.
type fake interface {
	Host() string
	Pusher(t testing.TB, path string) fixture.Tester
	Tags(path string) map[string]oci.Digest
	Deleted() []vendors.Deletion
}

// service is a service of docs/registries.md on its fake.
type service struct {
	fake
	reach http.RoundTripper // by the service's own names
	path  string            // of the repository that the page's block prunes
	// args are what act is told in addition, as far as the block leaves it to the reader: secrets and variables of a
	// repository, and what the stand-ins for other actions hand out.
	args []string
	// env is the same for commands and for GitLab's runner.
	env []string
}

// services are those that the page has a block for, by the name that only that block has in it. now is the service's clock.
var services = map[string]func(t *testing.T, now func() time.Time) service{
	"ghcr.io": func(t *testing.T, now func() time.Time) service {
		f := vendors.NewGHCR(t, vendors.GHCROptions{Now: now, Tokens: []vendors.GHCRToken{{Secret: "ghs_s3cret"}}})
		return service{f, f.Transport(), "team/app", []string{"-s", "GITHUB_TOKEN=ghs_s3cret", "--env", "GITHUB_REPOSITORY=team/app"}, nil}
	},
	"DOCKERHUB_TOKEN": func(t *testing.T, now func() time.Time) service {
		f := vendors.NewDockerHub(t, vendors.DockerHubOptions{Now: now, Tokens: []vendors.HubToken{{User: "acme", Secret: "dckr_pat_s3cret"}}})
		return service{f, f.Transport(), "acme/app", []string{"--var", "DOCKERHUB_USERNAME=acme", "-s", "DOCKERHUB_TOKEN=dckr_pat_s3cret"}, nil}
	},
	"dkr.ecr": func(t *testing.T, now func() time.Time) service {
		f := vendors.NewECR(t, vendors.ECROptions{Now: now})
		k := f.SessionKeys()
		return service{f, f.Transport(), "team/app", []string{
			"--env", "STAND_IN_AWS_ACCESS_KEY_ID=" + k.AccessKeyID, "--env", "STAND_IN_AWS_SECRET_ACCESS_KEY=" + k.SecretAccessKey,
			"--env", "STAND_IN_AWS_SESSION_TOKEN=" + k.SessionToken,
		}, nil}
	},
	"docker.pkg.dev": func(t *testing.T, now func() time.Time) service {
		f := vendors.NewGAR(t, vendors.GAROptions{Now: now})
		return service{f, f.Transport(), "acme/images/app", []string{"--var", "GCP_SERVICE_ACCOUNT=prune", "--env", "STAND_IN_ACCESS_TOKEN=" + f.Token()}, nil}
	},
	"azure/login": func(t *testing.T, now func() time.Time) service {
		f := vendors.NewACR(t, vendors.ACROptions{Now: now})
		return service{f, f.Transport(), "app", []string{"--var", "AZURE_CLIENT_ID=prune", "--env", "STAND_IN_REFRESH_TOKEN=" + f.RefreshToken()}, nil}
	},
	"CI_SERVER_FQDN": func(t *testing.T, now func() time.Time) service {
		f := vendors.NewGitLab(t, vendors.GitLabOptions{Now: now, Logins: []vendors.Login{vendors.JobToken("team/app", "job-s3cret")}})
		return service{f, f.Transport(), "team/app", nil, []string{"CI_REGISTRY_USER=gitlab-ci-token", "CI_REGISTRY_PASSWORD=job-s3cret"}}
	},
	"harbor.example.com": func(t *testing.T, now func() time.Time) service {
		f := vendors.NewHarbor(t, vendors.HarborOptions{Now: now, Logins: []vendors.Login{{User: "robot$acme+prune", Password: "s3cret", Actions: []string{"pull", "list", "delete"}}}})
		return service{f, toFake{"harbor.example.com", f.Host()}, "acme/team/app", nil, []string{"HARBOR_ROBOT_SECRET=s3cret"}}
	},
	"quay.io": func(t *testing.T, now func() time.Time) service {
		f := vendors.NewQuay(t, vendors.QuayOptions{Now: now, Logins: []vendors.Login{{User: "acme+prune", Password: "s3cret", Actions: []string{"pull", "push"}}}})
		return service{f, f.Transport(), "acme/app", nil, []string{"QUAY_ROBOT_TOKEN=s3cret"}}
	},
	"git.example.com": func(t *testing.T, _ func() time.Time) service {
		f := vendors.NewGitea(t, vendors.GiteaOptions{Logins: []vendors.Login{{User: "ci", Password: "s3cret", Actions: []string{"pull", "delete"}}}})
		return service{f, toFake{"git.example.com", f.Host()}, "acme/app", nil, []string{"GITEA_TOKEN=s3cret"}}
	},
	"zot.example.com": func(t *testing.T, _ func() time.Time) service {
		f := vendors.NewZot(t, vendors.ZotOptions{Logins: []vendors.Login{{User: "ci", Password: "s3cret", Actions: []string{"pull", "delete"}}}})
		return service{f, toFake{"zot.example.com", f.Host()}, "team/app", nil, []string{"ZOT_PASSWORD=s3cret"}}
	},
}

// TestRunnerServices runs every block of docs/registries.md as it stands there, with the service's own names and over
// https: the workflows in act, the pipeline in gitlab-ci-local, the commands in a shell. Each has to delete the oldest
// image, and to leave the newest ones.
func TestRunnerServices(t *testing.T) {
	t.Parallel()
	run := map[doctest.Kind]func(*testing.T, string, service, []string) (string, bool){
		doctest.Action: workflowOn, doctest.GitLab: pipelineOn, doctest.Shell: commandsOn,
	}
	found := map[string]bool{}
	for kind, run := range run {
		for _, b := range blocks(t, kind) {
			if !hosted(b) {
				continue
			}
			names := slices.DeleteFunc(slices.Sorted(maps.Keys(services)), func(name string) bool { return !strings.Contains(b.Text, name) })
			if len(names) != 1 {
				t.Errorf("%s: it is a block for %q, want one service", b, names)
				continue
			}
			found[names[0]] = true
			t.Run(names[0], func(t *testing.T) {
				t.Parallel()
				c := &pushClock{}
				s := services[names[0]](t, c.now)
				c.builds(s.Pusher(t, s.path))
				log, ok := run(t, b.Text, s, internet(t, s.reach))
				if !ok || strings.Contains(log, "s3cret") || !strings.Contains(log, "deleted ") {
					t.Errorf("%s: the run has failed, or its log has the password:\n%s", b, log)
				}
				tags := s.Tags(s.path)
				for tag, stays := range map[string]bool{"b01": false, "b08": true, "b12": true, "edge": true} {
					if _, is := tags[tag]; is != stays {
						t.Errorf("%s: %s is there: %v, want %v:\n%s", b, tag, is, stays, log)
					}
				}
				if len(s.Deleted()) == 0 {
					t.Error("the service has deleted nothing")
				}
			})
		}
	}
	if len(found) != len(services) {
		t.Errorf("the page has blocks for %v alone", slices.Sorted(maps.Keys(found)))
	}
}

// pushClock is the clock of a service to which somebody pushes once an hour, the last time an hour ago.
type pushClock struct {
	mu     sync.Mutex
	behind int // hours
}

func (c *pushClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(-time.Duration(c.behind) * time.Hour)
}

// builds pushes b01 to b12, a day's work each, and what the workflows are about to push: edge and b9. See the stand-in for
// docker/metadata-action.
func (c *pushClock) builds(p fixture.Tester) {
	tags := [][]string{{"b01"}, {"b02"}, {"b03"}, {"b04"}, {"b05"}, {"b06"}, {"b07"}, {"b08"}, {"b10"}, {"b11"}, {"b12"}, {"b9", "edge"}}
	for n, names := range tags {
		c.mu.Lock()
		c.behind = len(tags) - n
		c.mu.Unlock()
		p.Image(fixture.Image{Tags: names, Created: time.Now().AddDate(0, 0, n-len(tags))})
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.behind = 0
}

// standIns are the actions of other projects that the page's workflows use, with their folders.
var standIns = map[string]string{
	"docker/build-push-action@v7":              "build-push-action",
	"aws-actions/configure-aws-credentials@v5": "configure-aws-credentials",
	"aws-actions/amazon-ecr-login@v2":          "amazon-ecr-login",
	"google-github-actions/auth@v3":            "google-auth",
	"azure/login@v2":                           "azure-login",
}

// workflowOn runs a workflow in act.
func workflowOn(t *testing.T, text string, s service, env []string) (string, bool) {
	t.Helper()
	tool(t, "act")
	args := s.args
	for _, e := range env {
		args = append(args, "--env", e)
	}
	for ref, folder := range standIns {
		args = append(args, actAction(t, ref, map[string]string{"action.yml": file(t, "e2e/testdata/runners/services/"+folder+"/action.yml")})...)
	}
	return actIn(t, append(environ(t), withStandIns(t)), map[string]string{".github/workflows/workflow.yml": workflow(text)}, args...)
}

// pipelineOn runs a pipeline in gitlab-ci-local.
func pipelineOn(t *testing.T, text string, s service, env []string) (string, bool) {
	t.Helper()
	tool(t, "gitlab-ci-local")
	return gitlabAt(t, "registry.gitlab.com", local(text), append(env, s.env...)...)
}

// commandsOn runs commands in a shell.
func commandsOn(t *testing.T, text string, s service, env []string) (string, bool) {
	t.Helper()
	return runIn(t, t.TempDir(), environ(t, slices.Concat(env, s.env, []string{withStandIns(t)})...), "sh", "-e", "-c", text)
}

// withStandIns is a PATH with the stand-ins for docker and az in front.
func withStandIns(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("testdata/runners/services")
	if err != nil {
		t.Fatal(err)
	}
	return "PATH=" + strings.Join([]string{dir, program, os.Getenv("PATH")}, string(os.PathListSeparator))
}
