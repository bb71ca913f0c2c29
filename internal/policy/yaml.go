package policy

import (
	"bytes"
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/regsweep/regsweep/internal/spelling"
)

// unmarshalYAML reads YAML into the fields of target, a pointer to a struct, by the names in their tags. Each value is
// read by the same UnmarshalText as that of the flag, from the text as it is written, so that 1.10 stays 1.10. The
// library's own decoder does not say where a value is wrong, and of several unknown keys names any.
//
// Unknown keys, keys given twice, empty values, anchors, aliases and further documents are errors, as
// [FileError] with line and column.
func unmarshalYAML(text []byte, target any) error {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if !utf8.Valid(text) {
		return &FileError{err: errors.New("not UTF-8 text")}
	}
	if line := tooDeep(text); line > 0 {
		return &FileError{position: position{line, 1}, err: errors.New("nested too deeply")}
	}
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return syntaxError(text, err)
	}
	var body ast.Node
	for _, doc := range file.Docs {
		switch doc.Body.(type) {
		case nil, *ast.DirectiveNode:
			continue
		}
		if body != nil {
			return wrong(doc.Body, "a second document: a policy file has only one")
		}
		body = doc.Body
	}
	v := reflect.ValueOf(target).Elem()
	if body == nil {
		return &FileError{err: fmt.Errorf("the file is empty: a mapping with the key %s is expected", keys(v.Type())[0])}
	}
	return readMapping(body, v)
}

// tooDeep returns the first line that is nested deeper than any policy, or 0. The parser's time and memory grow with the
// square of the depth: 256 KiB of opening brackets took all of a machine's memory.
func tooDeep(text []byte) int {
	const most = 200
	brackets, number := 0, 0
	for line := range bytes.Lines(text) {
		number++
		if len(line)-len(bytes.TrimLeft(line, " \t-?")) > most {
			return number
		}
		for _, c := range line {
			switch c {
			case '[', '{':
				brackets++
			case ']', '}':
				brackets--
			}
			if brackets > most {
				return number
			}
		}
	}
	return 0
}

// starred finds what begins with a * and is not quoted, which YAML takes for an alias.
var starred = regexp.MustCompile(`(^|[\s\[,])\*`)

func syntaxError(text []byte, err error) error {
	var detail yaml.Error
	if !errors.As(err, &detail) {
		return &FileError{err: fmt.Errorf("not YAML: %w", err)}
	}
	out := &FileError{err: fmt.Errorf("not YAML: %s", detail.GetMessage())}
	if t := detail.GetToken(); t != nil && t.Position != nil {
		out.position = position{t.Position.Line, t.Position.Column}
		if lines := bytes.Split(text, []byte("\n")); t.Position.Line <= len(lines) && starred.Match(lines[t.Position.Line-1]) {
			out.hint = quoteStars
		}
	}
	return out
}

const quoteStars = `put quotes around what begins with a star, as in "**"`

// readMapping reads a mapping into a struct.
func readMapping(n ast.Node, target reflect.Value) error {
	known := keys(target.Type())
	m, ok := n.(*ast.MappingNode)
	if !ok {
		return wrong(n, "a mapping with the key %s is expected", known[0])
	}
	seen := map[string]bool{}
	for _, pair := range m.Values {
		key := pair.Key.GetToken().Value
		field, ok := fieldOf(target, key)
		switch {
		case !ok:
			err := wrong(pair.Key, "unknown key %q", key)
			err.hint = "the keys here are " + strings.Join(known, ", ")
			if meant := spelling.Meant(strings.ToLower(key), known); meant != "" {
				err.hint = "did you mean " + meant + "? T" + strings.TrimPrefix(err.hint, "t")
			}
			return err
		case seen[nameOf(target.Type(), key)]:
			return wrong(pair.Key, "the key %s appears twice", nameOf(target.Type(), key))
		}
		seen[nameOf(target.Type(), key)] = true
		if err := readValue(pair.Key, pair.Value, field); err != nil {
			return err
		}
	}
	return nil
}

// readValue reads the value of a key: a text, or a list of texts or mappings. One text stands for a list of one.
func readValue(key, n ast.Node, target reflect.Value) error {
	if n.Type() == ast.NullType {
		return wrong(key, "%s has no value", key.GetToken().Value)
	}
	if target.Kind() != reflect.Slice {
		return readText(key, n, target)
	}
	items := []ast.Node{n}
	if list, ok := n.(*ast.SequenceNode); ok {
		items = list.Values
	}
	if len(items) == 0 {
		return wrong(n, "the list of %s is empty", key.GetToken().Value)
	}
	for _, item := range items {
		v := reflect.New(target.Type().Elem()).Elem()
		if entry, ok := v.Addr().Interface().(*entry); ok {
			entry.at = at(item)
			if err := readMapping(item, v); err != nil {
				return err
			}
			if len(entry.Repositories) == 0 {
				return wrong(item, "the entry has no key repositories, which says what it applies to")
			}
		} else if err := readText(key, item, v); err != nil {
			return err
		}
		target.Set(reflect.Append(target, v))
	}
	return nil
}

func readText(key, n ast.Node, target reflect.Value) error {
	name := key.GetToken().Value
	var text string
	switch n := n.(type) {
	case *ast.StringNode:
		text = n.Value
	case *ast.LiteralNode:
		text = n.Value.Value
	case *ast.NullNode:
		return wrong(n, "%s has no value", name)
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		text = n.GetToken().Value
	case *ast.AliasNode, *ast.AnchorNode:
		err := wrong(n, "%s: anchors and aliases are not supported", name)
		err.hint = quoteStars
		return err
	default:
		return wrong(n, "%s: a plain value is expected, not a %s", name, strings.ToLower(n.Type().YAMLName()))
	}
	if strings.TrimSpace(text) == "" {
		return wrong(n, "%s has no value", name)
	}
	if target.Kind() == reflect.Bool {
		if text != "true" && text != "false" {
			return wrong(n, "%s: %q is not true or false", name, text)
		}
		target.SetBool(text == "true")
		return nil
	}
	reader, ok := target.Addr().Interface().(encoding.TextUnmarshaler)
	if !ok { // a mistake in the fields' own declaration
		return wrong(n, "%s: nothing reads a %s", name, target.Type())
	}
	if err := reader.UnmarshalText([]byte(text)); err != nil {
		return wrong(n, "%s: %w", name, err)
	}
	return nil
}

// keys are the names of a struct's fields, those of embedded structs among them.
func keys(t reflect.Type) []string {
	var out []string
	for _, f := range reflect.VisibleFields(t) {
		if name := f.Tag.Get("name"); name != "" {
			out = append(out, name)
		}
	}
	return out
}

func fieldOf(v reflect.Value, key string) (reflect.Value, bool) {
	for _, f := range reflect.VisibleFields(v.Type()) {
		if key != "" && (f.Tag.Get("name") == key || f.Tag.Get("aliases") == key) {
			return v.FieldByIndex(f.Index), true
		}
	}
	return reflect.Value{}, false
}

// nameOf returns the name of the field that a key, which may be an alias, is for.
func nameOf(t reflect.Type, key string) string {
	for _, f := range reflect.VisibleFields(t) {
		if key != "" && f.Tag.Get("aliases") == key {
			return f.Tag.Get("name")
		}
	}
	return key
}

// wrong is an error about a node.
func wrong(n ast.Node, format string, args ...any) *FileError {
	return &FileError{position: at(n), err: fmt.Errorf(format, args...)}
}

// at is where a node begins. The parser says of a block mapping where its first colon is.
func at(n ast.Node) position {
	if m, ok := n.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		n = m.Values[0].Key
	}
	if t := n.GetToken(); t != nil && t.Position != nil {
		return position{t.Position.Line, t.Position.Column}
	}
	return position{}
}
