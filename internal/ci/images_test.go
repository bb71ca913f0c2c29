package ci_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/ci"
	"github.com/regsweep/regsweep/internal/oci"
)

const (
	d1 = "sha256:1111111111111111111111111111111111111111111111111111111111111111"
	d2 = "sha256:2222222222222222222222222222222222222222222222222222222222222222"
)

// text writes images as lines: the repositories, then "+ reference source" for what was pushed, "?" when assumed.
func text(i oci.Pushes) string {
	var lines []string
	for _, r := range i.Repositories {
		lines = append(lines, r.String())
	}
	for _, p := range i.Pushed {
		mark := "+"
		if p.Assumed {
			mark = "?"
		}
		lines = append(lines, fmt.Sprintf("%s %s %s", mark, p.Reference, p.Source))
	}
	return strings.Join(lines, "\n")
}

type imagesCase struct {
	name   string
	system string
	args   []string
	vars   env
	want   []string
}

func runImages(t *testing.T, cases []imagesCase) {
	t.Helper()
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := ci.System{Name: tt.system}.Images(environment(tt.vars), tt.args, ci.Metadata{})
			if err != nil {
				t.Fatal(err)
			}
			if want := strings.Join(tt.want, "\n"); text(got) != want {
				t.Errorf("got\n%s\nwant\n%s", text(got), want)
			}
		})
	}
}

func TestImagesGiven(t *testing.T) {
	t.Parallel()
	runImages(t, []imagesCase{
		{"arguments", "", []string{"h.example/b:1", "h.example/a", "h.example/b:2@" + d1, "h.example/b:1"}, nil, []string{
			"h.example/b", "h.example/a", "+ h.example/b:1 argument", "+ h.example/b:2@" + d1 + " argument",
		}},
		{"a pattern", "", []string{"h.example/team/*"}, nil, []string{"h.example/team/*"}},
		{"one host in two cases", "", []string{"H.example/a", "h.example/a:1"}, nil, []string{"h.example/a", "+ h.example/a:1 argument"}},
		{"images", "", nil, env{"REGSWEEP_IMAGES": "h.example/a,h.example/b\n\n h.example/c:1 \n"}, []string{
			"h.example/a", "h.example/b", "h.example/c", "+ h.example/c:1 REGSWEEP_IMAGES",
		}},
		{"images input", "", nil, env{"REGSWEEP_IMAGES": "", "INPUT_IMAGES": "h.example/a", "PLUGIN_IMAGES": "h.example/p"}, []string{"h.example/a"}},
		{"images plugin", "", nil, env{"PLUGIN_IMAGES": "h.example/p"}, []string{"h.example/p"}},
		{"images with attributes", "", nil, env{"INPUT_IMAGES": "name=h.example/a,enable=true\r\nname=h.example/b,enable=false\nh.example/c,enable=true\nenable=true, name=h.example/d"}, []string{
			"h.example/a", "h.example/c", "h.example/d",
		}},
		{"images in capitals", "", nil, env{"INPUT_IMAGES": "GHCR.example/MyTeam/App:V1\nh.example:5000/Other"}, []string{
			"ghcr.example/myteam/app", "h.example:5000/other", "+ ghcr.example/myteam/app:V1 INPUT_IMAGES",
		}},
		{"pushed", "", nil, env{"REGSWEEP_PUSHED": "h.example/a:1,h.example/a:latest\nh.example/b@" + d1}, []string{
			"h.example/a", "h.example/b", "+ h.example/a:1 REGSWEEP_PUSHED", "+ h.example/a:latest REGSWEEP_PUSHED", "+ h.example/b@" + d1 + " REGSWEEP_PUSHED",
		}},
		{"tags input before plugin", "", nil, env{"INPUT_TAGS": "h.example/a:1", "PLUGIN_TAGS": "h.example/p:1"}, []string{"h.example/a", "+ h.example/a:1 INPUT_TAGS"}},
		{"tags plugin", "", nil, env{"PLUGIN_TAGS": "h.example/p:1"}, []string{"h.example/p", "+ h.example/p:1 PLUGIN_TAGS"}},
		{"repo of a docker plugin", "", nil, env{"PLUGIN_REPO": "h.example/p", "PLUGIN_TAGS": "1.2,latest"}, []string{"h.example/p", "+ h.example/p:1.2 PLUGIN_TAGS", "+ h.example/p:latest PLUGIN_TAGS"}},
		{"repo and registry of a docker plugin", "", nil, env{"PLUGIN_REPO": "team/p", "PLUGIN_REGISTRY": "https://H.example:5000/v2/"}, []string{"h.example:5000/team/p"}},
		{"registry of names without a host", "", []string{"a/b:1", "h2.example/c"}, env{"INPUT_REGISTRY": "h.example"}, []string{"h.example/a/b", "h2.example/c", "+ h.example/a/b:1 argument"}},
		{"docker hub as registry", "", nil, env{"INPUT_REGISTRY": "https://index.docker.io/v1/", "INPUT_IMAGES": "me/app", "INPUT_TAGS": "me/app:1"}, []string{"docker.io/me/app", "+ docker.io/me/app:1 INPUT_TAGS"}},
		{"the scope is not what was pushed", "", []string{"h.example/a"}, env{"REGSWEEP_TAGS": "b*"}, []string{"h.example/a"}},
		{"images decide, tags add", "", nil, env{"INPUT_IMAGES": "h.example/a", "INPUT_TAGS": "h.example/a:1\nh.example/b:1"}, []string{
			"h.example/a", "+ h.example/a:1 INPUT_TAGS",
		}},
		{"tags alone", "", nil, env{"INPUT_IMAGES": "h.example/a", "INPUT_TAGS": "1.2\nlatest"}, []string{
			"h.example/a", "+ h.example/a:1.2 INPUT_TAGS", "+ h.example/a:latest INPUT_TAGS",
		}},
		{"tags alone beside an argument", "", []string{"h.example/a"}, env{"REGSWEEP_PUSHED": "1.2"}, []string{"h.example/a", "+ h.example/a:1.2 REGSWEEP_PUSHED"}},
		{"digest of the one repository", "", nil, env{"INPUT_IMAGES": "h.example/a", "INPUT_DIGEST": d1}, []string{"h.example/a", "+ h.example/a@" + d1 + " INPUT_DIGEST"}},
		{"our digest first", "", []string{"h.example/a"}, env{"REGSWEEP_DIGEST": d1, "INPUT_DIGEST": d2}, []string{"h.example/a", "+ h.example/a@" + d1 + " REGSWEEP_DIGEST"}},
		{"digest of several repositories", "", []string{"h.example/a", "h.example/b"}, env{"INPUT_DIGEST": d1}, []string{
			"h.example/a", "h.example/b", "? h.example/a@" + d1 + " INPUT_DIGEST", "? h.example/b@" + d1 + " INPUT_DIGEST",
		}},
		{"digest in a pattern", "", []string{"h.example/*"}, env{"INPUT_DIGEST": d1}, []string{"h.example/*", "? h.example/*@" + d1 + " INPUT_DIGEST"}},
		{"arguments decide, all others add", "jenkins", []string{"h.example/a"}, env{
			"REGSWEEP_IMAGES": "h.example/a:i,h.example/b:i", "REGSWEEP_PUSHED": "h.example/a:p,h.example/b:p", "INPUT_DIGEST": d1,
			"DOCKER_METADATA_OUTPUT_JSON": `{"tags":["h.example/a:j","h.example/b:j"]}`, "DOCKER_METADATA_OUTPUT_TAGS": "h.example/a:t\nh.example/b:t",
			"CI_REGISTRY_IMAGE": "h.example/b", "CI_COMMIT_SHA": "c0ffee", "IMAGE": "h.example/a:b42",
		}, []string{
			"h.example/a", "+ h.example/a:i REGSWEEP_IMAGES", "+ h.example/a:p@" + d1 + " REGSWEEP_PUSHED",
			"+ h.example/a:j DOCKER_METADATA_OUTPUT_JSON", "+ h.example/a:t DOCKER_METADATA_OUTPUT_TAGS", "+ h.example/a:b42 IMAGE",
			"+ h.example/a@" + d1 + " INPUT_DIGEST", "? h.example/a:c0ffee CI_COMMIT_SHA",
		}},
		{"a pattern takes what was pushed below it", "", []string{"h.example/team/*"}, env{"REGSWEEP_PUSHED": "h.example/team/a:1,h.example/other/a:1,h2.example/team/a:1"}, []string{
			"h.example/team/*", "+ h.example/team/a:1 REGSWEEP_PUSHED",
		}},
	})
}

func TestImagesAmbient(t *testing.T) {
	t.Parallel()
	runImages(t, []imagesCase{
		{"metadata json", "", nil, env{"DOCKER_METADATA_OUTPUT_JSON": `{"tags":["h.example/a:1","h.example/a:latest"],"labels":{"x":"y"},"annotations":["z"]}`}, []string{
			"h.example/a", "+ h.example/a:1 DOCKER_METADATA_OUTPUT_JSON", "+ h.example/a:latest DOCKER_METADATA_OUTPUT_JSON",
		}},
		{"metadata tags", "", nil, env{"DOCKER_METADATA_OUTPUT_TAGS": "h.example/a:1\nh2.example/a:1"}, []string{
			"h.example/a", "h2.example/a", "+ h.example/a:1 DOCKER_METADATA_OUTPUT_TAGS", "+ h2.example/a:1 DOCKER_METADATA_OUTPUT_TAGS",
		}},
		{"metadata of docker hub and another", "", nil, env{"DOCKER_METADATA_OUTPUT_TAGS": "team/app:1\nh.example/a:1"}, []string{
			"h.example/a", "+ h.example/a:1 DOCKER_METADATA_OUTPUT_TAGS",
		}},
		{"metadata of docker hub alone, repository known", "", []string{"h.example/a"}, env{"DOCKER_METADATA_OUTPUT_TAGS": "team/app:1"}, []string{"h.example/a"}},
		{"metadata of docker hub alone, gitlab knows", "", nil, env{"DOCKER_METADATA_OUTPUT_TAGS": "team/app:1", "CI_REGISTRY_IMAGE": "h.example/g/p"}, []string{"h.example/g/p"}},
		{"broken metadata, repository known", "", []string{"h.example/a"}, env{"DOCKER_METADATA_OUTPUT_JSON": `{"tags":`, "DOCKER_METADATA_OUTPUT_TAGS": "h.example/a:1\nh.example/a:bad tag"}, []string{
			"h.example/a", "+ h.example/a:1 DOCKER_METADATA_OUTPUT_TAGS",
		}},
		{"metadata before gitlab", "gitlab", nil, env{"DOCKER_METADATA_OUTPUT_TAGS": "h.example/a:1", "CI_REGISTRY_IMAGE": "h.example/g/p"}, []string{
			"h.example/a", "+ h.example/a:1 DOCKER_METADATA_OUTPUT_TAGS",
		}},
		{"gitlab", "gitlab", nil, env{"CI_REGISTRY_IMAGE": "h.example:5050/g/p", "CI_COMMIT_REF_SLUG": "feat-x", "CI_COMMIT_SHORT_SHA": "c0ffee12", "CI_COMMIT_SHA": "c0ffee1234", "CI_COMMIT_TAG": "v1"}, []string{
			"h.example:5050/g/p", "? h.example:5050/g/p:feat-x CI_COMMIT_REF_SLUG", "? h.example:5050/g/p:c0ffee12 CI_COMMIT_SHORT_SHA",
			"? h.example:5050/g/p:c0ffee1234 CI_COMMIT_SHA", "? h.example:5050/g/p:v1 CI_COMMIT_TAG",
		}},
		{"gitlab, a git tag that is no image tag", "gitlab", nil, env{"CI_REGISTRY_IMAGE": "h.example/g/p", "CI_COMMIT_TAG": "release/1+x"}, []string{"h.example/g/p"}},
		{"gitlab, images below the project's", "gitlab", []string{"h.example/g/p/web", "h.example/g/p/api:c0ffee"}, env{"CI_REGISTRY_IMAGE": "h.example/g/p", "CI_COMMIT_SHA": "c0ffee"}, []string{
			"h.example/g/p/web", "h.example/g/p/api", "+ h.example/g/p/api:c0ffee argument", "? h.example/g/p/web:c0ffee CI_COMMIT_SHA",
		}},
		{"a broken gitlab image, repository known", "gitlab", []string{"h.example/a"}, env{"CI_REGISTRY_IMAGE": "h.example/G P"}, []string{"h.example/a"}},
		{"jenkins", "jenkins", nil, env{"IMAGE": "h.example:5000/team/app:b42"}, []string{"h.example:5000/team/app", "+ h.example:5000/team/app:b42 IMAGE"}},
		{"jenkins without a tag", "jenkins", nil, env{"IMAGE": "h.example/team/app"}, []string{"h.example/team/app"}},
		{"jenkins, host from the URL", "jenkins", nil, env{"IMAGE": "team/app:b42", "DOCKER_REGISTRY_URL": "https://reg:5000/"}, []string{"reg:5000/team/app", "+ reg:5000/team/app:b42 IMAGE"}},
		{"jenkins, URL with a path", "jenkins", nil, env{"IMAGE": "app", "DOCKER_REGISTRY_URL": "https://reg.example/v1/"}, []string{"reg.example/app"}},
		{"jenkins, URL in http", "jenkins", nil, env{"IMAGE": "app:1", "DOCKER_REGISTRY_URL": "http://reg:5000"}, []string{"reg:5000/app", "+ reg:5000/app:1 IMAGE"}},
		{"jenkins, URL without a scheme", "jenkins", nil, env{"IMAGE": "app:1", "DOCKER_REGISTRY_URL": "reg:5000"}, []string{"reg:5000/app", "+ reg:5000/app:1 IMAGE"}},
		{"jenkins, a host of its own wins", "jenkins", nil, env{"IMAGE": "h.example/app:1", "DOCKER_REGISTRY_URL": "https://reg:5000"}, []string{"h.example/app", "+ h.example/app:1 IMAGE"}},
		{"jenkins, name and tag", "jenkins", nil, env{"IMAGE_NAME": "team/app", "IMAGE_TAG": "42", "DOCKER_REGISTRY_URL": "https://reg:5000"}, []string{"reg:5000/team/app", "+ reg:5000/team/app:42 IMAGE_NAME and IMAGE_TAG"}},
		{"jenkins, image and tag", "jenkins", nil, env{"IMAGE": "h.example/app", "IMAGE_TAG": "42", "IMAGE_NAME": "h.example/other"}, []string{"h.example/app", "+ h.example/app:42 IMAGE and IMAGE_TAG"}},
		{"jenkins, the image's own tag wins", "jenkins", nil, env{"IMAGE": "h.example/app:1", "IMAGE_TAG": "42"}, []string{"h.example/app", "+ h.example/app:1 IMAGE"}},
		{"jenkins, no host, repository known", "jenkins", []string{"h.example/a"}, env{"IMAGE": "team/app:42"}, []string{"h.example/a"}},
		{"jenkins, a broken URL, repository known", "jenkins", []string{"h.example/a"}, env{"IMAGE": "team/app:42", "DOCKER_REGISTRY_URL": "https://"}, []string{"h.example/a"}},
		{"jenkins, IMAGE without a host beside IMAGE_NAME with one", "jenkins", nil, env{"IMAGE": "base:1", "IMAGE_NAME": "h.example/app", "IMAGE_TAG": "7"}, []string{"h.example/app", "+ h.example/app:7 IMAGE_NAME and IMAGE_TAG"}},
		{"metadata of docker hub, which is pruned", "", []string{"index.docker.io/me/app"}, env{"DOCKER_METADATA_OUTPUT_TAGS": "me/app:1.1.9\nme/other:2"}, []string{"docker.io/me/app", "+ docker.io/me/app:1.1.9 DOCKER_METADATA_OUTPUT_TAGS"}},
		{"metadata of docker's own folder", "", []string{"docker.io/app"}, env{"DOCKER_METADATA_OUTPUT_TAGS": "app:1"}, []string{"docker.io/library/app", "+ docker.io/library/app:1 DOCKER_METADATA_OUTPUT_TAGS"}},
		{"IMAGE counts on jenkins alone", "gitlab", nil, env{"IMAGE": "h.example/app:1", "CI_REGISTRY_IMAGE": "h.example/g/p"}, []string{"h.example/g/p"}},
	})
}

func TestImagesBadInput(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		system string
		args   []string
		vars   env
		want   []string // all in the message
	}{
		{"argument", "", []string{"h.example/a", "app:1"}, nil, []string{"argument", `"app:1"`, "Docker Hub"}},
		{"empty argument", "", []string{""}, env{"REGSWEEP_IMAGES": "h.example/a"}, []string{"argument", `""`}},
		{"argument with a scheme", "", []string{"https://h.example/a"}, nil, []string{"argument", "scheme"}},
		{"images although an argument is there", "", []string{"h.example/a"}, env{"INPUT_IMAGES": "h.example/UP@x"}, []string{"INPUT_IMAGES", "h.example/up@x"}},
		{"images attribute", "", nil, env{"INPUT_IMAGES": "name=h.example/a,tag=1"}, []string{"INPUT_IMAGES", "tag=1"}},
		{"images enable", "", nil, env{"INPUT_IMAGES": "name=h.example/a,enable=yes"}, []string{"INPUT_IMAGES", "enable=yes"}},
		{"images name missing", "", nil, env{"INPUT_IMAGES": "name="}, []string{"INPUT_IMAGES", `""`}},
		{"pushed without a host", "", []string{"h.example/a"}, env{"INPUT_TAGS": "team/app:1"}, []string{"INPUT_TAGS", `"team/app:1"`, "Docker Hub"}},
		{"pushed tag malformed", "", []string{"h.example/a"}, env{"REGSWEEP_PUSHED": "a b"}, []string{"REGSWEEP_PUSHED", `"a b"`}},
		{"pushed tag of which repository", "", []string{"h.example/a", "h.example/b"}, env{"INPUT_TAGS": "1.2"}, []string{"INPUT_TAGS", "1.2", "which"}},
		{"pushed tag in a pattern", "", []string{"h.example/*"}, env{"INPUT_TAGS": "1.2"}, []string{"INPUT_TAGS", "1.2", "which"}},
		{"digest", "", []string{"h.example/a"}, env{"INPUT_DIGEST": "sha256:12"}, []string{"INPUT_DIGEST", `"sha256:12"`}},
		{"digest for an unknown algorithm", "", []string{"h.example/a"}, env{"INPUT_DIGEST": "md5:12"}, []string{"INPUT_DIGEST", `"md5:12"`}},
		{"registry", "", []string{"h.example/a"}, env{"INPUT_REGISTRY": "h example"}, []string{"INPUT_REGISTRY"}},
		{"docker hub alone", "", nil, env{"DOCKER_METADATA_OUTPUT_TAGS": "team/app:1"}, []string{"DOCKER_METADATA_OUTPUT_TAGS", `"team/app:1"`, "Docker Hub"}},
		{"metadata json", "", nil, env{"DOCKER_METADATA_OUTPUT_JSON": `[`, "CI_REGISTRY_IMAGE": "h.example/g/p"}, []string{"DOCKER_METADATA_OUTPUT_JSON"}},
		{"metadata tag", "", nil, env{"DOCKER_METADATA_OUTPUT_TAGS": "h.example/a:1\nh.example/a:!"}, []string{"DOCKER_METADATA_OUTPUT_TAGS", `"h.example/a:!"`}},
		{"metadata tag beside docker hub", "", nil, env{"DOCKER_METADATA_OUTPUT_TAGS": "team/app:1\nh.example/a:!", "CI_REGISTRY_IMAGE": "h.example/g/p"}, []string{`"h.example/a:!"`}},
		{"gitlab", "gitlab", nil, env{"CI_REGISTRY_IMAGE": "h.example/g p"}, []string{"CI_REGISTRY_IMAGE", `"h.example/g p"`}},
		{"jenkins without a host", "jenkins", nil, env{"IMAGE": "team/app:1"}, []string{"IMAGE", `"team/app:1"`, "DOCKER_REGISTRY_URL"}},
		{"jenkins image", "jenkins", nil, env{"IMAGE": "h.example/app:a b", "DOCKER_REGISTRY_URL": "https://reg:5000"}, []string{"IMAGE", `"h.example/app:a b"`}},
		{"jenkins URL", "jenkins", nil, env{"IMAGE": "team/app:1", "DOCKER_REGISTRY_URL": "https://"}, []string{"DOCKER_REGISTRY_URL"}},
		{"jenkins tag", "jenkins", nil, env{"IMAGE": "h.example/app", "IMAGE_TAG": "a/b"}, []string{"IMAGE_TAG", `"a/b"`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := ci.System{Name: tt.system}.Images(environment(tt.vars), tt.args, ci.Metadata{})
			if err == nil {
				t.Fatalf("no error, got\n%s", text(got))
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("the error has several lines: %q", err)
			}
			for _, w := range tt.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("got %q, want %s in it", err, w)
				}
			}
			if none := (*ci.NoImageError)(nil); errors.As(err, &none) {
				t.Errorf("got %T for text that is there", err)
			}
		})
	}
}

// TestImagesSecret holds that a password in a registry's URL does not reach an error.
func TestImagesSecret(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"https://u:s3cret@/", "https://u:s3cret@reg:port/", "https://u:s3cret@bad host/"} {
		_, err := ci.System{Name: ci.Jenkins}.Images(environment(env{"IMAGE": "app:1", "DOCKER_REGISTRY_URL": url}), nil, ci.Metadata{})
		if err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: got %v", url, err)
		}
	}
}

func TestImagesNone(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		system ci.System
		vars   env
		want   []string
		not    []string
	}{
		{"nowhere", ci.System{Name: ci.None}, env{}, []string{"arguments", "REGSWEEP_IMAGES", "DOCKER_METADATA_OUTPUT_TAGS", "CI_REGISTRY_IMAGE"}, []string{"IMAGE", "inputs images and tags"}},
		{"github", ci.System{Name: ci.GitHub}, env{}, []string{"arguments", "inputs images and tags"}, []string{"IMAGE"}},
		{"jenkins", ci.System{Name: ci.Jenkins}, env{"DOCKER_REGISTRY_URL": "https://reg:5000"}, []string{"IMAGE", "IMAGE_NAME"}, nil},
		{"IMAGE outside of jenkins", ci.System{Name: ci.None}, env{"IMAGE": "h.example/app:1"}, nil, []string{"IMAGE"}},
		{"empty variables", ci.System{Name: ci.GitLab}, env{"REGSWEEP_IMAGES": "", "INPUT_TAGS": " ", "CI_REGISTRY_IMAGE": "", "DOCKER_METADATA_OUTPUT_JSON": `{}`}, nil, nil},
		{"a tag and a digest without a repository", ci.System{Name: ci.None}, env{"INPUT_TAGS": "1.2", "INPUT_DIGEST": d1, "CI_COMMIT_SHA": "c0ffee"}, nil, nil},
		{"all images disabled", ci.System{Name: ci.None}, env{"INPUT_IMAGES": "name=h.example/a,enable=false"}, nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := tt.system.Images(environment(tt.vars), nil, ci.Metadata{})
			var none *ci.NoImageError
			if !errors.As(err, &none) {
				t.Fatalf("got %v and\n%s", err, text(got))
			}
			looked := "," + strings.Join(none.Looked, ",") + ","
			for _, w := range tt.want {
				if !strings.Contains(looked, ","+w+",") {
					t.Errorf("%s is not among the places looked at: %s", w, looked)
				}
			}
			for _, w := range tt.not {
				if strings.Contains(looked, ","+w+",") {
					t.Errorf("%s is among the places looked at: %s", w, looked)
				}
			}
		})
	}
}

func TestImagesPushedTo(t *testing.T) {
	t.Parallel()
	images, err := ci.System{Name: ci.GitLab}.Images(environment(env{
		"REGSWEEP_PUSHED": "h.example/team/a:1,h.example/x:2", "INPUT_DIGEST": d1, "CI_COMMIT_SHA": "c0ffee",
	}), []string{"h.example/team/**", "h.example/x"}, ci.Metadata{})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		path string
		want []string
	}{
		{"team/a", []string{"+ h.example/team/a:1 REGSWEEP_PUSHED", "? h.example/team/a@" + d1 + " INPUT_DIGEST", "? h.example/team/a:c0ffee CI_COMMIT_SHA"}},
		{"team/b/c", []string{"? h.example/team/b/c@" + d1 + " INPUT_DIGEST", "? h.example/team/b/c:c0ffee CI_COMMIT_SHA"}},
		{"x", []string{"+ h.example/x:2 REGSWEEP_PUSHED", "? h.example/x@" + d1 + " INPUT_DIGEST", "? h.example/x:c0ffee CI_COMMIT_SHA"}},
		{"xteam/a", nil},
	} {
		got := text(oci.Pushes{Pushed: images.To(oci.Repository{Host: "h.example", Path: tt.path})})
		if want := strings.Join(tt.want, "\n"); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", tt.path, got, want)
		}
	}
}
