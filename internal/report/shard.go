package report

import (
	"errors"
	"fmt"
)

// Shard is the part of a run's repositories that one of several parallel jobs has. The zero value stands for all of them.
type Shard struct {
	// Index is the number of the job, from 1 to Total.
	Index, Total int
	// Of is how many repositories all jobs have together.
	Of int
}

// note is what a verdict says of the shard; "" for none.
func (s Shard) note() string {
	if s.Total == 0 {
		return ""
	}
	return fmt.Sprintf(" · shard %d/%d of %s", s.Index, s.Total, plural(s.Of, "repository", "repositories"))
}

type jsonShard struct {
	Index int `json:"index"`
	Total int `json:"total"`
	Of    int `json:"of_repositories"`
}

// shardJSON is nil, and then not written, for a run that is not shared.
func shardJSON(s Shard) *jsonShard {
	if s.Total == 0 {
		return nil
	}
	return new(jsonShard(s))
}

func (in *jsonShard) shard() (Shard, error) {
	switch {
	case in == nil:
		return Shard{}, nil
	case in.Index < 1 || in.Index > in.Total || in.Of < 0:
		return Shard{}, errors.New("read JSON report: its shard is not valid")
	}
	return Shard(*in), nil
}
