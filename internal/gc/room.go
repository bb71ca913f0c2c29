package gc

import (
	"bufio"
	"context"
	"fmt"
	"path"
	"strconv"
	"strings"
)

// What the files of a run need. A line of the log is a little longer than a digest, and a blob has one or two.
const (
	roomAtLeast = 1 << 20
	roomPerBlob = 200
)

// scratchFolders are where the files of a run go when the storage is full, in this order.
var scratchFolders = []string{"/tmp", "/var/tmp", "/dev/shm"}

// findRoom chooses the folder for the files of this run, while the registry still serves: a full disk is what a garbage
// collection is for, and that is when these files must not be lost. Where no folder has room for the log, the log comes over
// the connection, and the folder holds only the names of empty files.
func (r *run) findRoom(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	folders := append([]string{r.res.Lock}, scratchFolders...)
	text, err := r.target.onHost(script(roomScript, append([]string{r.site.root}, folders...)...)).output(ctx)
	if err != nil {
		return fmt.Errorf("look for room on %s: %w; nothing was stopped", r.target, err)
	}
	h, err := readHead(bufio.NewReader(strings.NewReader(text)))
	if err != nil {
		return fmt.Errorf("look for room on %s: %w; nothing was stopped", r.target, err)
	}
	blobs, _ := h.number("blobs") // 0 where the storage is not a folder
	need := roomAtLeast + roomPerBlob*blobs
	names := ""
	for _, line := range h["room"] {
		free, rest, _ := strings.Cut(line, " ")
		content, folder, _ := strings.Cut(rest, " ")
		n, err := strconv.ParseInt(free, 10, 64)
		if err == nil && content == "yes" && n<<10 >= need {
			r.folder = r.runFolder(folder)
			return nil
		}
		if names == "" {
			names = folder
		}
	}
	if names == "" {
		return &Refusal{
			Why:    fmt.Sprintf("there is no room for the files of a garbage collection on %s: nothing can be written to %s", r.target, strings.Join(folders, ", ")),
			Advice: fmt.Sprintf("make %d MiB free in one of these folders", need>>20+1),
		}
	}
	r.folder, r.stream = r.runFolder(names), true
	r.res.Notes = append(r.res.Notes, fmt.Sprintf("no folder on %s has %d MiB free for the log of the garbage collection, so a lost connection ends it", r.target, need>>20+1))
	return nil
}

// runFolder is the folder of this run in another one.
func (r *run) runFolder(in string) string {
	if in == r.res.Lock {
		return path.Join(in, "run-"+token())
	}
	return path.Join(in, "regsweep-gc-"+token())
}
