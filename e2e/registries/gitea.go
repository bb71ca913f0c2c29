package registries

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// GiteaServer is a Gitea with one user, who owns an organization "team". Everybody needs a login.
type GiteaServer struct {
	*Server
	Username string
	// Token is an access token that may do everything, ReadToken one with the scope read:package.
	Token, ReadToken string

	password string
}

// Gitea runs Gitea 1.26.0, the program that "make tools-gitea" builds, with its data in dir. It is slow to start: some
// seconds.
func Gitea(dir string) (*GiteaServer, error) {
	binary, err := tool("gitea", "tools-gitea")
	if err != nil {
		return nil, err
	}
	g := &GiteaServer{Username: "ci", password: "s3cret-s3cret"}
	g.Server, err = onFreePort(dir, func(s *Server) error { return s.gitea(binary) })
	if err != nil {
		return nil, err
	}
	if err := g.settle(binary); err != nil {
		return nil, g.abandon(err)
	}
	return g, nil
}

// gitea starts the program.
func (s *Server) gitea(binary string) error {
	s.Config = filepath.Join(s.Dir, "app.ini")
	host, port, _ := strings.Cut(s.Host, ":")
	static := filepath.Join(filepath.Dir(binary), "..", "gitea") // templates and locales, which are no part of the program
	text := fmt.Sprintf(giteaConfig, s.Dir, host, port, s.URL, static)
	if err := os.WriteFile(s.Config, []byte(text), 0o600); err != nil {
		return err
	}
	return s.launch(giteaCommand(binary, s.Config, "web"))
}

// giteaConfig leaves out what a registry does not need: git over SSH, mail, scheduled tasks, search.
const giteaConfig = `RUN_MODE = prod
WORK_PATH = %[1]s
[server]
PROTOCOL = http
HTTP_ADDR = %[2]s
HTTP_PORT = %[3]s
ROOT_URL = %[4]s/
STATIC_ROOT_PATH = %[5]s
DISABLE_SSH = true
OFFLINE_MODE = true
[database]
DB_TYPE = sqlite3
PATH = %[1]s/gitea.db
SQLITE_JOURNAL_MODE = WAL
[security]
INSTALL_LOCK = true
SECRET_KEY = regsweep
PASSWORD_HASH_ALGO = pbkdf2_v1
[service]
REQUIRE_SIGNIN_VIEW = true
[oauth2]
JWT_SECRET = cmVnc3dlZXByZWdzd2VlcHJlZ3N3ZWVwcmVnc3dlZXA
[indexer]
ISSUE_INDEXER_TYPE = db
[queue]
TYPE = channel
[session]
PROVIDER = memory
[cron]
ENABLED = false
[log]
MODE = console
LEVEL = error
`

// giteaCommand is a command of the program. It runs as root only when it is told that this is unsafe, and the variable
// is how it is told (modules/setting, loadRunModeFrom). A GITEA_ variable would override the file.
func giteaCommand(binary, config string, args ...string) *exec.Cmd {
	cmd := exec.Command(binary, append([]string{"--config", config}, args...)...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(e string) bool { return strings.HasPrefix(e, "GITEA_") })
	cmd.Env = append(cmd.Env, "GITEA_I_AM_BEING_UNSAFE_RUNNING_AS_ROOT=true", "HOME="+filepath.Dir(config), "USER=root")
	return cmd
}

// settle makes the user, the organization and the access tokens.
func (g *GiteaServer) settle(binary string) error {
	create := giteaCommand(binary, g.Config, "admin", "user", "create", "--admin", "--username", g.Username,
		"--password", g.password, "--email", "ci@example.com", "--must-change-password=false")
	if out, err := create.CombinedOutput(); err != nil {
		return fmt.Errorf("create the user: %w: %s", err, out)
	}
	if err := g.api("orgs", map[string]any{"username": "team"}, nil); err != nil {
		return err
	}
	for scope, token := range map[string]*string{"all": &g.Token, "read:package": &g.ReadToken} {
		var made struct {
			SHA1 string `json:"sha1"` // the API's name for the token itself
		}
		name := strings.ReplaceAll(scope, ":", "-")
		if err := g.api("users/"+g.Username+"/tokens", map[string]any{"name": name, "scopes": []string{scope}}, &made); err != nil {
			return err
		}
		*token = made.SHA1
	}
	return nil
}

// api makes something by Gitea's own API.
func (g *GiteaServer) api(path string, what, made any) error {
	body, err := json.Marshal(what)
	if err != nil {
		return err
	}
	req, err := http.NewRequest(http.MethodPost, g.URL+"/api/v1/"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.SetBasicAuth(g.Username, g.password)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		return fmt.Errorf("make %s: %s", path, resp.Status)
	}
	if made == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(made)
}
