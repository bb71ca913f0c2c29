package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// made is content in the registry.
type made struct {
	digest oci.Digest
	size   int
}

// entry is a descriptor of it; more are further members, such as `"platform":{…}`.
func (m made) entry(mediaType string, more ...string) string {
	members := []string{fmt.Sprintf(`"digest":%q,"size":%d`, m.digest, m.size)}
	if mediaType != "" {
		members = append([]string{fmt.Sprintf(`"mediaType":%q`, mediaType)}, members...)
	}
	return "{" + strings.Join(append(members, more...), ",") + "}"
}

// blob puts a blob into the registry. What the registry does not take is written into its storage.
func (o *odd) blob(text string) made {
	o.T.Helper()
	m := made{digest.FromString(text), len(text)}
	o.blobs[m.digest] = true
	begun := o.Do("POST", "blobs/uploads/")
	at, err := url.Parse(begun.Header.Get("Location"))
	if err != nil || begun.Status != http.StatusAccepted {
		o.T.Fatalf("begin an upload: %d, %v", begun.Status, err)
	}
	q := at.Query()
	q.Set("digest", m.digest.String())
	at.RawQuery = q.Encode()
	if !at.IsAbs() {
		at.Scheme, at.Host = "http", o.Server.Host
	}
	if a := o.Send("PUT", at.String(), "application/octet-stream", text, nil); a.Status != http.StatusCreated {
		o.write(filepath.Join("_layers", "sha256", m.digest.Encoded(), "link"), m.digest.String())
		o.data(m.digest, text)
	}
	return m
}

// manifest puts a manifest into the registry, under a tag unless that is "", and names it. What the registry does not take,
// because it was pushed to an older one or to one with another configuration, is written into its storage.
func (o *odd) manifest(name, tag, mediaType, body string) made {
	o.T.Helper()
	m := made{digest.FromString(body), len(body)}
	reference := tag
	if tag == "" {
		reference = m.digest.String()
	}
	if a := o.Send("PUT", "manifests/"+reference, mediaType, body, nil); a.Status != http.StatusCreated {
		o.plant(tag, m.digest, body)
	}
	o.named[name] = m.digest
	return m
}

// plant writes a manifest into the storage.
func (o *odd) plant(tag string, d oci.Digest, body string) {
	o.T.Helper()
	o.data(d, body)
	o.write(filepath.Join("_manifests", "revisions", "sha256", d.Encoded(), "link"), d.String())
	if tag != "" {
		o.write(filepath.Join("_manifests", "tags", tag, "index", "sha256", d.Encoded(), "link"), d.String())
		o.write(filepath.Join("_manifests", "tags", tag, "current", "link"), d.String())
	}
}

// data writes the content of a blob into the storage.
func (o *odd) data(d oci.Digest, text string) {
	o.T.Helper()
	o.writeTo(filepath.Join(o.dir, "docker/registry/v2/blobs/sha256", d.Encoded()[:2], d.Encoded(), "data"), text)
}

// write writes a file of the repository into the storage.
func (o *odd) write(name, text string) {
	o.T.Helper()
	o.writeTo(filepath.Join(o.dir, "docker/registry/v2/repositories", o.Path, name), text)
}

func (o *odd) writeTo(name, text string) {
	o.T.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		o.T.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		o.T.Fatal(err)
	}
}

// The media types of configs and layers.
const (
	ociConfig    = "application/vnd.oci.image.config.v1+json"
	ociLayer     = "application/vnd.oci.image.layer.v1.tar+gzip"
	dockerConfig = "application/vnd.docker.container.image.v1+json"
	emptyType    = "application/vnd.oci.empty.v1+json"
)

// image pushes an OCI image with a config and one layer and names it; more are further members of the manifest.
func (o *odd) image(name, tag, configType, config string, more ...string) made {
	o.T.Helper()
	members := append([]string{
		`"schemaVersion":2,"mediaType":"` + fixture.OCIManifest + `","config":` + o.blob(config).entry(configType),
		`"layers":[` + o.blob("layer of "+name).entry(ociLayer) + `]`,
	}, more...)
	return o.manifest(name, tag, fixture.OCIManifest, "{"+strings.Join(members, ",")+"}")
}

// platform pushes an image of a platform, built so many days ago, and returns its entry in an index.
func (o *odd) platform(name, tag string, days int, more ...string) string {
	o.T.Helper()
	m := o.image(name, tag, ociConfig, dated(days))
	return m.entry(fixture.OCIManifest, slices.Concat([]string{`"platform":{"os":"linux","architecture":"` + name + `"}`}, more)...)
}

// index pushes an index under its own name as a tag, or without a tag when the name begins with "-".
func (o *odd) index(name string, entries ...string) made {
	o.T.Helper()
	tag := name
	if strings.HasPrefix(name, "-") {
		tag = ""
	}
	return o.manifest(name, tag, fixture.OCIIndex, `{"schemaVersion":2,"mediaType":"`+fixture.OCIIndex+`","manifests":[`+strings.Join(entries, ",")+`]}`)
}

// remove takes a manifest away, as somebody who does not know that an index lists it.
func (o *odd) remove(name string) {
	o.T.Helper()
	if a := o.Do("DELETE", "manifests/"+o.named[name].String()); a.Status != http.StatusAccepted {
		o.T.Fatalf("delete %s: %d", name, a.Status)
	}
}

// dated is a config of an image that was built so many days ago.
func dated(days int) string {
	return `{"created":"` + date(days) + `","os":"linux","architecture":"amd64"}`
}

func date(days int) string { return ago(days).Format(time.RFC3339) }

// unlink takes a blob away from the repository.
func (o *odd) unlink(text string) {
	o.T.Helper()
	delete(o.blobs, digest.FromString(text))
	if a := o.Do("DELETE", "blobs/"+digest.FromString(text).String()); a.Status != http.StatusAccepted {
		o.T.Fatalf("delete a blob: %d", a.Status)
	}
}
