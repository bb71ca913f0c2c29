package registries

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Operated is a registry that somebody stops and starts by commands, as a host with a service manager does it. It is a
// process of its own and no child of this one.
type Operated struct {
	*Server
	Binary string
	// Stop and Start are the operator's commands.
	Stop, Start string
	// Work is the folder of the configuration, the scripts and the registry's log.
	Work string
}

// Operate sets up and starts the registry that is at a path, of either line, with its storage in dir.
func Operate(binary, dir string, o Options) (*Operated, error) {
	for attempt := 1; ; attempt++ {
		r := &Operated{Server: &Server{Dir: dir}, Binary: binary}
		err := r.setUp(o)
		if err == nil {
			err = exec.Command("sh", "-c", r.Start).Run()
		}
		if err == nil {
			err = r.answers()
		}
		if err == nil {
			return r, nil
		}
		said, _ := os.ReadFile(filepath.Join(r.Work, "registry.log"))
		if err = r.abandon(fmt.Errorf("%w: %s", err, said)); attempt == 3 || !strings.Contains(err.Error(), "address already in use") {
			return nil, err
		}
	}
}

func (r *Operated) setUp(o Options) (err error) {
	if r.Work, err = r.scratch(); err != nil {
		return err
	}
	if r.Host, err = freeAddress(); err != nil {
		return err
	}
	r.URL, r.Config = "http://"+r.Host, filepath.Join(r.Work, "config.yml")
	config, err := r.yaml(r.Work, o)
	if err != nil {
		return err
	}
	for name, text := range map[string]string{
		"config.yml": config,
		"start":      "unset $(env | sed -n 's/^\\(REGISTRY_[A-Z_]*\\)=.*/\\1/p')\n\"$1\" serve \"$2/config.yml\" </dev/null >>\"$2/registry.log\" 2>&1 &\necho $! >\"$2/pid\"\necho $! >>\"$2/started\"\n",
		"stop":       "pid=$(cat \"$1/pid\") || exit 1\nkill \"$pid\" 2>/dev/null\nwhile kill -0 \"$pid\" 2>/dev/null && [ \"$(cut -d ' ' -f 3 /proc/$pid/stat)\" != Z ]; do sleep 0.02; done\n",
	} {
		if err := os.WriteFile(filepath.Join(r.Work, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	r.Start = fmt.Sprintf("sh %s/start '%s' %[1]s", r.Work, r.Binary)
	r.Stop = fmt.Sprintf("sh %s/stop %[1]s", r.Work)
	r.onClose(func() error { return r.kill() })
	return nil
}

// kill ends every process that was started and still runs, whatever it does: where one was started while another served, the
// latest is not the one that has the port.
func (r *Operated) kill() error {
	started, err := os.ReadFile(filepath.Join(r.Work, "started"))
	if err != nil {
		return nil // it was never started
	}
	var errs []error
	for _, line := range strings.Fields(string(started)) {
		command, err := os.ReadFile(filepath.Join("/proc", line, "cmdline"))
		if err != nil || !strings.Contains(string(command), r.Work) {
			continue // it has ended, and the number may be somebody else's
		}
		pid, err := strconv.Atoi(line)
		if err == nil {
			err = syscall.Kill(pid, syscall.SIGKILL)
		}
		if !errors.Is(err, syscall.ESRCH) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// PID is the process that was started last.
func (r *Operated) PID() (int, error) {
	text, err := os.ReadFile(filepath.Join(r.Work, "pid"))
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(text)))
}

// Answers reports whether the registry serves.
func (r *Operated) Answers() bool {
	ctx, cancel := context.WithTimeout(context.Background(), answerTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.URL+"/v2/", nil)
	return err == nil && serves(req)
}

// answerTimeout is for a server that got the address of a stopped registry and does not answer.
const answerTimeout = 5 * time.Second

func (r *Operated) answers() error { return answers(r.URL, nil) }

// BuildDistribution3 builds distribution's own registry command into a folder, from the module that this one requires,
// with all of its storage drivers, and returns the binary. The command has more dependencies than the library, so it is
// built as itself and not as a part of this module.
func BuildDistribution3(ctx context.Context, dir string) (string, error) {
	const module = "github.com/distribution/distribution/v3"
	version, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Version}}", module).Output()
	if err != nil {
		return "", fmt.Errorf("find the version of %s: %w", module, err)
	}
	install := exec.CommandContext(ctx, "go", "install", module+"/cmd/registry@"+strings.TrimSpace(string(version)))
	install.Env = append(os.Environ(), "GOBIN="+dir, "GOFLAGS=-mod=mod", "CGO_ENABLED=0")
	if out, err := install.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build distribution's registry: %w: %s", err, out)
	}
	return filepath.Join(dir, "registry"), nil
}
