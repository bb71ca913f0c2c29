package e2e

import (
	"testing"

	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// TestOddIndexes has indexes with parts that are no platforms, with parts that are no manifests, and with parts that are
// not there. Only the platforms that are there say how old an index is.
func TestOddIndexes(t *testing.T) {
	t.Parallel()
	testOdd(t, "index", indexesWithArtifacts)
}

// TestOddIndexesOfBlobs has indexes that list what is no manifest.
func TestOddIndexesOfBlobs(t *testing.T) {
	t.Parallel()
	testOdd(t, "blobs", indexesOfBlobs)
}

// TestOddSparseIndexes has indexes with platforms that were never copied.
func TestOddSparseIndexes(t *testing.T) {
	t.Parallel()
	testOdd(t, "sparse", sparseIndexes)
}

// withPlatform makes the row of an index, built nine days ago, that lists another manifest in addition to a platform.
func withPlatform(name string, other func(o *odd) string) oddity {
	return oddity{
		name: name,
		make: func(o *odd) { o.index("multi", o.platform("amd64", "", 9), other(o)) },
		gone: "multi amd64 other",
	}
}

// artifact makes an artifact that is called "other" and returns its entry.
func artifact(configType, config, inManifest, inEntry string) func(o *odd) string {
	return func(o *odd) string {
		o.T.Helper()
		var more []string
		if inManifest != "" {
			more = append(more, inManifest)
		}
		m := o.image("other", "", configType, config, more...)
		if inEntry == "" {
			return m.entry(fixture.OCIManifest)
		}
		return m.entry(fixture.OCIManifest, inEntry)
	}
}

var indexesWithArtifacts = []oddity{
	withPlatform("a SOCI index of version 1", artifact("application/vnd.amazon.soci.index.v1+json", "{}", "", "")),
	withPlatform("a SOCI index of version 2", artifact("application/vnd.amazon.soci.index.v2+json", "{}", `"artifactType":"application/vnd.amazon.soci.index.v2+json"`, `"artifactType":"application/vnd.amazon.soci.index.v2+json"`)),
	withPlatform("a disk image with a platform", artifact(emptyType, "{}", "", `"platform":{"os":"linux","architecture":"amd64"},"annotations":{"disktype":"applehv"}`)),
	withPlatform("a disk image by its artifact type", artifact(emptyType, "{}", `"artifactType":"application/vnd.example.disk"`, `"platform":{"os":"linux","architecture":"arm64"}`)),
	withPlatform("a Helm chart", artifact("application/vnd.cncf.helm.config.v1+json", `{"name":"app","version":"1.0.0"}`, "", "")),
	withPlatform("a signature bundle", artifact(emptyType, "{}", `"artifactType":"application/vnd.dev.sigstore.bundle.v0.3+json"`, "")),
	withPlatform("an artifact with the config of an image", artifact(ociConfig, `{}`, `"artifactType":"application/spdx+json"`, "")),
	withPlatform("an artifact by its entry with the config of an image", artifact(ociConfig, `{ }`, "", `"artifactType":"application/spdx+json"`)),
	withPlatform("an artifact of ORAS without a config type", artifact("application/vnd.unknown.config.v1+json", `{}`, "", "")),
	withPlatform("provenance", artifact(ociConfig, `{"os":"unknown"}`, "", `"platform":{"os":"unknown","architecture":"unknown"}`)),
	withPlatform("provenance by its annotation", artifact(ociConfig, `{"os":"unknown"}`, "", `"annotations":{"vnd.docker.reference.type":"attestation-manifest"}`)),
	withPlatform("a later artifact", artifact("application/vnd.wasm.config.v0+json", dated(0), "", "")),
	withPlatform("a later artifact by its entry", artifact(ociConfig, dated(0), "", `"artifactType":"application/spdx+json"`)),
	withPlatform("an index of artifacts", func(o *odd) string {
		return o.index("-other", o.image("chart", "", "application/vnd.cncf.helm.config.v1+json", `{"name":"app"}`).entry(fixture.OCIManifest)).entry(fixture.OCIIndex)
	}).naming("-other chart"),
	withPlatform("an index that is an artifact", func(o *odd) string {
		list := `{"schemaVersion":2,"mediaType":"` + fixture.OCIIndex + `","artifactType":"application/vnd.example.set","manifests":[` + o.image("part", "", ociConfig, dated(0)).entry(fixture.OCIManifest) + `]}`
		return o.manifest("other", "", fixture.OCIIndex, list).entry(fixture.OCIIndex)
	}).naming("other part"),
	withPlatform("an index that is empty", func(o *odd) string { return o.index("-other").entry(fixture.OCIIndex) }).naming("-other"),
	{
		name: "artifacts alone",
		make: func(o *odd) {
			o.index("multi", o.image("other", "", "application/vnd.cncf.helm.config.v1+json", `{"name":"app"}`).entry(fixture.OCIManifest))
		},
		left: "b3 b4 multi", stay: "other",
	},
	{
		name: "artifacts alone as the oldest",
		make: func(o *odd) {
			o.index("multi", o.image("other", "", "application/vnd.cncf.helm.config.v1+json", `{"name":"app"}`).entry(fixture.OCIManifest))
		},
		args: []string{"--keep-last", "2", "--undated", "oldest"},
		gone: "multi other",
	},
	{
		name: "a new index with artifacts where undated is oldest",
		make: func(o *odd) {
			o.index("multi", o.platform("amd64", "", 0), artifact("application/vnd.amazon.soci.index.v1+json", "{}", "", "")(o))
		},
		args: []string{"--keep-last", "2", "--undated", "oldest"},
		left: "b4 multi", stay: "amd64 other",
	},
	{
		name: "a platform without a date",
		make: func(o *odd) {
			o.index("multi", o.platform("amd64", "", 9), o.image("other", "", ociConfig, `{}`).entry(fixture.OCIManifest, `"platform":{"os":"linux","architecture":"arm64"}`))
		},
		left: "b3 b4 multi", stay: "amd64 other",
	},
}

// naming is a row whose other manifests have these names.
func (c oddity) naming(others string) oddity {
	c.gone = "multi amd64 " + others
	return c
}

var indexesOfBlobs = []oddity{
	{
		name: "a text with a platform",
		make: func(o *odd) { o.index("multi", o.platform("amd64", "", 9), o.blob("# readme").entry("text/markdown")) },
		gone: "multi amd64",
	},
	{
		name: "a layer with a platform",
		make: func(o *odd) { o.index("multi", o.platform("amd64", "", 9), o.blob("layer").entry(ociLayer)) },
		gone: "multi amd64",
	},
	{
		name: "a disk with a platform",
		make: func(o *odd) {
			o.index("multi", o.platform("amd64", "", 9), o.blob("disk").entry("application/vnd.example.disk+qcow2", `"platform":{"os":"linux","architecture":"amd64"}`))
		},
		gone: "multi amd64",
	},
	{
		name: "a layer without a media type",
		make: func(o *odd) { o.index("multi", o.platform("amd64", "", 9), o.blob("bare").entry("")) },
		gone: "multi amd64",
	},
	{
		name: "a layer that calls itself a manifest",
		make: func(o *odd) { o.index("multi", o.platform("amd64", "", 9), o.blob("liar").entry(fixture.OCIManifest)) },
		gone: "multi amd64",
	},
	{
		name: "JSON without a media type",
		make: func(o *odd) { o.index("multi", o.platform("amd64", "", 9), o.blob(`{"a":1}`).entry("")) },
		gone: "multi amd64",
	},
	{
		name: "a platform without a media type",
		make: func(o *odd) {
			o.index("multi", o.platform("amd64", "", 9), o.image("arm64", "", ociConfig, dated(8)).entry(""))
		},
		gone: "multi amd64 arm64",
	},
	{
		name: "a new platform without a media type",
		make: func(o *odd) {
			o.index("multi", o.platform("amd64", "", 9), o.image("arm64", "", ociConfig, dated(0)).entry(""))
		},
		left: "b4 multi", stay: "amd64 arm64",
	},
	{
		name: "a build cache",
		make: func(o *odd) {
			o.index("cache", o.blob("cached").entry("application/vnd.oci.image.layer.v1.tar+zstd"), o.blob(`{"layers":[]}`).entry("application/vnd.buildkit.cacheconfig.v0"))
		},
		left: "b3 b4 cache",
	},
	{
		name: "layers alone in a list of docker",
		make: func(o *odd) {
			o.manifest("list", "list", fixture.DockerList, `{"schemaVersion":2,"mediaType":"`+fixture.DockerList+`","manifests":[`+o.blob("cached").entry("application/vnd.docker.image.rootfs.diff.tar.gzip")+`]}`)
		},
		left: "b3 b4 list",
	},
	{
		name: "layers alone as the oldest",
		make: func(o *odd) { o.index("cache", o.blob("cached").entry(ociLayer)) },
		args: []string{"--keep-last", "2", "--undated", "oldest"},
		gone: "cache",
	},
}

var sparseIndexes = []oddity{
	{
		name: "one of two",
		make: func(o *odd) {
			o.index("multi", o.platform("amd64", "", 9), o.platform("arm64", "", 9))
			o.remove("arm64")
		},
		gone: "multi amd64", says: []string{"multi is broken: the registry has no manifest for 1 of the 2"},
	},
	{
		name: "one of two of a new one",
		make: func(o *odd) {
			o.index("multi", o.platform("amd64", "", 0), o.platform("arm64", "", 0))
			o.remove("arm64")
		},
		left: "b4 multi", stay: "amd64",
	},
	{
		name: "one of two in a list of docker",
		make: func(o *odd) {
			_, children := o.Multi("multi", 9, fixture.DockerList)
			o.named["amd64"], o.named["arm64"] = children[0], children[1]
			o.remove("amd64")
		},
		gone: "arm64",
	},
	{
		name: "all of them",
		make: func(o *odd) {
			o.index("multi", o.platform("amd64", "", 9), o.platform("arm64", "", 9))
			o.remove("amd64")
			o.remove("arm64")
		},
		left: "b3 b4 multi", says: []string{"multi is broken: the registry has no manifest for 2 of the 2"},
	},
	{
		name: "all of them as the oldest",
		make: func(o *odd) {
			o.index("multi", o.platform("amd64", "", 9))
			o.remove("amd64")
		},
		args: []string{"--keep-last", "2", "--undated", "oldest"},
		gone: "multi",
	},
	{
		name: "a part of a part",
		make: func(o *odd) {
			inner := o.index("-inner", o.platform("arm64", "", 9), o.platform("s390x", "", 9))
			o.index("multi", o.platform("amd64", "", 8), inner.entry(fixture.OCIIndex))
			o.remove("s390x")
		},
		gone: "multi -inner amd64 arm64",
	},
	{
		name: "an index within the index",
		make: func(o *odd) {
			inner := o.index("-inner", o.platform("arm64", "", 9))
			o.index("multi", o.platform("amd64", "", 8), inner.entry(fixture.OCIIndex))
			o.remove("-inner")
		},
		gone: "multi amd64",
	},
	{
		name: "all that the index within the index lists",
		make: func(o *odd) {
			inner := o.index("-inner", o.platform("arm64", "", 9))
			o.index("multi", o.platform("amd64", "", 8), inner.entry(fixture.OCIIndex))
			o.remove("arm64")
		},
		gone: "multi -inner amd64",
	},
	{
		name: "the config of a platform",
		make: func(o *odd) {
			o.index("multi", o.platform("amd64", "", 9), o.platform("arm64", "", 9))
			o.unlink(dated(9))
		},
		left: "b3 b4 multi", stay: "amd64 arm64",
	},
}
