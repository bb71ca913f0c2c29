package ci

import (
	"errors"
	"fmt"
	"strings"

	"github.com/regsweep/regsweep/internal/oci"
)

// inputs are what somebody gave to regsweep itself about images.
type inputs struct {
	sources [][]oci.Pushed // in the order of precedence
	tags    []oci.Pushed   // tags alone, without a repository
	digests []oci.Pushed   // digests alone, without a repository
}

// readInputs reads the sources that were made for regsweep. Text in them that is not a reference is an error.
func readInputs(getenv func(string) string, args []string, built Metadata) (inputs, error) {
	host, err := Registry(getenv)
	if err != nil {
		return inputs{}, err
	}
	arguments, err := parseAll("argument", host, args)
	if err != nil {
		return inputs{}, err
	}
	images, err := imagesInput(getenv, host)
	if err != nil {
		return inputs{}, err
	}
	pushed, tags, err := pushedInput(getenv, host)
	if err != nil {
		return inputs{}, err
	}
	digests, err := digestInput(getenv)
	if err != nil {
		return inputs{}, err
	}
	return inputs{[][]oci.Pushed{arguments, images, pushed, built.decisive(), built.refs}, tags, append(digests, built.digests...)}, nil
}

// Registry returns the host that the input registry names, as docker/login-action and the docker plugins of Drone and
// Woodpecker call it; "" when it names none. Names without a host are on it, and the given login is for it alone.
func Registry(getenv func(string) string) (string, error) {
	return registryHost(getenv, inputVariables("registry")...)
}

// imagesVariables may hold the repositories to prune. The docker plugins of Drone and Woodpecker call theirs "repo"
// (https://plugins.drone.io/plugins/docker, https://woodpecker-ci.org/plugins/docker-buildx).
var imagesVariables = append(inputVariables("images"), "PLUGIN_REPO")

// imagesInput reads the repositories to prune, and what was pushed where an entry has a tag or a digest.
func imagesInput(getenv func(string) string, host string) ([]oci.Pushed, error) {
	value, source, _ := first(getenv, imagesVariables...)
	var texts []string
	for line := range strings.Lines(value) {
		names, err := imagesLine(line)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", source, err)
		}
		texts = append(texts, names...)
	}
	return parseAll(source, host, texts)
}

// imagesLine reads one line of docker/metadata-action's images input: names, and attributes such as name=host/app and
// enable=false. Names are put into lower case as there, so that "ghcr.io/${{ github.repository }}" works
// (https://github.com/docker/metadata-action/blob/master/src/image.ts).
func imagesLine(line string) ([]string, error) {
	var names []string
	enabled := true
	for _, field := range list(line) {
		key, value, isAttribute := strings.Cut(field, "=")
		key, value = strings.ToLower(strings.TrimSpace(key)), strings.TrimSpace(value)
		switch {
		case !isAttribute:
			names = append(names, lowerName(field))
		case key == "name":
			names = append(names, lowerName(value))
		case key == "enable" && (value == "true" || value == "false"):
			enabled = value == "true"
		default:
			return nil, fmt.Errorf("unknown attribute %q (name=…, enable=true or enable=false)", field)
		}
	}
	if !enabled {
		return nil, nil
	}
	return names, nil
}

// lowerName puts the name of a reference into lower case and leaves its tag and digest.
func lowerName(text string) string {
	end := len(text)
	if at := strings.IndexByte(text, '@'); at >= 0 {
		end = at
	}
	if colon := strings.LastIndexByte(text[:end], ':'); colon > strings.LastIndexByte(text[:end], '/') {
		end = colon
	}
	return strings.ToLower(text[:end]) + text[end:]
}

// pushedVariables may hold the references that were pushed.
var pushedVariables = []string{"REGSWEEP_PUSHED", "INPUT_TAGS", "PLUGIN_TAGS"}

// pushedInput reads the references that were pushed, and apart from them the tags that stand alone.
func pushedInput(getenv func(string) string, host string) (refs, tags []oci.Pushed, err error) {
	value, source, _ := first(getenv, pushedVariables...)
	var texts []string
	for _, text := range list(value) {
		if strings.ContainsAny(text, "/:@") {
			texts = append(texts, text)
			continue
		}
		if !isTag(text) {
			return nil, nil, fmt.Errorf("read %s: %w: %q: invalid tag", source, oci.ErrReference, text)
		}
		tags = append(tags, oci.Pushed{Reference: oci.Reference{Tag: text}, Source: source})
	}
	refs, err = parseAll(source, host, texts)
	return refs, tags, err
}

// digestInput reads the digest that docker/build-push-action puts out.
func digestInput(getenv func(string) string) ([]oci.Pushed, error) {
	value, source, ok := first(getenv, inputVariables("digest")...)
	if !ok {
		return nil, nil
	}
	digest := oci.Digest(value)
	if err := digest.Validate(); err != nil {
		return nil, fmt.Errorf("read %s: %q: %w", source, value, err)
	}
	return []oci.Pushed{{Reference: oci.Reference{Digest: digest}, Source: source}}, nil
}

// parseAll reads references and stops at the first text that is not one. Names without a host are on the given one, if any.
func parseAll(source, host string, texts []string) ([]oci.Pushed, error) {
	var out []oci.Pushed
	for _, text := range texts {
		if host != "" && isShort(text) {
			text = host + "/" + text
		}
		p, err := parse(source, text)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// errShort marks the error about a name without a registry's host.
var errShort = errors.New("a name without a host is Docker Hub's")

// parse reads one reference.
func parse(source, text string) (oci.Pushed, error) {
	ref, err := oci.ParseReference(text)
	switch {
	case err == nil:
		return oci.Pushed{Reference: ref, Source: source}, nil
	case isShort(text):
		return oci.Pushed{}, fmt.Errorf("read %s: %w (%w)", source, err, errShort)
	}
	return oci.Pushed{}, fmt.Errorf("read %s: %w", source, err)
}

// isShort reports whether the text would be a reference if a host stood before it: docker takes such a name for one on
// Docker Hub.
func isShort(text string) bool {
	if _, err := oci.ParseReference(text); err == nil || !strings.Contains(text, "/") && oci.OnlyHost(text) {
		return false
	}
	_, err := oci.ParseReference("localhost/" + text)
	return err == nil
}

// isTag reports whether the text is a valid tag.
func isTag(text string) bool {
	ref, err := oci.ParseReference("localhost/x:" + text)
	return err == nil && ref.Digest == ""
}
