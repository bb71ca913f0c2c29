package registrytest

import "time"

// TagPushed returns when a tag was last pushed, by a client or with [Registry.SetTag], and false for a tag that the
// repository does not have. A push that leaves the tag at the same digest counts.
func (reg *Registry) TagPushed(path, tag string) (time.Time, bool) {
	reg.mu.Lock()
	defer reg.mu.Unlock()
	repo, ok := reg.repos[path]
	if ok {
		_, ok = repo.tags[tag]
	}
	if !ok {
		return time.Time{}, false
	}
	return repo.tagPushed[tag], true
}
