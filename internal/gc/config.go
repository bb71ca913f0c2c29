package gc

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// configFiles are where the official images keep the configuration: 3.x first, then 2.x and Debian's package
// (https://distribution.github.io/distribution/about/configuration/).
var configFiles = []string{"/etc/distribution/config.yml", "/etc/docker/registry/config.yml"}

// configArgument finds the configuration file among the arguments of a registry: what follows "serve", or what looks like
// one, which the images' entry point puts behind "serve" itself. A relative one is in dir.
func configArgument(args []string, dir string) string {
	named := slices.IndexFunc(args, func(a string) bool { return strings.HasSuffix(a, ".yml") || strings.HasSuffix(a, ".yaml") })
	if serve := slices.Index(args, "serve"); serve >= 0 {
		named = -1
		if i := slices.IndexFunc(args[serve+1:], func(a string) bool { return !strings.HasPrefix(a, "-") }); i >= 0 {
			named = serve + 1 + i
		}
	}
	switch {
	case named < 0:
		return ""
	case path.IsAbs(args[named]):
		return args[named]
	}
	return path.Join("/", dir, args[named])
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

// parseConfig reads a configuration, and the REGISTRY_ variables, which override it.
func parseConfig(text string, env map[string]string) (config, error) {
	file := map[string]any{}
	if err := yaml.Unmarshal([]byte(text), &file); err != nil {
		return config{}, fmt.Errorf("not understood: %s", oneLine(strings.SplitN(err.Error(), "\n", 2)[0]))
	}
	if file == nil { // of an empty text
		file = map[string]any{}
	}
	named(file)
	if err := override(file, env); err != nil {
		return config{}, err
	}
	out := config{}
	out.proxy, _ = at(file, "proxy", "remoteurl").(string)
	out.readOnly, _ = at(file, "storage", "maintenance", "readonly", "enabled").(bool)
	storage, _ := file["storage"].(map[string]any)
	var drivers []string
	for name := range storage {
		if !slices.Contains([]string{"cache", "delete", "maintenance", "redirect", "tag"}, name) {
			drivers = append(drivers, name)
		}
	}
	switch slices.Sort(drivers); len(drivers) {
	case 0:
		return config{}, fmt.Errorf("it does not name a storage")
	case 1:
		out.driver = drivers[0]
	default:
		return config{}, fmt.Errorf("it names several storages: %s", strings.Join(drivers, ", "))
	}
	if out.driver == "filesystem" {
		root, given := at(storage, "filesystem", "rootdirectory").(string)
		if !given {
			root = defaultRoot
		}
		if out.root = path.Clean(root); !path.IsAbs(out.root) || out.root == "/" {
			return config{}, fmt.Errorf("the storage's root %q is not the absolute path of a folder", root)
		}
	}
	return out, nil
}

// override puts the variables into a configuration as the registry does: REGISTRY_STORAGE_S3_BUCKET is storage.s3.bucket,
// its value is YAML, and a shorter name comes before those that it is the beginning of (configuration/parser.go).
func override(file map[string]any, env map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(env)) {
		keys := strings.Split(strings.ToLower(strings.TrimPrefix(name, "REGISTRY_")), "_")
		if keys[0] != "storage" && keys[0] != "proxy" {
			continue
		}
		var value any
		if err := yaml.Unmarshal([]byte(env[name]), &value); err != nil {
			return fmt.Errorf("the variable %s is not YAML", name) // its value may be a secret
		}
		m := file
		for _, k := range keys[:len(keys)-1] {
			inner, is := m[k].(map[string]any)
			if !is {
				inner = map[string]any{}
				m[k] = inner
			}
			m = inner
		}
		m[keys[len(keys)-1]] = value
		named(file)
	}
	return nil
}

// named gives a storage that is a name alone its other form: "storage: inmemory", REGISTRY_STORAGE=s3.
func named(file map[string]any) {
	if name, is := file["storage"].(string); is {
		file["storage"] = map[string]any{name: nil}
	}
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
