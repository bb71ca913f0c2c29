package report

import (
	"net/url"
	"strings"
)

// webAddress is an address that may be followed, without a login in it, and "" for any other text.
func webAddress(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	u.User = nil // a login has no place in a report
	return u.String()
}

// pageAlphabet is what the address of a repository's page consists of. Nothing in it has a meaning in Markdown or HTML.
const pageAlphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._~-/:%"

// page is the address of the repository's page when it is one to link to, and else "". A report that was read back can
// have any text there.
func (r Outcome) page() string {
	if !strings.HasPrefix(r.Page, "https://") || strings.Trim(r.Page, pageAlphabet) != "" {
		return ""
	}
	return webAddress(r.Page)
}

// markdownName is the name of the repository in code type, as a link to its page where it has one.
func (r Outcome) markdownName() string {
	name := markdownCode(clip(r.Name.String(), nameRunes))
	if page := r.page(); page != "" {
		return "[" + name + "](" + page + ")"
	}
	return name
}
