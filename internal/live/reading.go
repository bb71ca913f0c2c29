package live

import (
	"net/url"
	"regexp"
	"strings"
)

// maxTails is how many readings of a name begin at one of its slashes: refs/remotes/origin/team/x is also origin/team/x,
// team/x and x. No real name has more parts.
const maxTails = 10

// readings calls add with each way in which a CI system can write a name into a tag, folded.
//
// docker/metadata-action replaces each run of characters that a tag cannot have by a dash
// (https://github.com/docker/metadata-action/blob/master/src/meta.ts). GitLab's CI_COMMIT_REF_SLUG is in lower case, with a
// dash for each character other than a letter or digit
// (https://docs.gitlab.com/ci/variables/predefined_variables/). [fold] makes all these equal. Jenkins encodes a branch in
// JOB_NAME (see [jobName]), so that pipelines that clean it write 2F for a slash; others encode it as a URL. Pipelines also cut everything up to a slash off; tails is at how many slashes.
func readings(name string, tails int, add func(string)) {
	for n := 0; n < tails && name != ""; n++ {
		add(fold(name))
		if lower := strings.ToLower(name); lower != name {
			add(fold(lower)) // where a letter of another alphabet has an ASCII one for its lower case
		}
		for _, encoded := range []string{jobName.Replace(name), url.PathEscape(name)} {
			if encoded != name {
				add(fold(encoded))
			}
		}
		if decoded, err := url.PathUnescape(name); err == nil && decoded != name {
			add(fold(decoded))
		}
		for _, v := range versions(name) {
			add(fold(v))
		}
		_, name, _ = strings.Cut(name, "/")
	}
}

// jobName encodes a branch as a multibranch pipeline of Jenkins does for the name of its job
// (https://github.com/jenkinsci/branch-api-plugin/blob/master/src/main/java/jenkins/branch/NameEncoder.java). Git allows no
// other character of those in a name.
var jobName = strings.NewReplacer("#", "%23", "%", "%25", "/", "%2F", "]", "%5D")

var version = regexp.MustCompile(`^[vV]?(([0-9]+)\.[0-9]+)(\.[0-9]+)?([-+._].*)?$`)

// versions returns what metadata-action's type=semver writes for a git tag: without the v, and the minor and major line.
func versions(name string) []string {
	if name == "" || !strings.ContainsRune("vV0123456789", rune(name[0])) {
		return nil
	}
	m := version.FindStringSubmatch(name)
	if m == nil {
		return nil
	}
	return []string{strings.TrimLeft(name, "vV"), m[1], m[2]}
}

// fold returns what is the same in all ways to write a name into a tag: the ASCII letters, in lower case, and the digits,
// with one dash for all that is between them.
func fold(name string) string {
	out := make([]byte, 0, len(name))
	for i := range len(name) {
		c := name[i]
		switch {
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
		case len(out) > 0 && out[len(out)-1] != '-':
			c = '-'
		default:
			continue
		}
		out = append(out, c)
	}
	return strings.TrimSuffix(string(out), "-")
}

var (
	// GitHub, GitLab, Bitbucket and Azure DevOps have such refs; docker/metadata-action and Jenkins write pr-12 and PR-12.
	requestRef = regexp.MustCompile(`^refs/(pull|merge-requests|pull-requests)/[0-9]+/`)
	requestKey = regexp.MustCompile(`^((?:pr|mr|pulls?|pull-requests?|merge-requests?)-?)?([0-9]+)(?:-(?:head|merge|from|to|train))?$`)
)

// request returns the number of a pull or merge request that a folded name can be, "" if it cannot be one. worded says
// that the name has the word for it.
func request(key string) (number string, worded bool) {
	key = strings.TrimPrefix(key, "refs-")
	if key == "" || !strings.ContainsRune("pm0123456789", rune(key[0])) { // most names: the rest is slow
		return "", false
	}
	m := requestKey.FindStringSubmatch(key)
	if m == nil {
		return "", false
	}
	return m[2], m[1] != ""
}
