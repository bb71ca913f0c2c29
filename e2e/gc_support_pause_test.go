package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// gate holds a registry's collection back until it is opened. The registry's program is then a script that waits and
// becomes the real one.
type gate struct {
	t   *testing.T
	dir string
}

// slow puts a gate before the collections of a registry, and has its start note when it is started behind a closed one.
func (d *depot) slow() gate {
	d.t.Helper()
	g := gate{d.t, d.t.TempDir()}
	d.stand("registry", fmt.Sprintf(`if [ "$1" = garbage-collect ]; then
  : >%[1]s/collecting
  while [ ! -e %[1]s/open ]; do sleep 0.02; done
  "$REAL" "$@"
  code=$?
  rm %[1]s/collecting
  exit $code
fi
exec "$REAL" "$@"`, g.dir))
	d.Start = fmt.Sprintf("[ ! -e %s/collecting ] || : >%[1]s/corrupt; %s", g.dir, d.Start)
	return g
}

// stand replaces the registry's program for the collections by a script, in which $REAL is the real one.
func (d *depot) stand(name, script string) {
	d.t.Helper()
	file := filepath.Join(d.t.TempDir(), name)
	text := fmt.Sprintf("#!/bin/sh\nREAL='%s'\n%s\n", d.Binary, script)
	must(d.t, os.WriteFile(file, []byte(text), 0o700))
	d.Binary = file
}

func (g gate) exists(name string) bool {
	_, err := os.Stat(filepath.Join(g.dir, name))
	return err == nil
}

// reached waits until a collection stands before the gate.
func (g gate) reached() {
	g.t.Helper()
	eventually(g.t, func() bool { return g.exists("collecting") })
}

func (g gate) open() {
	g.t.Helper()
	must(g.t, os.WriteFile(filepath.Join(g.dir, "open"), nil, 0o600))
}

// never checks that the registry was not started while it was collected.
func (g gate) never() {
	g.t.Helper()
	if g.exists("corrupt") {
		g.t.Error("the registry was started while it was collected")
	}
}
