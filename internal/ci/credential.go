package ci

import "strings"

// Credential returns the login that the CI system itself hands to a job for a registry, and the variable that holds
// the user name. That is GitLab's, for the host that is exactly CI_REGISTRY: its CI_REGISTRY_PASSWORD is the job token,
// which may delete in the job's own project
// (https://docs.gitlab.com/user/packages/container_registry/authenticate_with_container_registry/) and is nobody
// else's business.
func Credential(getenv func(string) string, host string) (username, password, source string, ok bool) {
	username, password = getenv("CI_REGISTRY_USER"), getenv("CI_REGISTRY_PASSWORD")
	if host == "" || username == "" || password == "" || !strings.EqualFold(host, getenv("CI_REGISTRY")) {
		return "", "", "", false
	}
	return username, password, "CI_REGISTRY_USER", true
}
