package gc

import (
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"
)

var versionNumber = regexp.MustCompile(`(?:^|\s)v?(\d+)\.\d+\.\d+\S*$`)

// parseVersion reads what "registry --version" prints, such as "docker-registry github.com/docker/distribution 2.8.2+ds1"
// and "registry github.com/distribution/distribution/v3 v3.1.2" (distribution, version/print.go).
func parseVersion(line string) (version string, major int, err error) {
	line = strings.TrimSpace(line)
	if _, what, _ := strings.Cut(line, " "); strings.Contains(what, "gitlab") { // not the program's own path
		return "", 0, &Refusal{
			Why:    fmt.Sprintf("this is GitLab's registry (%s), whose garbage collection is its own", oneLine(line)),
			Advice: "run gitlab-ctl registry-garbage-collect there, or leave it to the online garbage collection where the registry has a metadata database (https://docs.gitlab.com/administration/packages/container_registry/#container-registry-garbage-collection)",
		}
	}
	m := versionNumber.FindStringSubmatch(line)
	if m == nil || !strings.Contains(line, "/distribution") {
		return "", 0, fmt.Errorf("not the CNCF registry: --version prints %q", oneLine(line))
	}
	major, err = strconv.Atoi(m[1])
	return path.Base(line[strings.LastIndexByte(line, ' ')+1:]), major, err
}
