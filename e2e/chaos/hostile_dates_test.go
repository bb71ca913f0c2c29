package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// configured is an image with a config of its own.
func configured(mediaType, config string) content {
	text := []byte(config)
	return seal("image", document{
		SchemaVersion: 2, MediaType: typeOCIImage,
		Config: &descriptor{MediaType: mediaType, Digest: digestOf(text), Size: len(text)},
		Layers: []descriptor{{MediaType: typeLayer, Digest: digestOf(layer), Size: len(layer)}},
	}, text, layer)
}

// oddConfig pushes b1 to b5 and an image with a config as odd, which is undated and stays.
func oddConfig(config string) hostileCase {
	return hostileCase{
		name: "a config is " + strings.TrimSpace(config+" "),
		set:  withOdd(configured(typeOCIConfig, config), nil),
		// It has no date, so it stays and takes no place.
		expectation: expectation{codes: done, says: []string{"odd"}, gone: oldThree},
	}
}

// datingCases are images whose age is not where it usually is.
var datingCases = []hostileCase{
	oddConfig(""), oddConfig("[]"), oddConfig("null"), oddConfig(`{"created":1700000000}`), oddConfig(`{"created":"yesterday"}`), oddConfig(`{"created":{}}`), oddConfig("<html>"),
	{
		name: "a config of another kind has the date",
		set: withOdd(configured("application/vnd.wasm.config.v0+json",
			`{"created":"2025-02-01T10:00:00Z","architecture":"wasm","os":"wasip2","layerDigests":[]}`), nil),
		expectation: expectation{codes: done, gone: append([]string{"odd"}, oldThree...)},
	},
	{
		name: "an index lists an artifact",
		set: func(_ *testing.T, h *hostile) {
			h.builds(5)
			platform := h.push(image(spec{name: "soci", platform: "amd64", created: epoch, kind: "child"}), "soci/amd64")
			artifact := h.push(signature("soci", platform, false), "soci/artifact")
			d := document{SchemaVersion: 2, MediaType: typeOCIIndex, Manifests: []descriptor{refer(platform), refer(artifact)}}
			d.Manifests[0].Platform = map[string]string{"os": "linux", "architecture": "amd64"}
			d.Manifests[1].ArtifactType = "application/vnd.amazon.soci.index.v2+json"
			h.push(seal("index", d), "soci", "soci")
		},
		expectation: expectation{codes: done, gone: append([]string{"soci", "soci/amd64", "soci/artifact"}, oldThree...)},
	},
	{
		name: "an index lists a blob",
		set: func(_ *testing.T, h *hostile) {
			h.builds(5)
			platform := h.push(image(spec{name: "mixed", platform: "amd64", created: epoch, kind: "child"}), "mixed/amd64")
			readme := []byte("# readme\n")
			h.blobs[digestOf(readme)] = readme
			d := document{SchemaVersion: 2, MediaType: typeOCIIndex, Manifests: []descriptor{
				refer(platform), {MediaType: "text/markdown", Digest: digestOf(readme), Size: len(readme)},
			}}
			h.push(seal("index", d), "mixed", "mixed")
			// A registry of 2.8 finds the blob by the manifest's address and cannot make sense of it.
			h.front = func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.HasSuffix(r.URL.Path, "/manifests/"+digestOf(readme)) {
					return false
				}
				if r.Method == http.MethodDelete {
					h.serve(w, r)
					h.mu.Lock()
					defer h.mu.Unlock()
					h.deleted = append(h.deleted, "the blob")
					return true
				}
				refuse(w, 500, "UNKNOWN", "unknown error")
				return true
			}
		},
		expectation: expectation{codes: done, gone: append([]string{"mixed", "mixed/amd64"}, oldThree...)},
	},
	{
		name: "an index has a platform that was never copied",
		set: func(_ *testing.T, h *hostile) {
			h.builds(5)
			_, parts := h.multi("sparse", 0)
			delete(h.manifests, parts[1].digest)
		},
		expectation: expectation{codes: done, gone: append([]string{"sparse", "sparse/amd64"}, oldThree...)},
	},
	{
		name: "companions with other endings",
		set: func(_ *testing.T, h *hostile) {
			for i := 1; i <= 5; i++ {
				name := "b" + string(rune('0'+i))
				c := h.push(age(name, i), name, name)
				source := age(name+"-source", i)
				h.push(source, name+"/src", attachmentTag(c.digest, ".src"))
				h.push(signature(name, c, false), name+"/sig", attachmentTag(c.digest, ".sig"))
			}
		},
		args:        []string{"HOST/team/app:b5", "--keep-last", "3"},
		expectation: expectation{codes: done, gone: []string{"b1", "b1/sig", "b1/src", "b2", "b2/sig", "b2/src"}},
	},
	{
		name: "a version rule where no tag is a version",
		set: func(_ *testing.T, h *hostile) {
			for i, tag := range []string{"release-one", "release-two", "release-three", "release-four"} {
				h.push(age(tag, i), tag, tag)
			}
		},
		args:        []string{"HOST/team/app", "--keep-semver", "3"},
		expectation: expectation{codes: done, says: []string{"keep-semver"}},
	},
	{
		name: "nothing has a date",
		set: func(_ *testing.T, h *hostile) {
			for _, tag := range []string{"c1", "c2", "c3", "c4"} {
				config, err := json.Marshal(map[string]string{"name": tag})
				if err != nil {
					panic(err)
				}
				h.push(configured("application/vnd.cncf.helm.config.v1+json", string(config)), tag, tag)
			}
		},
		expectation: expectation{codes: done, says: []string{"--undated"}},
	},
}
