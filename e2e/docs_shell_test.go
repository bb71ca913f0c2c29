package e2e

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/doctest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// stubs are the programs of other projects that the pages' commands call. What asks for what is in use is told b1; the
// place where a registry runs is told to be away. jq and the shell are real.
var stubs = map[string]string{
	"docker": `case $1 in
exec) cat gc.log ;;
compose | image | service) echo IMAGE ;;
ps) test "$2" = --all && echo IMAGE ;;
login) ;;
run)
  until [ "${1##*/}" = regsweep ]; do shift; done # what comes after the image is regsweep's
  shift
  exec "$PROGRAM" "$@"
  ;;
*) exit 1 ;;
esac`,
	"podman":  `test "$1" = push`,
	"cosign":  `case $1 in verify | verify-blob) ;; *) exit 1 ;; esac`,
	"kubectl": `case "$*" in *"get "*) echo IMAGE ;; *) exit 1 ;; esac`,
	"helm":    `echo "image: IMAGE"`,
	"nomad":   `case $1 in operator) echo '[{"Namespace":"default","ID":"app"}]' ;; job) echo '{"Job":{"TaskGroups":[{"Tasks":[{"Config":{"image":"IMAGE"}}]}]}}' ;; esac`,
	"ssh":     `exit 255`,
	"git":     `test "$1" = ls-remote && printf '0a1b2c3d4e5f60718293a4b5c6d7e8f901234567\trefs/heads/main\n'`,
	"go":      `test -d "$ROOT/e2e/${4#./}"`, // the demo and the benchmark have tests of their own
	"make":    `grep -q "^$1:" "$ROOT/Makefile"`,
}

// allowed are the exit codes that a call may end with: not only 0 when its registry is on another machine, when it merges
// the reports of a run that was refused, and when there is less to keep here than a limit is meant for.
func allowed(args string) []string {
	switch {
	case strings.Contains(args, "--gc-via"), strings.HasPrefix(args, "gc "):
		return []string{"0", "4"}
	case strings.HasPrefix(args, "report "), strings.Contains(args, "--max-delete"):
		return []string{"0", "3"}
	}
	return []string{"0"}
}

// TestDocsShell runs every block of shell commands on the pages, with a registry in the place of the one that they
// name. What is said to be in use is still there afterwards.
func TestDocsShell(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	call := regexp.MustCompile(`(?m)(?:^|\| |&& |  )regsweep `)
	program := filepath.Join(program, "regsweep")
	for _, b := range blocks(t, doctest.Shell) {
		if hosted(b) {
			continue
		}
		t.Run(b.String(), func(t *testing.T) {
			t.Parallel()
			if strings.Contains(b.Text, "jq ") {
				needs(t, "jq")
			}
			r := newTeam(t, "", "")
			for _, path := range []string{"team/web", "team/api"} {
				if _, err := fixture.New(r.URL, path).Image(t.Context(), fixture.Image{Tags: []string{"b1"}}); err != nil {
					t.Fatal(err)
				}
			}
			r.push("1574", 0)
			if strings.Contains(b.Text, "--live") {
				r.push("main-1a2b3c4", 0)
			}
			files := surroundings(t, r)
			// Each call is written down with its exit code.
			files["bin/regsweep"] = "#!/bin/sh\n" + program + " \"$@\"\ncode=$?\necho \"$code $*\" >>\"$CALLS\"\nexit $code\n"
			for name, text := range stubs {
				files["bin/"+name] = "#!/bin/sh\n" + strings.ReplaceAll(text, "IMAGE", r.Host+"/team/app:b1") + "\n"
			}
			dir := project(t, files)
			text := strings.NewReplacer("ci@registry.example.com", "ci@registry.example.com", "registry.example.com:5000", r.Host, "registry.example.com", r.Host,
				"/run/secrets/registry", "secret", "/var/lib/regsweep", "state").Replace(b.Text)
			env := environ(t, "CALLS="+dir+"/calls", "ROOT="+root, "PROGRAM="+program, "PATH="+dir+"/bin:"+os.Getenv("PATH"))
			out, ok := runIn(t, dir, env, "sh", "-c", text)
			calls, _ := os.ReadFile(filepath.Join(dir, "calls")) // there is none without a call
			lines := strings.Split(strings.TrimSuffix(string(calls), "\n"), "\n")
			want := len(call.FindAllString(b.Text, -1))
			if n := strings.Count(string(calls), "\n"); n != want {
				t.Errorf("%d calls of regsweep, want %d:\n%s%s", n, want, calls, out)
			}
			last := "0"
			for _, line := range lines[:min(want, len(lines))] {
				code, args, _ := strings.Cut(line, " ")
				if !slices.Contains(allowed(args), code) {
					t.Errorf("exit %s: %s\n%s", code, args, out)
				}
				last = code
			}
			if !ok && last == "0" || strings.Contains(out, "not found") {
				t.Errorf("the commands have failed:\n%s", out)
			}
			if strings.Contains(text, "in-use") {
				if text, err := os.ReadFile(dir + "/in-use.txt"); err == nil && !strings.Contains(string(text), r.Host+"/team/app:b1") {
					t.Errorf("in use is %q", text)
				}
				if strings.Contains(text, "regsweep ") {
					r.has("1574", "b1", "b3", "b4", "b5", "b6")
				}
			}
		})
	}
}

// surroundings are the files that the commands read.
func surroundings(t *testing.T, r team) map[string]string {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS()
	defer server.Close()
	pair := server.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	certificate := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]}))
	out := map[string]string{
		"ca.pem": certificate, "client.pem": certificate, "client-key.pem": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})),
		"secret": "s3cret\n", "regsweep.yml": strings.ReplaceAll(blocks(t, doctest.Policy)[0].Text, "registry.example.com", r.Host),
		"app.nomad.hcl": fmt.Sprintf("config { image = %q }\n", r.Host+"/team/app:b1"),
		"gc.log":        file(t, "testdata/gc/dry-run-3.1.log"),
		"checksums.txt": fmt.Sprintf("%x  regsweep_linux_amd64\n", sha256.Sum256([]byte("program"))), "regsweep_linux_amd64": "program",
	}
	shards, err := filepath.Glob("../testdata/reports/shard-*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range shards {
		out[filepath.Base(path)] = file(t, "testdata/reports/"+filepath.Base(path))
	}
	return out
}
