package dockerhub

import "strings"

// Page is the address of a repository's page: an official image has one below /_/, any other below /r/
// (https://docs.docker.com/docker-hub/repos/).
func (r *Registry) Page(path string) string {
	namespace, name, found := strings.Cut(path, "/")
	at, err := apiOf(r.api.host)
	switch {
	case err != nil || at != "hub.docker.com" || !found || strings.Contains(name, "/"):
		return ""
	case namespace == "library":
		return "https://hub.docker.com/_/" + name
	}
	return "https://hub.docker.com/r/" + path
}
