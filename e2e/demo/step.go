package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/regsweep/regsweep/e2e/bench/product"
)

// reportName is the report that the step writes beside its table.
const reportName = "regsweep.json"

// step is the stage of a Jenkinsfile that calls regsweep.
type step struct {
	host string   // of the registry
	dir  string   // the workspace, which goes at the end
	args []string // what the caller of the demo says besides
}

// image is what has just been pushed.
func (s step) image() string { return fmt.Sprintf("%s/%s:%d", s.host, web.path, web.last) }

// arguments are regsweep's. What the caller says of which images to keep, and of which tags, stands in the place of the
// demo's own choice.
func (s step) arguments(report string) []string {
	out := []string{s.host + "/zdtest/*"}
	if !s.says("--keep-") {
		out = append(out, "--keep-last", "2")
	}
	if !s.says("--tags") {
		out = append(out, "--tags", "[0-9]*")
	}
	return append(append(out, "--report", report), s.args...)
}

func (s step) says(flag string) bool {
	for _, a := range s.args {
		if strings.HasPrefix(a, flag) {
			return true
		}
	}
	return false
}

// typed is the call as somebody would type it.
func (s step) typed() string { return typed(s.arguments(reportName)) }

// run prunes as Jenkins would after a push and returns regsweep's exit code.
func (s step) run(ctx context.Context, program string, stdout, stderr io.Writer) (int, error) {
	return s.call(ctx, program, s.arguments(s.report()), stdout, stderr)
}

// call runs regsweep in the pipeline's environment and returns its exit code.
func (s step) call(ctx context.Context, program string, args []string, stdout, stderr io.Writer) (int, error) {
	cmd := product.Command(ctx, s.dir, program, args...)
	number := strconv.Itoa(web.last)
	cmd.Env = append(cmd.Env, "TERM="+os.Getenv("TERM"),
		"JENKINS_URL=https://jenkins.example.com/", "JOB_NAME="+web.path, "BUILD_NUMBER="+number,
		"BUILD_URL=https://jenkins.example.com/job/"+web.path+"/"+number+"/",
		"IMAGE="+s.image())
	cmd.Stdout, cmd.Stderr = stdout, stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		return exit.ExitCode(), nil
	}
	return 0, err
}

func (s step) report() string { return filepath.Join(s.dir, reportName) }

// ending is what is left to say.
func (s step) ending(code int) string {
	text := ""
	if code != 0 {
		text = fmt.Sprintf("regsweep ended with exit code %d.\n", code)
	}
	if info, err := os.Stat(s.report()); err == nil && info.Size() > 0 {
		text += fmt.Sprintf("%s, %d KiB, had the verdict and the reasons for each image; it is deleted together with the registry.\n", reportName, info.Size()>>10)
	}
	return text + "Try another rule: go run -C e2e ./demo --keep-younger-than 7d --dry-run\n"
}
