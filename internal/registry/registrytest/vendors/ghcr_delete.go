package vendors

import (
	"net/http"
	"slices"
	"strconv"
)

// deletable refuses a token that may not delete. A classic token without the scope is answered as if there were no such
// version (unverified for the scope; see [GHCRHidden]).
func (f *GHCR) deletable(c *ghcrCall) bool {
	switch {
	case c.tok.Denial == GHCRForbidden:
		f.refuse(c.w, c.r, http.StatusForbidden, notAccessible(c.tok), ghcrPackagesPage)
	case c.tok.Denial != "", !c.tok.may("delete:packages"), !c.tok.reaches(c.path()):
		f.gone(c)
	default:
		return f.readable(c, "delete a package version")
	}
	return false
}

// deleteVersion deletes a manifest with its tags. It deletes neither children nor referrers, and it does not look
// whether an index lists the manifest. The refusals with 400 are undocumented
// (https://github.com/actions/delete-package-versions/issues/231,
// https://github.com/chizkiyahu/delete-untagged-ghcr-action/issues/40).
func (f *GHCR) deleteVersion(c *ghcrCall) {
	if !f.deletable(c) {
		return
	}
	status, message := f.tryDelete(c.path(), c.below[3])
	if status != http.StatusNoContent {
		f.refuse(c.w, c.r, status, message, ghcrPackagesPage)
		return
	}
	c.w.WriteHeader(status)
}

// tryDelete deletes a version if the service lets it go.
func (f *GHCR) tryDelete(path, number string) (status int, message string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := f.versions(path)
	i := slices.IndexFunc(all, func(v GHCRVersion) bool { return strconv.FormatInt(v.ID, 10) == number })
	if i < 0 {
		return http.StatusNotFound, ghcrGone
	}
	v := all[i]
	if message := f.held(path, v, all); message != "" {
		return http.StatusBadRequest, message
	}
	f.drop(path, v)
	return http.StatusNoContent, ""
}

// held returns why a version of all cannot be deleted, "" if it can. The caller holds f.mu.
func (f *GHCR) held(path string, v GHCRVersion, all []GHCRVersion) string {
	tagged := 0
	for _, other := range all {
		if len(other.Tags) > 0 {
			tagged++
		}
	}
	switch {
	case len(v.Tags) > 0 && tagged == 1: // untagged versions do not count
		return "You cannot delete the last tagged version of a package. You must delete the package instead."
	case len(all) == 1:
		return "You cannot delete the last version of a package. You must delete the package instead."
	case f.opts.Public && f.pkg(path).popular[v.Digest]:
		return "Publicly visible package versions with more than 5000 downloads cannot be deleted. Contact GitHub support for further assistance."
	}
	return ""
}

// drop deletes a version and enters it into the books. The caller holds f.mu.
func (f *GHCR) drop(path string, v GHCRVersion) {
	f.Remove(path, v.Digest)
	p := f.pkg(path)
	delete(p.versions, v.Digest)
	p.deleted = append(p.deleted, v)
	if f.opts.StaleReads > 0 {
		p.stale = append(p.stale, &ghcrStale{v, f.opts.StaleReads})
	}
	f.addDeletion(Deletion{Path: path, Digest: v.Digest, Tags: v.Tags})
}
