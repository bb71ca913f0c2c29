package gc

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// arguments are the registry's own command. It never has --delete-untagged, which deletes the platforms of multi-arch images
// on 2.x.
func (r *run) arguments() []string { return []string{r.site.binary, "garbage-collect", r.site.file} }

// garbageCollect runs the registry's program, with a measurement before and after, and reads its log. When the connection
// is lost the program keeps running, and is followed again.
func (r *run) garbageCollect(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, r.o.Timeout, errTimeout)
	defer cancel()
	r.begun = true
	log := "file"
	if r.stream {
		log = "stream"
	}
	args := script(collectScript, append([]string{r.folder, r.res.Lock, r.site.root, log}, r.arguments()...)...)
	err := r.follow(ctx, args)
	var failed *CommandError
	if errors.As(err, &failed) { // of the way there, since the script reports the program's own failure as a value
		r.o.Say("lost the connection to the garbage collection, reconnecting: " + failed.Error())
		err = r.retry(ctx, func() error { return r.follow(ctx, script(resumeScript, r.folder)) })
	}
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return fmt.Errorf("garbage-collect: %w", err)
	}
	r.res.Collected = true
	if !r.res.LogIncomplete && r.res.Log.BlobsMarked < r.before.Digests {
		return hinted{
			fmt.Errorf("garbage-collect: it found %s in use, and the kept images alone are made of %d: it did not read this registry's storage", count(r.res.Log.BlobsMarked, "blob", "blobs"), r.before.Digests),
			ConfigHint,
		}
	}
	return nil
}

// follow runs a script that prints what is known of the garbage collection, once that is over. A log that has no room in a
// file comes first, as it is printed, and what is known is asked for afterwards.
func (r *run) follow(ctx context.Context, args []string) error {
	h, log, misread, err := r.read(ctx, args)
	if err == nil && h.one("stream") == "yes" {
		h, _, _, err = r.read(ctx, script(resumeScript, r.folder))
	}
	if err != nil {
		return err
	}
	switch code := h.one("exit"); code {
	case "0":
	case "":
		return errors.New("it ended early, without an exit code")
	default:
		return fmt.Errorf("it exited with %s: %s", code, oneLine(strings.Join(h["err"], "\n")))
	}
	if misread != nil && (misread.failed || !misread.own && !(misread.empty && h.one("full") == "yes")) {
		return errors.New(misread.Error()) // its hint is for a log that was made by hand
	}
	if r.res.Log = log; misread != nil {
		r.res.LogIncomplete = true
		r.res.Notes = append(r.res.Notes, "the garbage collection ran to its end, but its log was cut off, so it is not known how many blobs it deleted; was the disk of "+r.folder+" full?")
	}
	r.measure(h)
	return nil
}

// read runs a script that prints a head and a log. A text that is not a log is not yet a failure.
func (r *run) read(ctx context.Context, args []string) (h head, log Log, misread *LogError, err error) {
	err = stream(ctx, r.target.withVariables(r.site, args), func(in *bufio.Reader) (err error) {
		if h, err = readHead(in); err == nil {
			if log, err = readOwnLog(in); errors.As(err, &misread) {
				return nil
			}
		}
		return err
	})
	return h, log, misread, err
}

// measure takes over what was measured, if all of it was.
func (r *run) measure(h head) {
	began, err1 := strconv.ParseFloat(h.one("began"), 64)
	ended, err2 := strconv.ParseFloat(h.one("ended"), 64)
	if err1 == nil && err2 == nil {
		r.res.Collecting = time.Duration((ended - began) * float64(time.Second)).Round(10 * time.Millisecond)
	}
	var v [6]int64
	for i, key := range []string{"before.disk", "after.disk", "before.content", "after.content", "before.free", "after.free"} {
		n, ok := h.number(key)
		if !ok {
			if r.site.root != "" {
				r.res.Notes = append(r.res.Notes, "the storage could not be measured: that needs du, ls, df and awk next to the registry")
			}
			return
		}
		v[i] = n
	}
	r.res.Measured = true
	r.res.StorageFreed, r.res.Freed = (v[0]-v[1])<<10, v[2]-v[3]
	r.res.FreeBefore, r.res.FreeAfter = v[4]<<10, v[5]<<10
}

// halt ends the removal of images and the garbage collection if they are still running, and returns nil only when neither is.
// A helper that does not answer any more is removed, and the garbage collection with it.
func (r *run) halt(ctx context.Context) error {
	var folders []string
	if r.removing != "" {
		folders = append(folders, r.removing)
	}
	if r.begun {
		folders = append(folders, r.folder)
	}
	if len(folders) == 0 {
		return nil
	}
	err := r.retry(ctx, func() error {
		limit, cancel := context.WithTimeoutCause(ctx, stepTimeout, errors.New("it does not end"))
		defer cancel()
		for _, folder := range folders {
			if err := r.target.onHost(script(haltScript, folder)).run(limit); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil && r.target.host.facts().disposable {
		return r.target.host.close(ctx)
	}
	return err
}

// stream runs a command and reads what it prints as it comes. The command's own failure takes precedence over the reader's.
func stream(ctx context.Context, c command, read func(*bufio.Reader) error) error {
	in, out := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		c.out = out
		err := c.run(ctx)
		ended <- err
		out.CloseWithError(err) // nil is the end of the file
	}()
	buffered := bufio.NewReader(in)
	err := read(buffered)
	if _, drained := io.Copy(io.Discard, buffered); drained != nil && err == nil { // whatever the reader has left
		err = drained
	}
	if failed := <-ended; failed != nil {
		return failed
	}
	return err
}
