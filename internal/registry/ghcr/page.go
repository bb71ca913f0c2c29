package ghcr

import "net/url"

// Page is the address of a package's page, as package_html_url of a version has it
// (https://docs.github.com/rest/packages/packages#list-package-versions-for-a-package-owned-by-an-organization). It depends on what the
// owner is, which the first list tells.
func (r *Registry) Page(path string) string {
	p := newPackage(r.api, path)
	owners := r.api.ownersOf(p.owner)
	if r.api.host != "ghcr.io" || owners == "" || p.name == "" {
		return ""
	}
	return "https://github.com/" + owners + "/" + url.PathEscape(p.owner) + "/packages/container/package/" + url.PathEscape(p.name)
}
