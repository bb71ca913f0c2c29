package report

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/retain"
)

const (
	reportPage   = "../../docs/report.md"
	reportSchema = "../../docs/report.schema.json"
	schemaURL    = "https://raw.githubusercontent.com/regsweep/regsweep/main/docs/report.schema.json"
)

type object = map[string]any

// enums are the values of texts that have only some.
var enums = map[reflect.Type]object{
	reflect.TypeFor[retain.Verdict](): {"enum": []retain.Verdict{retain.Keep, retain.Delete}},
	reflect.TypeFor[prune.Status]():   {"enum": []prune.Status{prune.Deleted, prune.Gone, prune.Failed, prune.Skipped, prune.Planned, prune.Unsettled, prune.Retained}},
}

// schemaOf makes the JSON schema of a type. Keys are only ever added, so that others may be there.
func schemaOf(t *testing.T, of reflect.Type) object {
	t.Helper()
	switch of.Kind() {
	case reflect.Pointer:
		return object{"anyOf": []object{schemaOf(t, of.Elem()), {"type": "null"}}}
	case reflect.Slice:
		return object{"type": "array", "items": schemaOf(t, of.Elem())}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Int, reflect.Int64:
		return object{"type": "integer"}
	case reflect.Float64:
		return object{"type": "number"}
	case reflect.String:
		if e := enums[of]; e != nil {
			return e
		}
		return object{"type": "string"}
	case reflect.Struct:
		properties, required := object{}, []string{}
		for _, f := range reflect.VisibleFields(of) {
			name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			property := schemaOf(t, f.Type)
			if name == "images" {
				property = schemaOf(t, reflect.TypeFor[[]jsonImage]())
			}
			if properties[name] = property; options == "" {
				required = append(required, name)
			}
		}
		return object{"type": "object", "properties": properties, "required": required}
	}
	t.Fatalf("no schema for %s", of)
	return nil
}

// keysOf are the keys of a schema at every depth.
func keysOf(schema object) []string {
	var out []string
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case object:
			if properties, is := v["properties"].(object); is {
				for name := range properties {
					out = append(out, name)
				}
			}
			for _, inner := range v {
				walk(inner)
			}
		case []object:
			for _, inner := range v {
				walk(inner)
			}
		}
	}
	walk(schema)
	slices.Sort(out)
	return slices.Compact(out)
}

// TestReportSchema holds docs/report.schema.json to the types of the report.
func TestReportSchema(t *testing.T) {
	t.Parallel()
	schema := schemaOf(t, reflect.TypeFor[jsonReport]())
	schema["$schema"], schema["$id"], schema["title"] = "https://json-schema.org/draft/2020-12/schema", schemaURL, "regsweep report, "+Schema
	var want bytes.Buffer
	encoder := json.NewEncoder(&want)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(schema); err != nil {
		t.Fatal(err)
	}
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(reportSchema, want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(reportSchema)
	if err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Errorf("%s is not what the types say; -update writes it: %v", reportSchema, err)
	}
}

// TestReportPage finds each key, metric and variable on the page that explains them, and nothing else in its tables.
func TestReportPage(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(reportPage)
	if err != nil {
		t.Fatal(err)
	}
	var page []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-zA-Z_]+)`((?:, `[a-zA-Z_]+`)*) \\|").FindAllStringSubmatch(string(text), -1) {
		page = append(page, m[1])
		page = append(page, regexp.MustCompile("[a-zA-Z_]+").FindAllString(m[2], -1)...)
	}
	var metrics bytes.Buffer
	if err := WriteMetrics(&metrics, Summary{Repositories: []Outcome{{}}}); err != nil {
		t.Fatal(err)
	}
	want := append(keysOf(schemaOf(t, reflect.TypeFor[jsonReport]())), DotenvNames()...)
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (\S+)`).FindAllStringSubmatch(metrics.String(), -1) {
		want = append(want, m[1])
	}
	for _, name := range want {
		if !slices.Contains(page, name) {
			t.Errorf("%s does not explain %s", reportPage, name)
		}
	}
	for _, name := range page {
		if !slices.Contains(want, name) {
			t.Errorf("%s explains %s, which is not in any report", reportPage, name)
		}
	}
}
