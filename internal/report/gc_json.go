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

// The order of the fields is the order of the keys: first those of version 1, then additions.
type (
	jsonGC struct {
		Via              string        `json:"via"`
		BlobsMarked      int           `json:"blobs_marked"`
		BlobsDeleted     int           `json:"blobs_deleted"`
		ManifestsDeleted int           `json:"manifests_deleted"`
		FreedBytes       *int64        `json:"freed_bytes"` // null: not measured
		Restarted        bool          `json:"restarted"`
		VerifiedImages   int           `json:"verified_images"`
		Seconds          float64       `json:"seconds"`
		Error            *string       `json:"error"`
		Mode             string        `json:"mode"`
		Version          string        `json:"version"`
		Skipped          *string       `json:"skipped"`
		Collected        bool          `json:"collected"`
		Stopped          bool          `json:"stopped"`
		StorageFreed     *int64        `json:"storage_freed_bytes"`
		FreeBefore       *int64        `json:"disk_free_before_bytes"`
		FreeAfter        *int64        `json:"disk_free_after_bytes"`
		AwaySeconds      float64       `json:"away_seconds"`
		CollectSeconds   float64       `json:"collect_seconds"`
		Verified         bool          `json:"verified"`
		Missing          []jsonMissing `json:"missing"`
		Lock             string        `json:"lock"`
		Repositories     []jsonMarked  `json:"repositories"`
		Notes            []string      `json:"notes"`
		Hint             *string       `json:"hint"` // what helps against the error
		LogIncomplete    bool          `json:"log_incomplete"`
	}
	jsonMissing struct {
		Repository string     `json:"repository"`
		Digest     oci.Digest `json:"digest"`
	}
	jsonMarked struct {
		Repository string `json:"repository"`
		Manifests  int    `json:"manifests_marked"`
		Blobs      int    `json:"blobs_marked"`
	}
)

// gcJSON is nil, which is written as null, when no garbage collection was asked for.
func gcJSON(r *gc.Result) *jsonGC {
	if r == nil {
		return nil
	}
	out := &jsonGC{
		Via: r.Via, BlobsMarked: r.Log.BlobsMarked, BlobsDeleted: r.Log.BlobsEligible, ManifestsDeleted: r.Log.ManifestsEligible,
		Restarted: r.Restarted, VerifiedImages: r.Check.Images, Seconds: thousandths(r.Elapsed), Mode: string(r.Mode), Version: r.Version,
		Collected: r.Collected, LogIncomplete: r.LogIncomplete, Stopped: r.Stopped, AwaySeconds: thousandths(r.Away), CollectSeconds: thousandths(r.Collecting),
		Verified: r.Verified, Missing: []jsonMissing{}, Lock: r.Lock, Repositories: []jsonMarked{}, Notes: some(r.Notes), Skipped: textJSON(r.Skipped), Hint: textJSON(Hint(r.Err)),
	}
	if r.Err != nil {
		out.Error = new(r.Err.Error())
	}
	if r.Measured {
		out.FreedBytes, out.StorageFreed = new(r.Freed), new(r.StorageFreed)
		out.FreeBefore, out.FreeAfter = new(r.FreeBefore), new(r.FreeAfter)
	}
	for _, m := range r.Check.Missing {
		out.Missing = append(out.Missing, jsonMissing{m.Repository.String(), m.Digest})
	}
	for _, m := range r.Log.Repositories {
		out.Repositories = append(out.Repositories, jsonMarked{m.Name, m.Manifests, m.Blobs})
	}
	return out
}

func thousandths(d time.Duration) float64 { return math.Round(d.Seconds()*1000) / 1000 }

// result is what was written by [gcJSON]; nil for nil.
func (in *jsonGC) result() (*gc.Result, error) {
	if in == nil {
		return nil, nil
	}
	out := &gc.Result{
		Via: in.Via, Mode: gc.Mode(in.Mode), Version: in.Version, Collected: in.Collected, Stopped: in.Stopped,
		Restarted: in.Restarted, Verified: in.Verified, Check: gc.Check{Images: in.VerifiedImages}, Lock: in.Lock, Notes: in.Notes, LogIncomplete: in.LogIncomplete, Skipped: textOf(in.Skipped),
		Log:      gc.Log{BlobsMarked: in.BlobsMarked, BlobsEligible: in.BlobsDeleted, ManifestsEligible: in.ManifestsDeleted},
		Measured: in.FreedBytes != nil,
	}
	for _, b := range []struct {
		to   *int64
		from *int64
	}{{&out.Freed, in.FreedBytes}, {&out.StorageFreed, in.StorageFreed}, {&out.FreeBefore, in.FreeBefore}, {&out.FreeAfter, in.FreeAfter}} {
		if (b.from != nil) != out.Measured {
			return nil, errors.New("its garbage collection was measured in part")
		}
		if b.from != nil {
			*b.to = *b.from
		}
	}
	if min(in.BlobsMarked, in.BlobsDeleted, in.ManifestsDeleted, in.VerifiedImages) < 0 || min(out.FreeBefore, out.FreeAfter) < 0 || min(out.Freed, out.StorageFreed) == math.MinInt64 {
		return nil, errors.New("its garbage collection has a number below 0")
	}
	for _, d := range []struct {
		to      *time.Duration
		seconds float64
	}{{&out.Elapsed, in.Seconds}, {&out.Away, in.AwaySeconds}, {&out.Collecting, in.CollectSeconds}} {
		if d.seconds < 0 || d.seconds >= maxElapsed {
			return nil, fmt.Errorf("its garbage collection took %g seconds", d.seconds)
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
	if in.Error != nil {
		out.Err = readError{text: *in.Error, hint: textOf(in.Hint)}
	}
	return out, nil
}
