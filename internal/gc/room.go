package gc

import (
	"bufio"
	"context"
	"errors"
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

// scratchFolders are where the files of a run go when the storage is full or is not a folder, in this order.
var scratchFolders = []string{"/tmp", "/var/tmp", "/dev/shm"}

// rooms are the folders that the files of a run can be written to.
type rooms struct {
	need    int64 // bytes, for the log
	folders []room
}

// room is one of them.
type room struct {
	folder  string
	free    int64 // bytes
	content bool  // false when it takes only the names of empty files
}

// findRooms tries folders where the garbage collection is run.
func (r *run) findRooms(ctx context.Context, folders []string) (rooms, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, roomTimeout, errors.New("no answer within "+roomTimeout.String()))
	defer cancel()
	text, err := r.target.onHost(script(roomScript, append([]string{r.site.root}, folders...)...)).output(ctx)
	if err != nil {
		return rooms{}, fmt.Errorf("look for room on %s: %w", r.target, err)
	}
	h, err := readHead(bufio.NewReader(strings.NewReader(text)))
	if err != nil {
		return rooms{}, fmt.Errorf("look for room on %s: %w", r.target, err)
	}
	blobs, _ := h.number("blobs") // 0 where the storage is not a folder
	out := rooms{need: roomAtLeast + roomPerBlob*blobs}
	for _, line := range h["room"] {
		free, rest, _ := strings.Cut(line, " ")
		content, folder, _ := strings.Cut(rest, " ")
		n, _ := strconv.ParseInt(free, 10, 64) // 0 where df says nothing
		out.folders = append(out.folders, room{folder, n << 10, content == "yes"})
	}
	if len(out.folders) == 0 {
		return rooms{}, &Refusal{
			Why:    fmt.Sprintf("there is no room for the files of a garbage collection on %s: nothing can be written to %s", r.target, strings.Join(folders, ", ")),
			Advice: fmt.Sprintf("make %d MiB free in one of these folders", out.need>>20+1),
		}
	}
	return out, nil
}

// forLog returns the first folder with room for the log, or "" if no folder has room.
func (r rooms) forLog() string {
	for _, f := range r.folders {
		if f.content && f.free >= r.need {
			return f.folder
		}
	}
	return ""
}

// findHome chooses the folder of the lock, where the operator's commands print as well: the root of the storage, which all
// runs see and no request reaches, or a folder of the place where the garbage collection is run.
func (r *run) findHome(ctx context.Context) error {
	if r.home = r.site.root; r.home != "" {
		return nil
	}
	found, err := r.findRooms(ctx, r.scratch())
	if err != nil {
		return err
	}
	r.home = found.folders[0].folder
	return nil
}

// scratch are the folders outside of the storage.
func (r *run) scratch() []string {
	if s := r.target.host.facts().scratch; s != "" {
		return append([]string{s}, scratchFolders...)
	}
	return scratchFolders
}

// findRoom chooses the folder for the files of this run while the registry still serves: a full disk is what a garbage
// collection is for, and that is when these files must not be lost. Where no folder has room for the log, the log comes over
// the connection, and the folder holds only the names of empty files.
func (r *run) findRoom(ctx context.Context) error {
	folders := append([]string{r.res.Lock}, r.scratch()...)
	there := r.site.root != "" && r.o.Mode == Offline && r.target.host.facts().scratch != ""
	if there {
		folders = folders[:1] // the others are those of the registry's own pod, not those of the helper
	}
	found, err := r.findRooms(ctx, folders)
	if err != nil {
		return err
	}
	if folder := found.forLog(); folder != "" || there {
		r.runIn(folder)
		return nil
	}
	r.stream = true
	r.runIn(found.folders[0].folder)
	r.res.Notes = append(r.res.Notes, fmt.Sprintf("no folder on %s has %d MiB free for the log of the garbage collection, so a lost connection ends it", r.target, found.need>>20+1))
	return nil
}

// findRoomThere chooses the folder in a helper that is made after the stop, if that is still to be done.
func (r *run) findRoomThere(ctx context.Context) error {
	if r.folder != "" {
		return nil
	}
	found, err := r.findRooms(ctx, append(r.scratch(), r.res.Lock))
	if err != nil {
		var refusal *Refusal
		if errors.As(err, &refusal) { // the registry is stopped by now
			err = hinted{errors.New(refusal.Why), refusal.Advice}
		}
		return err
	}
	folder := found.forLog()
	if r.stream = folder == ""; r.stream {
		folder = found.folders[0].folder
	}
	r.runIn(folder)
	return nil
}

// runIn makes up the folder of this run in another one; "" leaves it open.
func (r *run) runIn(folder string) {
	switch folder {
	case "":
		r.folder = ""
	case r.res.Lock:
		r.folder = path.Join(folder, "run-"+token())
	default:
		r.folder = path.Join(folder, "regsweep-gc-"+token())
	}
}
