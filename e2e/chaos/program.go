package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// command is one call of the program under test.
type command struct {
	binary, host string
	w            *world
	s            schedule
	a            attempt
	dir          string // for what the program writes
	state        string // --state-dir
}

// running is the program while it runs.
type running struct {
	cmd            *exec.Cmd
	stdout, stderr bytes.Buffer
	dir            string
	begin          time.Time
	exited         chan struct{}

	mu       sync.Mutex
	signals  []time.Time // when it was asked to end
	killed   bool
	patience time.Duration // how long it may take in all
}

// outcome is what the program has left behind.
type outcome struct {
	code           int // -1: killed by a signal
	stdout, stderr string
	text           []byte // the JSON report; nil when the program wrote none
	report         *report
	reportErr      error
	others         string // the other reports
	began, ended   time.Time
	signals        []time.Time
	killed         bool // by the harness with SIGKILL
	hung           bool // it did not end by itself
	timeout        time.Duration
}

// report is what the judge reads of the JSON report.
type report struct {
	Schema       string             `json:"schema"`
	ExitCode     int                `json:"exit_code"`
	Repositories []repositoryReport `json:"repositories"`
}

type repositoryReport struct {
	Error            *string       `json:"error"`
	Images           []imageReport `json:"images"`
	GhostTags        []string      `json:"ghost_tags"`
	Deleted          int           `json:"deleted"`
	Failed           int           `json:"failed"`
	Skipped          int           `json:"skipped"`
	Gone             int           `json:"gone"`
	ManifestsDeleted int           `json:"manifests_deleted"`
	Warnings         []string      `json:"warnings"`
	Unfinished       []string      `json:"unfinished"`
}

type imageReport struct {
	Digest  string   `json:"digest"`
	Tags    []string `json:"tags"`
	Outcome *string  `json:"outcome"`
	Error   *string  `json:"error"`
}

// drain is how long the program may go on after a signal or --timeout, and slack what a busy machine adds to it. A run
// without either has to end within patience: each fault goes by, and retries are bounded. Where nothing is answered any
// more, five deletions fail one after the other, then a look and the putting back of a tag, with up to 25 s of pauses each.
const (
	drain    = 20 * time.Second
	slack    = 15 * time.Second
	patience = 240 * time.Second
)

func (c command) args() []string {
	image := c.host + "/" + c.w.name
	if c.w.rules.built != "" {
		image += ":" + c.w.rules.built
	}
	args := []string{
		"prune", image, "--keep-last", strconv.Itoa(c.w.rules.keepLast), "--protect", strings.Join(c.w.rules.protect, ","),
		"--delete-by", c.s.method, "--state-dir", c.state,
		"--report", filepath.Join(c.dir, "report.json"), "--report", filepath.Join(c.dir, "report.md"), "--report", filepath.Join(c.dir, "report.xml"),
	}
	if c.a.parallel > 0 {
		args = append(args, "--workers", strconv.Itoa(c.a.parallel))
	}
	if c.a.timeout > 0 {
		args = append(args, "--timeout", c.a.timeout.String())
	}
	if c.s.login != openDoor {
		args = append(args, "--username", username)
	}
	return args
}

func (c command) start() (*running, error) {
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return nil, err
	}
	r := &running{cmd: exec.Command(c.binary, c.args()...), dir: c.dir, begin: time.Now(), exited: make(chan struct{}), patience: patience}
	if c.a.timeout > 0 {
		r.patience = c.a.timeout + drain + slack
	}
	r.cmd.Env = []string{"HOME=" + c.dir, "PATH=" + os.Getenv("PATH")}
	if c.s.login != openDoor {
		r.cmd.Env = append(r.cmd.Env, "REGSWEEP_PASSWORD="+password)
	}
	r.cmd.Stdout, r.cmd.Stderr = &r.stdout, &r.stderr
	if err := r.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = r.cmd.Wait() // the exit code says how it ended
		close(r.exited)
	}()
	return r, nil
}

// kill ends the program at once and returns when it is gone.
func (r *running) kill() {
	r.mu.Lock()
	r.killed = true
	r.mu.Unlock()
	_ = r.cmd.Process.Kill() // it may have ended
	<-r.exited
}

// signal asks the program to end.
func (r *running) signal(s syscall.Signal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-r.exited:
		return
	default:
	}
	r.signals = append(r.signals, time.Now())
	_ = r.cmd.Process.Signal(s) // it may have ended
}

// deadline is when the program has to have ended at the latest, as far as is known now.
func (r *running) deadline() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	end := r.begin.Add(r.patience)
	if len(r.signals) > 0 {
		if s := r.signals[0].Add(drain + slack); s.Before(end) {
			end = s
		}
	}
	return end
}

// end waits for the program, not longer than it may take, and reads what it has written.
func (r *running) end(timeout time.Duration) outcome {
	out := outcome{began: r.begin, timeout: timeout}
	for ended := false; !ended; {
		select {
		case <-r.exited:
			ended = true
		case <-time.After(min(time.Second, max(0, time.Until(r.deadline())))):
			if ended = !time.Now().Before(r.deadline()); ended {
				out.hung = true
				_ = r.cmd.Process.Signal(syscall.SIGQUIT) // it says where it stands
				select {
				case <-r.exited:
				case <-time.After(5 * time.Second):
					_ = r.cmd.Process.Kill()
					<-r.exited
				}
			}
		}
	}
	out.ended = time.Now()
	r.mu.Lock()
	out.signals, out.killed = r.signals, r.killed
	r.mu.Unlock()
	out.code, out.stdout, out.stderr = r.cmd.ProcessState.ExitCode(), r.stdout.String(), r.stderr.String()
	out.read(r.dir)
	return out
}

// read reads the reports.
func (o *outcome) read(dir string) {
	text, err := os.ReadFile(filepath.Join(dir, "report.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	o.text, o.report = text, &report{}
	if err == nil {
		err = json.Unmarshal(text, o.report)
	}
	if err == nil && (o.report.Schema != "regsweep/v1" || len(o.report.Repositories) != 1) {
		err = errors.New("it is not a report of one repository")
	}
	if o.reportErr = err; err != nil {
		o.report = nil
	}
	for _, name := range []string{"report.md", "report.xml"} {
		text, _ := os.ReadFile(filepath.Join(dir, name))
		o.others += string(text)
	}
}

// said is all that people can read of a run.
func (o outcome) said() string { return o.stdout + o.stderr + string(o.text) + o.others }
