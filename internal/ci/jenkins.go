package ci

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
)

var jenkins = kind{
	name: Jenkins, found: inJenkins, page: page("BUILD_URL"),
	// The step ends after that, whether its process has ended or not
	// (https://github.com/jenkinsci/workflow-durable-task-step-plugin/pull/119).
	grace:  20 * time.Second,
	images: habit{variables: []string{"IMAGE", "IMAGE_NAME"}, read: jenkinsImages},
}

// inJenkins also knows a Jenkins whose administrator has not configured its URL.
func inJenkins(v variables) bool {
	return v("JENKINS_URL") != "" || (v("JENKINS_HOME") != "" && v("BUILD_NUMBER") != "")
}

// jenkinsImages reads what Jenkins pipelines call their image by habit: IMAGE, or IMAGE_NAME, with the tag in IMAGE_TAG when
// it has none of its own. A name without a host is on the registry of docker.withRegistry, which sets
// DOCKER_REGISTRY_URL
// (https://github.com/jenkinsci/docker-workflow-plugin/blob/master/src/main/resources/org/jenkinsci/plugins/docker/workflow/Docker.groovy).
func jenkinsImages(getenv func(string) string) ([]oci.Pushed, error) {
	var short error
	for _, variable := range []string{"IMAGE", "IMAGE_NAME"} {
		found, err := jenkinsImage(getenv, variable)
		if len(found) > 0 || (err != nil && !errors.Is(err, errShort)) {
			return found, err
		}
		short = cause(short, err) // the other may know the host
	}
	return nil, short
}

// jenkinsImage reads the image that one variable names.
func jenkinsImage(getenv func(string) string, variable string) ([]oci.Pushed, error) {
	value, source, ok := first(getenv, variable)
	if !ok {
		return nil, nil
	}
	text := value
	if isShort(text) {
		host, err := registryHost(getenv, "DOCKER_REGISTRY_URL")
		if err != nil {
			return nil, err
		}
		if host == "" {
			return nil, fmt.Errorf("read %s: %w: %q has no host, and DOCKER_REGISTRY_URL is not set (%w)", source, oci.ErrReference, value, errShort)
		}
		text = host + "/" + text
	}
	image, err := parse(source, text)
	if err != nil {
		return nil, err
	}
	tag, tagSource, ok := first(getenv, "IMAGE_TAG")
	switch {
	case !ok || image.Tag != "" || image.Digest != "":
	case !isTag(tag):
		return []oci.Pushed{image}, fmt.Errorf("read %s: %w: %q: invalid tag", tagSource, oci.ErrReference, tag)
	default:
		image.Tag, image.Source = tag, source+" and "+tagSource
	}
	return []oci.Pushed{image}, nil
}

// registryHost returns the registry's host from the first of the variables that is set, which has the forms host,
// https://host:5000, http://host/ and https://host/v1/; "" when none is set.
func registryHost(getenv func(string) string, names ...string) (string, error) {
	value, source, ok := first(getenv, names...)
	if !ok {
		return "", nil
	}
	text := value
	if !strings.Contains(text, "://") {
		text = "//" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return "", fmt.Errorf("read %s: not the URL of a registry", source) // not the text: it may hold a password
	}
	ref, err := oci.ParseReference(u.Host + "/x/x") // it may have one of Docker Hub's other names
	if err != nil {
		return "", fmt.Errorf("read %s: not the host of a registry", source)
	}
	return ref.Host, nil
}
