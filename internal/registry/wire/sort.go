package wire

import (
	"net/http"
	"strings"
)

// sort is a sort of request whose answers take about the same time when nothing queues: a [limit] compares none with another.
type sort int

// The sorts. The times are those of distribution 3.1.2 on the same machine (docs/performance.md).
const (
	sortHead     sort = iota // 0.3 ms
	sortRead                 // a list, a manifest
	sortBlob                 // a config: distribution takes 4 MiB of memory for each, and 0.7 ms
	sortRemoval              // of a tag: 0.4 ms
	sortDeletion             // of a digest: from 0.4 ms to seconds
	sortOther
	sorts // how many there are
)

// sort tells the sort of the call.
func (k Call) sort() sort {
	switch k.Method {
	case http.MethodHead:
		return sortHead
	case http.MethodGet:
		if strings.Contains(k.URL, "/blobs/") {
			return sortBlob
		}
		return sortRead
	case http.MethodDelete:
		if strings.Contains(k.URL, ":") {
			return sortDeletion
		}
		return sortRemoval
	}
	return sortOther
}
