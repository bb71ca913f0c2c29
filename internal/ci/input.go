package ci

import "strings"

// Input returns the value that the environment gives to a flag, such as "keep-last", and the variable that it stands
// in: REGSWEEP_KEEP_LAST, then INPUT_KEEP-LAST and INPUT_KEEP_LAST (an action's inputs: the runner keeps the dash,
// https://github.com/actions/runner/blob/main/src/Runner.Worker/Handlers/Handler.cs, and dash, the shell, drops such
// a variable), then PLUGIN_KEEP_LAST (Drone and Woodpecker settings). White space around a value goes, and an empty
// value means unset: that is how an input arrives that a workflow left out.
//
// The flag --tags is the one whose name the CIs use for something else. docker/metadata-action and
// docker/build-push-action call the references that were pushed "tags" (https://github.com/docker/metadata-action#outputs),
// and Drone's docker plugin does the same; taken for the scope they would exclude from pruning all that is old. So
// those inputs belong to [System.Images], and the scope comes from REGSWEEP_SCOPE or REGSWEEP_TAGS, INPUT_SCOPE or PLUGIN_SCOPE.
//
// --help and --version ask instead of configuring; no environment gives them.
func Input(getenv func(string) string, flag string) (value, source string, ok bool) {
	switch flag {
	case "help", "version":
		return "", "", false
	case "tags":
		return first(getenv, "REGSWEEP_SCOPE", "REGSWEEP_TAGS", "INPUT_SCOPE", "PLUGIN_SCOPE")
	}
	return first(getenv, inputVariables(flag)...)
}

// InputNames are the ends of the variables, such as IMAGES of REGSWEEP_IMAGES, that hold an input that is not a flag.
func InputNames() []string { return []string{"IMAGES", "PUSHED", "DIGEST", "REGISTRY", "PASSWORD"} }

// inputVariables are the variables that may hold an input, in their order.
func inputVariables(name string) []string {
	dashed := strings.ToUpper(name)
	plain := strings.ReplaceAll(dashed, "-", "_")
	if dashed == plain {
		return []string{"REGSWEEP_" + plain, "INPUT_" + plain, "PLUGIN_" + plain}
	}
	return []string{"REGSWEEP_" + plain, "INPUT_" + dashed, "INPUT_" + plain, "PLUGIN_" + plain}
}

// first returns the first of the variables that has a value.
func first(getenv func(string) string, variables ...string) (value, source string, ok bool) {
	for _, v := range variables {
		if value := strings.TrimSpace(getenv(v)); value != "" {
			return value, v, true
		}
	}
	return "", "", false
}

// list splits a value at commas and newlines and drops what is empty.
func list(value string) []string {
	var out []string
	for _, part := range strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == '\n' || r == '\r' }) {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}
