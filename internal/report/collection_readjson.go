package report

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/regsweep/regsweep/internal/gc"
	"github.com/regsweep/regsweep/internal/oci"
)

// collection is what was written by [collectionJSON]; nil for nil.
func (in *jsonGC) collection() (*gc.Result, error) {
	if in == nil {
		return nil, nil
	}
	out := &gc.Result{
		Via: in.Via, Mode: gc.Mode(in.Mode), Version: in.Version, Collected: in.Collected, Stopped: in.Stopped,
		Restarted: in.Restarted, Verified: in.Verified, Check: gc.Check{Images: in.VerifiedImages}, Lock: in.Lock, Notes: in.Notes,
		Log:      gc.Log{BlobsMarked: in.BlobsMarked, BlobsEligible: in.BlobsDeleted, ManifestsEligible: in.ManifestsDeleted},
		Measured: in.FreedBytes != nil,
	}
	for _, b := range []struct {
		to   *int64
		from *int64
	}{{&out.Freed, in.FreedBytes}, {&out.StorageFreed, in.StorageFreed}, {&out.FreeBefore, in.FreeBefore}, {&out.FreeAfter, in.FreeAfter}} {
		if (b.from != nil) != out.Measured {
			return nil, errors.New("its collection was measured in part")
		}
		if b.from != nil {
			*b.to = *b.from
		}
	}
	if min(in.BlobsMarked, in.BlobsDeleted, in.ManifestsDeleted, in.VerifiedImages) < 0 || min(out.FreeBefore, out.FreeAfter) < 0 || min(out.Freed, out.StorageFreed) == math.MinInt64 {
		return nil, errors.New("its collection has a number below 0")
	}
	for _, d := range []struct {
		to      *time.Duration
		seconds float64
	}{{&out.Elapsed, in.Seconds}, {&out.Away, in.AwaySeconds}, {&out.Collecting, in.CollectSeconds}} {
		if d.seconds < 0 || d.seconds >= maxElapsed {
			return nil, fmt.Errorf("its collection took %g seconds", d.seconds)
		}
		*d.to = time.Duration(math.Round(d.seconds*1000)) * time.Millisecond
	}
	for _, m := range in.Missing {
		host, path, _ := strings.Cut(m.Repository, "/")
		out.Check.Missing = append(out.Check.Missing, gc.Missing{Repository: oci.Repository{Host: host, Path: path}, Digest: m.Digest})
	}
	for _, m := range in.Repositories {
		out.Log.Repositories = append(out.Log.Repositories, gc.Marked{Name: m.Repository, Manifests: m.Manifests, Blobs: m.Blobs})
	}
	if in.Skipped != nil {
		out.Skipped = *in.Skipped
	}
	if in.Error != nil {
		out.Err = readError{text: *in.Error, hint: hintOf(in.Hint)}
	}
	return out, nil
}
