package cli

import (
	"bytes"
	"context"
	"os"
	"testing"
	"time"
)

// TestMain runs the tests at the project's top level, where the files are that pages and command lines name.
func TestMain(m *testing.M) {
	if err := os.Chdir("../.."); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
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
	w.Environ = func() []string { return nil }
	if w.Getenv == nil {
		w.Getenv = func(string) string { return "" }
	}
	code := Main(ctx, w)
	return outcome{code, stdout.String(), stderr.String()}
}
