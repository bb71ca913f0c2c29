// Package oci holds the words of the field as values: repositories, references, digests, images and the
// snapshot of a repository. It does no input or output and imports nothing else of this module, so that every
// other package can speak of the same things.
package oci

import (
	_ "crypto/sha256" // digest.Parse accepts only algorithms that are linked in
	_ "crypto/sha512"
	"fmt"
	"strings"

	"github.com/distribution/reference"
	"github.com/opencontainers/go-digest"
)

// Digest is the content address of a manifest or blob, as "sha256:<hex>" (OCI image-spec, descriptor.md#digests).
type Digest = digest.Digest

// ErrReference is wrapped by every error about text that is not an image reference.
var ErrReference error = notReference{}

type notReference struct{}

func (notReference) Error() string { return "not an image reference" }

// Hint says how a reference is written.
func (notReference) Hint() string {
	return "an image is host[:port]/path[:tag][@digest], as docker push prints it"
}

// Repository names one repository: the unit of pruning.
type Repository struct {
	Host string // host or host:port, as in the reference
	Path string // the name below the host, such as "team/app"
}

// String returns "host/path".
func (r Repository) String() string { return r.Host + "/" + r.Path }

// IsPattern reports whether the path has a "*" in it and so stands for several repositories of the catalog.
func (r Repository) IsPattern() bool { return strings.Contains(r.Path, "*") }

// Reference is a repository with, where the text named them, a tag and a digest.
type Reference struct {
	Repository
	Tag    string // "" when the text has none
	Digest Digest // "" when the text has none
}

// String returns "host/path[:tag][@digest]".
func (r Reference) String() string {
	s := r.Repository.String()
	if r.Tag != "" {
		s += ":" + r.Tag
	}
	if r.Digest != "" {
		s += "@" + r.Digest.String()
	}
	return s
}

// ParseReference reads "host[:port]/path[:tag][@digest]". The host is required: a short name is ambiguous, and a
// step that deletes does not guess. A "*" is allowed in the path when there is neither tag nor digest. Errors wrap
// [ErrReference] and name the text.
func ParseReference(text string) (Reference, error) {
	bad := func(why string) (Reference, error) {
		return Reference{}, fmt.Errorf("%w: %q: %s", ErrReference, text, why)
	}
	if scheme, _, has := strings.Cut(text, "://"); has { // what follows may hold a password
		return Reference{}, fmt.Errorf("%w: %q: a reference has no scheme: leave out %s:// and everything else before the host", ErrReference, scheme+"://…", scheme)
	}
	name, dgst, hasDigest := strings.Cut(text, "@")
	host, rest, hasHost := strings.Cut(name, "/")
	if rest == "" && OnlyHost(host) {
		return bad("it names a registry and no repository: add a path, as in " + host + "/team/app; " + host + "/** is every repository")
	}
	if strings.ContainsAny(text, `"'`) {
		return bad("it has a quote in it")
	}
	if strings.HasSuffix(text, "/") && hasHost {
		return bad("leave out the slash at the end")
	}
	if !hasHost || !IsHost(host) {
		return bad("it must begin with the registry's host, as in registry.example.com/team/app")
	}
	path, tag, hasTag := strings.Cut(rest, ":")
	if _, err := reference.WithName(host + "/x"); err != nil {
		return bad("invalid host " + host)
	}
	if _, err := reference.WithName(host + "/" + strings.ReplaceAll(path, "*", "x")); err != nil {
		if lower := strings.ToLower(path); lower != path {
			if _, err := reference.WithName(host + "/" + strings.ReplaceAll(lower, "*", "x")); err == nil {
				return bad("invalid repository name " + path + ": write it in lower case, " + lower)
			}
		}
		return bad("invalid repository name " + path + " (lower case letters, digits, and . _ - / between them)")
	}
	if strings.Contains(path, "*") && (hasTag || hasDigest) {
		return bad("a pattern of repositories takes neither tag nor digest")
	}
	if hasTag && !ValidTag(tag) {
		return bad("invalid tag " + tag)
	}
	if _, err := digest.Parse(dgst); hasDigest && err != nil {
		return bad("invalid digest " + dgst)
	}
	return Reference{Normalize(host, path), tag, Digest(dgst)}, nil
}

// DockerHub is the host that a reference without one is about.
const DockerHub = "docker.io"

// hubHosts are the hosts under which Docker Hub's repositories are reached.
var hubHosts = map[string]bool{DockerHub: true, "index.docker.io": true, "registry-1.docker.io": true, "registry.hub.docker.com": true}

// Normalize returns the one name of a repository that has several: hosts are written in any case, and Docker Hub has
// several hosts and a folder for its own images. The path of a pattern, or one that no repository can have, stays as it
// is.
func Normalize(host, path string) Repository {
	host = strings.ToLower(host)
	if !hubHosts[host] {
		return Repository{host, path}
	}
	named, err := reference.ParseNormalizedNamed(DockerHub + "/" + path)
	if err != nil {
		return Repository{DockerHub, path}
	}
	return Repository{reference.Domain(named), reference.Path(named)}
}

// Familiar returns the name as docker shows it and people write it: without Docker Hub's host and the folder of its own
// images.
func (r Repository) Familiar() string {
	named, err := reference.ParseNormalizedNamed(r.String())
	if err != nil {
		return r.String()
	}
	return reference.FamiliarName(named)
}

// IsHost tells a registry's host from the first part of a short name, by docker's own rule: it has a dot or
// a port, or it is localhost (https://pkg.go.dev/github.com/distribution/reference, splitDockerDomain).
func IsHost(s string) bool { return s == "localhost" || strings.ContainsAny(s, ".:[") }

// OnlyHost reports whether a text without a slash is a registry's host for certain. A name with a tag, such as app:1, has the
// form of a host with a port.
func OnlyHost(s string) bool {
	name, _, _ := strings.Cut(s, ":")
	return name == "localhost" || strings.ContainsAny(name, ".[")
}

// anyName stands for the repository of a tag that is looked at alone.
var anyName, _ = reference.WithName("registry.example.com/app")

// ValidTag reports whether a text can be a tag (OCI distribution-spec v1.1, "Pulling manifests").
func ValidTag(s string) bool {
	_, err := reference.WithTag(anyName, s)
	return err == nil
}
