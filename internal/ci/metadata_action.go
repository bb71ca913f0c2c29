package ci

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/regsweep/regsweep/internal/oci"
)

// The variables in which docker/metadata-action leaves its outputs for the later steps of a job
// (https://github.com/docker/metadata-action#environment-variables).
const (
	metadataJSON = "DOCKER_METADATA_OUTPUT_JSON"
	metadataTags = "DOCKER_METADATA_OUTPUT_TAGS"
)

// actionMetadata reads the references that docker/metadata-action made for this build. It returns those that it could
// read and the first error. Names without a host, which are on Docker Hub, are an error only when there are no others.
func actionMetadata(getenv func(string) string) ([]oci.Pushed, error) {
	var out []oci.Pushed
	var bad, short error
	take := func(source string, texts []string) {
		for _, text := range texts {
			p, err := parse(source, text)
			switch {
			case err == nil:
				out = append(out, p)
			case errors.Is(err, errShort):
				short = cause(short, err)
			default:
				bad = cause(bad, err)
			}
		}
	}
	if value := getenv(metadataJSON); value != "" {
		var made struct {
			Tags []string `json:"tags"`
		}
		if err := json.Unmarshal([]byte(value), &made); err != nil {
			bad = fmt.Errorf("read %s: %w", metadataJSON, err)
		}
		take(metadataJSON, made.Tags)
	}
	take(metadataTags, list(getenv(metadataTags)))
	return out, cause(bad, short)
}

// hubTags returns the tags of docker/metadata-action without a host: it leaves Docker Hub's out. They say what was
// pushed to a repository of Docker Hub, and never which repository a run is about.
func hubTags(getenv func(string) string) []oci.Pushed {
	var out []oci.Pushed
	for _, text := range list(getenv(metadataTags)) {
		if !isShort(text) {
			continue
		}
		if p, err := parse(metadataTags, oci.DockerHub+"/"+text); err == nil {
			out = append(out, p)
		}
	}
	return out
}

// cause returns the first error that is one.
func cause(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
