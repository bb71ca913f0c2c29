package gc

import (
	"strings"
	"testing"
)

func TestRunFindsRoom(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		room   string
		folder string // the beginning of the run's folder, "" when nothing may be stopped
		log    string
	}{
		"in the storage":      {"room=1026 yes /srv/.regsweep-gc-lock\nroom=9999 yes /tmp\n", "/srv/.regsweep-gc-lock/run-", "file"},
		"elsewhere":           {"room=1025 yes /srv/.regsweep-gc-lock\nroom=9999 yes /tmp\n", "/tmp/regsweep-gc-", "file"},
		"names alone":         {"room=0 no /srv/.regsweep-gc-lock\nroom=1025 yes /dev/shm\n", "/srv/.regsweep-gc-lock/run-", "stream"},
		"no content":          {"room=9999 no /srv/.regsweep-gc-lock\n", "/srv/.regsweep-gc-lock/run-", "stream"},
		"nothing at all":      {"", "", ""},
		"df is not there":     {"room= yes /tmp\n", "/tmp/regsweep-gc-", "stream"},
		"a folder of a title": {"room=9999 yes /srv/my images/.regsweep-gc-lock\n", "/srv/my images/.regsweep-gc-lock/", "file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			f.room = c.room
			res := collectWith(t, f, Options{})
			if c.folder == "" {
				if KindOf(res.Err) != KindRefused || !strings.Contains(res.Err.Error(), "there is no room for the files of a garbage collection on fake:") || hintOf(res.Err) != "make 2 MiB free in one of these folders" || f.lock {
					t.Errorf("got %v, hint %q, locked: %v", res.Err, hintOf(res.Err), f.lock)
				}
				f.wantSteps(t, "room", "unlock", "!stop")
				return
			}
			if res.Err != nil || !strings.HasPrefix(f.args[0], c.folder) || f.args[1] != "/srv/.regsweep-gc-lock" || f.args[3] != c.log || res.Log.BlobsEligible != 2 || !res.Measured {
				t.Errorf("got %+v with the arguments %q", res, f.args)
			}
			f.wantSteps(t, "lock", "room", "stop", "collect", "unlock")
		})
	}
	for name, c := range map[string]struct{ room, folder, log string }{ // the helper is made after the stop
		"in the storage":   {"room=9999 yes /srv/.regsweep-gc-lock\n", "/srv/.regsweep-gc-lock/run-", "file"},
		"in the helper":    {"room=0 yes /srv/.regsweep-gc-lock\nroom=9999 yes /scratch\n", "/scratch/regsweep-gc-", "file"},
		"none in a helper": {"room=0 yes /srv/.regsweep-gc-lock\n", "/srv/.regsweep-gc-lock/run-", "stream"},
	} {
		f := newFake()
		f.known.scratch, f.room = "/scratch", c.room
		res := collectWith(t, f, Options{})
		if res.Err != nil || !strings.HasPrefix(f.args[0], c.folder) || f.args[3] != c.log {
			t.Errorf("%s: got %+v with the arguments %q", name, res, f.args)
		}
	}
	f := newFake()
	failing("room")(f)
	if res := collectWith(t, f, Options{}); res.Err == nil || res.Err.Error() != "look for room on fake:: room fails" || f.lock {
		t.Errorf("got %v", res.Err)
	}
	f.wantSteps(t, "unlock", "!stop")
}

func TestRunWithBuckets(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.config, f.known.scratch, f.room = "storage: {s3: {}}", "/scratch", "room=9999 yes /scratch\n"
	res := collectWith(t, f, Options{})
	if res.Err != nil || res.Lock != "/scratch/.regsweep-gc-lock" || f.args[1] != res.Lock || f.args[2] != "" || !strings.HasPrefix(f.args[0], "/scratch/regsweep-gc-") {
		t.Errorf("got %+v with the arguments %q", res, f.args)
	}
	f.wantSteps(t, "settle false", "room", "lock", "room", "stop", "collect", "!storage")

	f = newFake()
	f.config, f.room = "storage: {s3: {}}", ""
	if res := collectWith(t, f, Options{}); KindOf(res.Err) != KindRefused || res.Stopped {
		t.Errorf("got %+v", res)
	}
}
