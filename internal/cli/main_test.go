package cli

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"testing"
	"time"
)

// asProgram is the variable with which the test binary is the program itself, for a shell to call.
const asProgram = "REGSWEEP_TEST_IS_PROGRAM"

// TestMain runs the tests at the project's top level, where the files are that pages and command lines name.
func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		getenv, environ := func(string) string { return "" }, func() []string { return nil }
		os.Exit(Main(context.Background(), World{Args: os.Args[1:], Getenv: getenv, Environ: environ, Stdout: os.Stdout, Stderr: os.Stderr, Now: time.Now}))
	}
	if err := os.Chdir("../.."); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// noFile, noFolder and isFolder are what this system says of a file and a folder that are not there, and of a folder that
// is read as a file.
var (
	noFile   = systemMessage("nowhere")
	noFolder = systemMessage("nowhere/nothing")
	isFolder = systemMessage(".")
)

func systemMessage(path string) string {
	_, err := os.ReadFile(path)
	var e *fs.PathError
	if !errors.As(err, &e) {
		panic(err)
	}
	return e.Err.Error()
}

// outcome is what a person or a pipeline sees of a run.
type outcome struct {
	code           int
	stdout, stderr string
}

// start runs the program in a world, in which what a test does not set is empty and the time stands still.
func start(ctx context.Context, w World) outcome {
	var stdout, stderr bytes.Buffer
	w.Stdout, w.Stderr = &stdout, &stderr
	w.Now = func() time.Time { return testNow }
	if w.Environ == nil {
		w.Environ = func() []string { return nil }
	}
	if w.Getenv == nil {
		w.Getenv = func(string) string { return "" }
	}
	code := Main(ctx, w)
	return outcome{code, stdout.String(), stderr.String()}
}
