package ci_test

import (
	"testing"

	"github.com/regsweep/regsweep/internal/ci"
)

func TestInput(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, flag    string
		vars          env
		value, source string
	}{
		{"nothing", "keep-last", env{}, "", ""},
		{"ours first", "keep-last", env{"REGSWEEP_KEEP_LAST": "1", "INPUT_KEEP-LAST": "2", "INPUT_KEEP_LAST": "3", "PLUGIN_KEEP_LAST": "4"}, "1", "REGSWEEP_KEEP_LAST"},
		{"then the input with its dash", "keep-last", env{"INPUT_KEEP-LAST": "2", "INPUT_KEEP_LAST": "3", "PLUGIN_KEEP_LAST": "4"}, "2", "INPUT_KEEP-LAST"},
		{"then the input without", "keep-last", env{"INPUT_KEEP_LAST": "3", "PLUGIN_KEEP_LAST": "4"}, "3", "INPUT_KEEP_LAST"},
		{"then the plugin setting", "keep-last", env{"PLUGIN_KEEP_LAST": "4"}, "4", "PLUGIN_KEEP_LAST"},
		{"several dashes", "keep-younger-than", env{"INPUT_KEEP-YOUNGER-THAN": "14d"}, "14d", "INPUT_KEEP-YOUNGER-THAN"},
		{"empty means unset", "keep-last", env{"REGSWEEP_KEEP_LAST": "", "INPUT_KEEP-LAST": "2"}, "2", "INPUT_KEEP-LAST"},
		{"blank means unset", "keep-last", env{"REGSWEEP_KEEP_LAST": " \n", "PLUGIN_KEEP_LAST": "4"}, "4", "PLUGIN_KEEP_LAST"},
		{"only empty ones", "keep-last", env{"REGSWEEP_KEEP_LAST": "", "INPUT_KEEP-LAST": ""}, "", ""},
		{"white space around goes, lines inside stay", "protect", env{"INPUT_PROTECT": "\nlatest\nv*\n"}, "latest\nv*", "INPUT_PROTECT"},
		{"a value of zero is a value", "keep-last", env{"REGSWEEP_KEEP_LAST": "0", "INPUT_KEEP-LAST": "2"}, "0", "REGSWEEP_KEEP_LAST"},
		{"scope from ours", "tags", env{"REGSWEEP_TAGS": "b*", "INPUT_SCOPE": "c*"}, "b*", "REGSWEEP_TAGS"},
		{"scope from the input", "tags", env{"INPUT_SCOPE": "c*", "PLUGIN_SCOPE": "d*"}, "c*", "INPUT_SCOPE"},
		{"scope from the plugin", "tags", env{"PLUGIN_SCOPE": "d*"}, "d*", "PLUGIN_SCOPE"},
		{"tags that were pushed are no scope", "tags", env{"INPUT_TAGS": "host.example/app:1", "PLUGIN_TAGS": "1"}, "", ""},
		{"an empty ours does not open the pushed tags", "tags", env{"REGSWEEP_TAGS": "", "INPUT_TAGS": "host.example/app:1"}, "", ""},
		{"a version variable is not a question", "version", env{"REGSWEEP_VERSION": "1.2.3"}, "", ""},
		{"nor is help", "help", env{"INPUT_HELP": "true"}, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			value, source, ok := ci.Input(environment(tt.vars), tt.flag)
			if value != tt.value || source != tt.source || ok != (tt.value != "") {
				t.Errorf("got %q from %q, %t, want %q from %q", value, source, ok, tt.value, tt.source)
			}
		})
	}
}

func TestCredential(t *testing.T) {
	t.Parallel()
	gitlab := env{"CI_REGISTRY": "registry.gitlab.example:5050", "CI_REGISTRY_USER": "gitlab-ci-token", "CI_REGISTRY_PASSWORD": "glcbt-1"}
	without := func(name string) env {
		vars := env{}
		for k, v := range gitlab {
			if k != name {
				vars[k] = v
			}
		}
		return vars
	}
	for _, tt := range []struct {
		name, host string
		vars       env
		ok         bool
	}{
		{"its registry", "registry.gitlab.example:5050", gitlab, true},
		{"in another case", "Registry.GitLab.example:5050", gitlab, true},
		{"another registry", "registry.example.com", gitlab, false},
		{"another port", "registry.gitlab.example", gitlab, false},
		{"a host that begins alike", "registry.gitlab.example:5050.evil.example", gitlab, false},
		{"no registry", "", without("CI_REGISTRY"), false},
		{"no registry named", "registry.gitlab.example:5050", without("CI_REGISTRY"), false},
		{"no user", "registry.gitlab.example:5050", without("CI_REGISTRY_USER"), false},
		{"no password", "registry.gitlab.example:5050", without("CI_REGISTRY_PASSWORD"), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			username, password, source, ok := ci.Credential(environment(tt.vars), tt.host)
			if ok != tt.ok {
				t.Fatalf("got ok %t, want %t", ok, tt.ok)
			}
			if ok && (username != "gitlab-ci-token" || password != "glcbt-1" || source != "CI_REGISTRY_USER and CI_REGISTRY_PASSWORD") {
				t.Errorf("got %q, %q from %q", username, password, source)
			}
			if !ok && username+password+source != "" {
				t.Errorf("got %q, %q from %q without ok", username, password, source)
			}
		})
	}
}
