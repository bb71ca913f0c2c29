package wire

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// nextPage returns the target of the link with rel="next" as path and query, or "" when there is none (RFC 8288). The
// target is relative to the page. It must be on the same host, because another one would be given the token, and with
// samePath have the path of the page: a proxy that renames repositories and leaves the header as it is would lead to the list of another
// repository. A Link header that is not understood is an error: what looks like the end of a list may hide the rest of it.
func nextPage(page *url.URL, h http.Header, samePath bool) (string, error) {
	return linked(page, h, "next", samePath)
}

// linked returns the link of a relation, see nextPage.
func linked(page *url.URL, h http.Header, relation string, samePath bool) (string, error) {
	next := ""
	for _, header := range h.Values("Link") {
		for rest := header; strings.TrimSpace(rest) != ""; {
			target, rel, after, err := parseLink(rest)
			if err != nil {
				return "", fmt.Errorf("the Link header %q is not understood: %w", header, err)
			}
			rest = after
			if !has(rel, relation) {
				continue
			}
			u, err := page.Parse(strings.TrimSpace(target))
			switch {
			case err != nil:
				return "", fmt.Errorf("the Link header %q is not understood: %w", header, err)
			case hostOf(u) != hostOf(page):
				return "", fmt.Errorf("the Link header points to another host, %s", u.Host)
			case samePath && u.EscapedPath() != page.EscapedPath():
				return "", fmt.Errorf("the Link header points to another list, %s", u.Path)
			case next != "" && next != u.RequestURI():
				return "", fmt.Errorf("the Link headers name two %s pages, %s and %s", relation, next, u.RequestURI())
			}
			next = u.RequestURI()
		}
	}
	return next, nil
}

// Next returns the path and query of the page after a reply, "" when it is the last one. A page on another host is an
// error. The path may be another one, as GitHub's for organizations is.
func Next(r Reply) (string, error) { return nextPage(r.URL, r.Header, false) }

// Last returns the path and query of the last page of a list as a reply names it, "" when it does not, see [Next].
func Last(r Reply) (string, error) { return linked(r.URL, r.Header, "last", false) }

// hostOf returns the host of a URL without the port that its scheme has anyway. A registry after a proxy that ends TLS
// often writes http into its links; the next page is asked for like the first one, whatever the scheme is.
func hostOf(u *url.URL) string {
	port := u.Port()
	if u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
		port = ""
	}
	return strings.ToLower(u.Hostname()) + ":" + port
}

// has reports whether a rel parameter has a relation.
func has(rel, relation string) bool {
	for _, r := range strings.Fields(rel) {
		if strings.EqualFold(r, relation) {
			return true
		}
	}
	return false
}

// parseLink reads one link off the start of a header: its target, the value of its rel parameter, and what follows.
func parseLink(s string) (target, rel, rest string, err error) {
	s, ok := strings.CutPrefix(strings.TrimLeft(s, " \t,"), "<")
	if !ok {
		return "", "", "", fmt.Errorf("no <target>")
	}
	target, s, ok = strings.Cut(s, ">")
	if !ok {
		return "", "", "", fmt.Errorf("the target has no end")
	}
	for {
		s = strings.TrimLeft(s, " \t")
		if s == "" || s[0] == ',' {
			return target, rel, strings.TrimPrefix(s, ","), nil
		}
		if s[0] != ';' {
			return "", "", "", fmt.Errorf("%q after the target", s)
		}
		var name, value string
		if name, value, s, err = parseParameter(s[1:]); err != nil {
			return "", "", "", err
		}
		if strings.EqualFold(name, "rel") && rel == "" { // the first one counts, RFC 8288 section 3.3
			rel = value
		}
	}
}

// parseParameter reads name, name=value or name="value", with white space around the parts.
func parseParameter(s string) (name, value, rest string, err error) {
	end := strings.IndexAny(s, "=;,")
	if end < 0 {
		return strings.TrimSpace(s), "", "", nil
	}
	name, rest = strings.TrimSpace(s[:end]), s[end:]
	if rest[0] != '=' {
		return name, "", rest, nil
	}
	rest = strings.TrimLeft(rest[1:], " \t")
	if !strings.HasPrefix(rest, `"`) {
		if end = strings.IndexAny(rest, ";,"); end < 0 {
			end = len(rest)
		}
		return name, strings.TrimSpace(rest[:end]), rest[end:], nil
	}
	var b strings.Builder
	for i := 1; i < len(rest); i++ {
		switch {
		case rest[i] == '"':
			return name, b.String(), rest[i+1:], nil
		case rest[i] == '\\' && i+1 < len(rest):
			i++
		}
		b.WriteByte(rest[i])
	}
	return "", "", "", fmt.Errorf("the value of %s has no end", name)
}
