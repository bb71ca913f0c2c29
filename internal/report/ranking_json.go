package report

import (
	"fmt"
	"io"

	"github.com/regsweep/regsweep/internal/rank"
)

// RankSchema names the version of a ranking's JSON. Keys are only ever added to it.
const RankSchema = "regsweep/rank/v1"

type (
	jsonRanking struct {
		Schema         string       `json:"schema"`
		Source         rank.Source  `json:"source"`
		Asked          string       `json:"asked"`
		Started        *string      `json:"started"` // null for a log
		ElapsedSeconds float64      `json:"elapsed_seconds"`
		ExitCode       int          `json:"exit_code"`
		Repositories   []jsonRanked `json:"repositories"` // in the order of the ranking
		Manifests      int          `json:"manifests"`
		Bytes          *int64       `json:"bytes"` // each blob once; null for a log, as all that it does not tell
		SharedBytes    *int64       `json:"shared_bytes"`
		Together       []jsonShared `json:"shared_by_few"`
		Unread         []jsonUnread `json:"unread"`
		Gone           []string     `json:"gone"`
		NotLookedAt    int          `json:"not_looked_at"`
		Log            *jsonLog     `json:"log"`            // null for a registry
		Untagged       *int         `json:"untagged"`       // manifests that no tag leads to; null where they are not known
		UntaggedBytes  *int64       `json:"untagged_bytes"` // that nothing with a tag needs, each blob once
	}
	jsonRanked struct {
		Repository  string  `json:"repository"`
		Tags        *int    `json:"tags"`
		Manifests   int     `json:"manifests"`
		Blobs       int     `json:"blobs"`
		OwnBytes    *int64  `json:"own_bytes"`
		SharedBytes *int64  `json:"shared_bytes"`
		Bytes       *int64  `json:"bytes"`
		Oldest      *string `json:"oldest"`
		Newest      *string `json:"newest"`
		Untagged    *int    `json:"untagged"`
		// UntaggedBytes are a part of OwnBytes.
		UntaggedBytes *int64 `json:"untagged_bytes"`
	}
	// jsonShared is what exactly these repositories share.
	jsonShared struct {
		Repositories []string `json:"repositories"`
		Bytes        int64    `json:"bytes"`
	}
	jsonUnread struct {
		Repository string `json:"repository"`
		Error      string `json:"error"`
	}
	jsonLog struct {
		BlobsMarked       int `json:"blobs_marked"`
		BlobsEligible     int `json:"blobs_eligible"`
		ManifestsEligible int `json:"manifests_eligible"`
		EarlierLogs       int `json:"earlier_logs"`
	}
)

// writeRankingJSON writes the whole ranking for programs, as schema regsweep/rank/v1.
func writeRankingJSON(w io.Writer, r rank.Ranking) error {
	out := jsonRanking{
		Schema: RankSchema, Source: r.Source, Asked: r.Asked, Started: moment(r.Started), ElapsedSeconds: thousandths(r.Elapsed),
		ExitCode: r.ExitCode, Repositories: make([]jsonRanked, 0, len(r.Repositories)), Manifests: r.Manifests(),
		Together: []jsonShared{}, Unread: []jsonUnread{}, Gone: some(r.Gone), NotLookedAt: r.NotLookedAt,
	}
	if r.Source == rank.FromLog {
		out.Log = &jsonLog{r.Log.BlobsMarked, r.Log.BlobsEligible, r.Log.ManifestsEligible, r.Log.Earlier}
	} else {
		out.Bytes, out.SharedBytes = &r.Bytes, &r.Shared
	}
	if r.KnowsUntagged {
		out.Untagged, out.UntaggedBytes = new(r.Untagged()), &r.UntaggedBytes
	}
	for _, repository := range r.Repositories {
		one := jsonRanked{Repository: repository.Path, Manifests: repository.Manifests, Blobs: repository.Blobs}
		if r.Source == rank.FromRegistry {
			one.Tags, one.OwnBytes, one.SharedBytes = &repository.Tags, &repository.Own, &repository.Shared
			one.Bytes, one.Oldest, one.Newest = new(repository.Own+repository.Shared), moment(repository.Oldest), moment(repository.Newest)
		}
		if r.KnowsUntagged {
			one.Untagged, one.UntaggedBytes = &repository.Untagged, &repository.UntaggedBytes
		}
		out.Repositories = append(out.Repositories, one)
	}
	for _, t := range r.Together {
		out.Together = append(out.Together, jsonShared{t.Paths, t.Bytes})
	}
	for _, u := range r.Unread {
		out.Unread = append(out.Unread, jsonUnread{u.Path, u.Err.Error()})
	}
	text, err := encodeJSON(out, "")
	if err != nil {
		return fmt.Errorf("encode JSON of the ranking: %w", err)
	}
	return write(w, "ranking", text)
}
