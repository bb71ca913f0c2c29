package ci_test

// environment is a getenv over fixed variables.
func environment(vars map[string]string) func(string) string {
	return func(name string) string { return vars[name] }
}

type env = map[string]string
