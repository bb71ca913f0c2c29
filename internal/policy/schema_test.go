package policy

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"testing"

	"github.com/regsweep/regsweep/internal/retain"
)

var update = flag.Bool("update", false, "write the schema of policy files anew")

type object = map[string]any

// schemas are the JSON schemas of the texts in a policy file, by the type that reads them. They are stricter than the
// types in one respect: a number is not put in quotes.
var schemas = map[reflect.Type]object{
	reflect.TypeFor[Count]():           {"type": "integer", "minimum": 1},
	reflect.TypeFor[retain.Age]():      {"type": "string", "pattern": "^[0-9]*[1-9][0-9]*(m|h|d|w|mo|y)$"},
	reflect.TypeFor[retain.Versions](): {"type": []string{"integer", "string"}, "minimum": 1, "pattern": "^[0-9]*[1-9][0-9]*(/(major|minor))?$"},
	reflect.TypeFor[retain.Grouping](): {"type": "string", "format": "regex", "pattern": `^\^.*\(.*\$$`},
	reflect.TypeFor[retain.Sort]():     {"enum": []retain.Sort{retain.SortCreated, retain.SortPushed, retain.SortSemver, retain.SortName}},
	reflect.TypeFor[retain.Undated]():  {"enum": []retain.Undated{retain.UndatedKeep, retain.UndatedOldest, retain.UndatedPushed}},
	reflect.TypeFor[retain.Limit]():    {"type": []string{"integer", "string"}, "minimum": 0, "pattern": "^[0-9]+%?$"},
	reflect.TypeFor[bool]():            {"type": "boolean"},
	reflect.TypeFor[Patterns]():        {"type": "string", "minLength": 1},
	reflect.TypeFor[RefFiles]():        {"type": "string", "minLength": 1},
	reflect.TypeFor[repositoryGlob]():  {"type": "string", "minLength": 1},
}

// schemaOf makes the JSON schema of a struct from the tags of its fields.
func schemaOf(t *testing.T, of reflect.Type, required string) object {
	t.Helper()
	properties := object{}
	for _, f := range reflect.VisibleFields(of) {
		name := f.Tag.Get("name")
		if name == "" {
			continue
		}
		property := object{"description": f.Tag.Get("help")}
		switch {
		case f.Type == reflect.TypeFor[[]entry]():
			property["type"], property["minItems"], property["items"] = "array", 1, schemaOf(t, f.Type.Elem(), "repositories")
		case f.Type.Kind() == reflect.Slice:
			item := schemas[f.Type.Elem()]
			property["anyOf"] = []object{item, {"type": "array", "minItems": 1, "items": item}}
		case schemas[f.Type] == nil:
			t.Errorf("%s has no schema for %s", name, f.Type)
		default:
			for k, v := range schemas[f.Type] {
				property[k] = v
			}
		}
		properties[name] = property
		if alias := f.Tag.Get("aliases"); alias != "" {
			properties[alias] = property
		}
	}
	return object{"type": "object", "additionalProperties": false, "required": []string{required}, "properties": properties}
}

// TestPolicySchema holds the schema for editors to the type that it describes.
func TestPolicySchema(t *testing.T) {
	t.Parallel()
	const file = "../../docs/policy.schema.json"
	schema := schemaOf(t, reflect.TypeFor[document](), "policies")
	schema["$schema"] = "http://json-schema.org/draft-07/schema#"
	schema["$id"] = schemaURL
	schema["title"] = "regsweep policy file"
	var want bytes.Buffer
	encoder := json.NewEncoder(&want)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(schema); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(file, want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Errorf("%s is not what the type says; -update writes it anew:\n%s", file, want.Bytes())
	}
}

const schemaURL = "https://raw.githubusercontent.com/regsweep/regsweep/main/docs/policy.schema.json"
