package gitlab

import "strings"

// Page is the address of the page of the project's container registry. The path of a repository does not tell which part of
// it is the project. A job knows its own project and the repository that belongs to it
// (https://docs.gitlab.com/ci/variables/predefined_variables/); repositories below that are images of the same project.
func (g *gitlab) Page(path string) string {
	project, image := g.getenv("CI_PROJECT_URL"), g.getenv("CI_REGISTRY_IMAGE")
	name := g.host + "/" + path
	if !strings.HasPrefix(project, "https://") || image == "" || name != image && !strings.HasPrefix(name, image+"/") {
		return ""
	}
	return strings.TrimSuffix(project, "/") + "/container_registry"
}
