package gc

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// configFiles are where the official images keep the configuration: 3.x first, then 2.x and Debian's package
// (https://distribution.github.io/distribution/about/configuration/).
var configFiles = []string{"/etc/distribution/config.yml", "/etc/docker/registry/config.yml"}

// isConfig reports whether an argument of a registry is its configuration file.
func isConfig(arg string) bool {
	return path.IsAbs(arg) && (strings.HasSuffix(arg, ".yml") || strings.HasSuffix(arg, ".yaml"))
}

// defaultRoot is the filesystem driver's (registry/storage/driver/filesystem/driver.go, defaultRootDirectory).
const defaultRoot = "/var/lib/registry"

// config is the part of a registry's configuration that a garbage collection depends on.
type config struct {
	driver   string
	root     string // of the filesystem driver; "" for another one
	proxy    string // the registry whose content this one caches
	readOnly bool
}

// parseConfig reads a configuration, and the environment, which overrides it.
func parseConfig(text string, env map[string]string) (config, error) {
	var file struct {
		Storage map[string]any `yaml:"storage"`
		Proxy   struct {
			RemoteURL string `yaml:"remoteurl"`
		} `yaml:"proxy"`
	}
	if err := yaml.Unmarshal([]byte(text), &file); err != nil {
		return config{}, fmt.Errorf("not understood: %s", oneLine(strings.SplitN(err.Error(), "\n", 2)[0]))
	}
	out := config{proxy: cmp.Or(env["env.proxy"], file.Proxy.RemoteURL)}
	for name := range file.Storage {
		if !slices.Contains([]string{"cache", "delete", "maintenance", "redirect", "tag"}, name) {
			out.driver = name
		}
	}
	out.driver = cmp.Or(env["env.driver"], out.driver)
	if out.driver == "" {
		return config{}, fmt.Errorf("it does not name a storage")
	}
	if out.driver == "filesystem" {
		root, _ := at(file.Storage, "filesystem", "rootdirectory").(string)
		out.root = path.Clean(cmp.Or(env["env.root"], root, defaultRoot))
		if !path.IsAbs(out.root) || out.root == "/" {
			return config{}, fmt.Errorf("the storage's root %q is not the absolute path of a folder", out.root)
		}
	}
	out.readOnly, _ = at(file.Storage, "maintenance", "readonly", "enabled").(bool)
	if v := env["env.readonly.enabled"]; v != "" {
		out.readOnly = v == "true"
	}
	if strings.Contains(strings.ReplaceAll(env["env.readonly"], " ", ""), `enabled":true`) || strings.Contains(env["env.readonly"], "enabled: true") {
		out.readOnly = true
	}
	return out, nil
}

// at follows keys into maps; nil when there is nothing.
func at(m map[string]any, keys ...string) any {
	var v any = m
	for _, k := range keys {
		inner, _ := v.(map[string]any)
		v = inner[k]
	}
	return v
}
