package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// program is the folder that the program under test was built into.
var program string

func TestMain(m *testing.M) { os.Exit(withProgram(m.Run)) }

// withProgram builds the program as it is released, for the scripts to run.
func withProgram(run func() int) int {
	dir, err := os.MkdirTemp("", "regsweep-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	build := exec.Command("go", "build", "-C", "..", "-trimpath", "-buildvcs=false", "-o", filepath.Join(dir, "regsweep"), ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build regsweep: %v\n%s", err, out)
		return 1
	}
	program = dir
	return run()
}

// TestStep runs the scripts: the program as a pipeline runs it, against a distribution 3.1.2 that each script has to
// itself. What a script may say beside testscript's own commands is in commands; $HOST is the registry's address, $FAR
// the same as one that is not taken for this machine, $TLSHOST the same behind TLS, with the certificate in $CA.
func TestStep(t *testing.T) {
	t.Parallel()
	testscript.Run(t, scripts())
}

// scripts says what a script can do.
func scripts() testscript.Params {
	return testscript.Params{
		Dir:                filepath.Join("testdata", "script"),
		RequireUniqueNames: true,
		Deadline:           time.Now().Add(3 * patience), // all scripts together
		Cmds:               commands,
		Condition:          condition,
		Setup: func(env *testscript.Env) error {
			s, err := newStage(filepath.Join(env.WorkDir, ".registry"))
			if err != nil {
				return err
			}
			env.Defer(s.close)
			env.Values[stageKey{}] = s
			ca := filepath.Join(env.WorkDir, "ca.pem")
			if err := os.WriteFile(ca, s.certificate(), 0o600); err != nil {
				return err
			}
			root, err := filepath.Abs("..")
			if err != nil {
				return err
			}
			for name, value := range toolchain() {
				env.Setenv(name, value)
			}
			plain := env.Getenv("WORK") + "/bin" + string(os.PathListSeparator) + os.Getenv("PATH")
			for _, v := range [][2]string{
				{"HOST", s.host()},
				{"FAR", s.far()},
				{"TLSHOST", s.tlsHost()},
				{"CA", ca},
				{"REPO_ROOT", root},
				{"PATH", program + string(os.PathListSeparator) + plain},
				{"PATH_WITHOUT", plain},
				{"HOME", env.Getenv("WORK") + "/home"},
			} {
				env.Setenv(v[0], v[1])
			}
			return nil
		},
	}
}

// programs are what a newcomer may be without, and CI may not, and where it comes from.
var programs = map[string]string{"groovy": "groovy default-jre-headless", "docker-registry": "docker-registry", "jq": "jq", "tmux": "tmux"}

// condition knows the programs.
func condition(name string) (bool, error) {
	packages, known := programs[name]
	if !known {
		return false, fmt.Errorf("unknown condition %q", name)
	}
	_, err := exec.LookPath(name)
	if err != nil && os.Getenv("REGSWEEP_CI") == "1" {
		return false, fmt.Errorf("%s is not installed (apt-get install %s)", name, packages)
	}
	return err == nil, nil
}

// needs skips the test without a program of programs, or fails it where that has to be there.
func needs(t *testing.T, name string) {
	t.Helper()
	switch has, err := condition(name); {
	case err != nil:
		t.Fatal(err)
	case !has:
		t.Skipf("%s is not installed", name)
	}
}

// toolchain is what go and groovy need besides a home of their own, which a script does not share with anybody.
var toolchain = sync.OnceValue(func() map[string]string {
	env := map[string]string{}
	names := []string{"GOCACHE", "GOMODCACHE", "GOPROXY", "GOSUMDB", "GOTOOLCHAIN"}
	out, err := exec.Command("go", append([]string{"env"}, names...)...).Output()
	for i, value := range strings.Split(strings.TrimSuffix(string(out), "\n"), "\n") {
		if err == nil && i < len(names) {
			env[names[i]] = value
		}
	}
	// Debian's groovy finds no newer Java by itself.
	if java, err := exec.LookPath("java"); err == nil && os.Getenv("JAVA_HOME") == "" {
		if java, err = filepath.EvalSymlinks(java); err == nil {
			env["JAVA_HOME"] = filepath.Dir(filepath.Dir(java))
		}
	} else if home := os.Getenv("JAVA_HOME"); home != "" {
		env["JAVA_HOME"] = home
	}
	return env
})
