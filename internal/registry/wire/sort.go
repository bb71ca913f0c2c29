package wire

import (
	"net/http"
	"strings"
)

// sort is a sort of request whose answers take about the same time when nothing queues: a [limit] compares none with another.
type sort int

// The sorts. The benchmark's tables of what requests take have the reason: a config takes distribution 3.1.2 five times as long
// as a tag, and a deletion of a digest takes 2.8.2 eight times as long, and more with each tag of the repository.
const (
	sortHead     sort = iota
	sortRead          // a list, a manifest
	sortBlob          // a config
	sortRemoval       // of a tag
	sortDeletion      // of a digest
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
