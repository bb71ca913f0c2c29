package vendors

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/regsweep/regsweep/internal/oci"
)

// garOperation is a deletion that the API does after its answer.
type garOperation struct {
	path    string
	digests []oci.Digest
	force   bool
	left    int // requests to the API until it is done
	done    bool
	failure string
}

// deleteVersion checks the tags at once and the rest when the operation is done. Which check comes when is unverified.
func (f *GAR) deleteVersion(w http.ResponseWriter, r *http.Request, n garName, d oci.Digest, refuse refusal) {
	s, ok := find(storedManifests(f.Registry, n.path), d)
	force := r.URL.Query().Get("force") == "true"
	switch {
	case !ok:
		garFail(w, http.StatusNotFound, "NOT_FOUND", "Requested entity was not found.")
	case len(s.Tags) > 0 && !force:
		refuse(http.StatusBadRequest, "FAILED_PRECONDITION", "Version is still referenced by tag: "+s.Tags[0])
	case len(s.Tags) > 0 && f.opts.ImmutableTags:
		refuse(http.StatusBadRequest, "FAILED_PRECONDITION", garImmutable)
	default:
		f.start(w, n, &garOperation{path: n.path, digests: []oci.Digest{d}, force: force, left: f.opts.SlowOperations})
	}
}

// start answers with an operation, which may be done already.
func (f *GAR) start(w http.ResponseWriter, n garName, op *garOperation) {
	location, _, _ := strings.Cut(n.repository, "/repositories/")
	name := fmt.Sprintf("%s/operations/op-%d", location, len(f.operations)+1)
	f.operations[name] = op
	if op.left == 0 {
		f.finish(op)
	}
	f.answerOperation(w, name, op)
}

// proceed counts a request to the API off all operations, and does the work of those whose time has come. An operation
// goes on whether or not the client asks for it.
func (f *GAR) proceed() {
	for i := range len(f.operations) { // in the order of their start
		for name, op := range f.operations {
			if !op.done && strings.HasSuffix(name, fmt.Sprintf("/op-%d", i+1)) {
				if op.left--; op.left <= 0 {
					f.finish(op)
				}
			}
		}
	}
}

// finish deletes what it may. force takes the tags, and an index that the service keeps for itself. It does not take an
// index or a referrer that a client pushed (unverified).
func (f *GAR) finish(op *garOperation) {
	op.done = true
	for _, d := range op.digests {
		all := storedManifests(f.Registry, op.path)
		s, ok := find(all, d)
		if !ok {
			continue
		}
		code, message := "", ""
		if op.force && f.opts.ImmutableTags && len(s.Tags) > 0 {
			code, message = "FAILED_PRECONDITION", garImmutable
		} else {
			untagged := s
			if op.force {
				untagged.Tags = nil
				delete(f.unseen[op.path], d)
			}
			code, message = f.held(op.path, all, untagged)
		}
		if code != "" {
			op.failure = message
			f.addRefusal(refusalOf(op.path, d.String(), http.StatusOK, code))
			continue
		}
		f.remove(op.path, s)
	}
}

func (f *GAR) getOperation(w http.ResponseWriter, name string) {
	op, ok := f.operations[name]
	if !ok {
		garFail(w, http.StatusNotFound, "NOT_FOUND", "Requested entity was not found.")
		return
	}
	f.answerOperation(w, name, op)
}

func (f *GAR) answerOperation(w http.ResponseWriter, name string, op *garOperation) {
	answer := map[string]any{"name": name, "done": op.done}
	switch {
	case op.failure != "":
		answer["error"] = map[string]any{"code": 9, "message": op.failure} // FAILED_PRECONDITION of google.rpc.Code
	case op.done:
		answer["response"] = map[string]string{"@type": "type.googleapis.com/google.protobuf.Empty"}
	}
	answerJSON(w, http.StatusOK, answer)
}
