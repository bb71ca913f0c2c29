package inuse

import (
	"strings"

	"github.com/regsweep/regsweep/internal/oci"
)

// cutTag parts the tag from the name of an image: it follows a colon after the last slash.
func cutTag(name string) (repository, tag string) {
	if n := strings.LastIndexByte(name, ':'); n > strings.LastIndexByte(name, '/') {
		return name[:n], name[n+1:]
	}
	return name, ""
}

// canonical returns the one spelling of a repository's name. A name without a host stays one; a key in front of the
// host, as in image:registry.example.com/app, goes.
func canonical(repository string) string {
	first, path, ok := strings.Cut(repository, "/")
	if !ok {
		return repository
	}
	host := withoutKey(first)
	if !oci.IsHost(host) {
		return repository[len(first)-len(host):]
	}
	full := fullName(host, path)
	if rest := repository[len(first)-len(host):]; rest == full {
		return rest
	}
	return full
}

// withoutKey returns the host at the end of a text, with its port.
func withoutKey(s string) string {
	end := len(s)
	if n := strings.LastIndexByte(s, ':'); n >= 0 && n+1 < end && strings.Trim(s[n+1:], "0123456789") == "" {
		end = n // the port
	}
	if n := strings.IndexByte(s, '['); n >= 0 {
		return s[n:]
	}
	return s[strings.LastIndexByte(s[:end], ':')+1:]
}

// fullName returns the canonical name of a repository of a host, in which the standard ports do not count.
func fullName(host, path string) string {
	host = strings.TrimSuffix(strings.TrimSuffix(host, ":443"), ":80")
	return oci.Normalize(host, path).String()
}

// namesOf returns the names under which a repository may be meant: the whole one, and the path, to which a mirror or the
// values of a chart can add the registry.
func namesOf(r oci.Repository) []string {
	full := fullName(r.Host, r.Path)
	host, path, _ := strings.Cut(full, "/")
	out := []string{full, r.Path}
	if host == oci.DockerHub {
		out = append(out, path, oci.Repository{Host: host, Path: path}.Familiar())
	}
	return out
}
