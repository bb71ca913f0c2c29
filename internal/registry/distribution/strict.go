package distribution

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// decodeStrict reads a JSON object that every client must read in the same way. A name that stands twice is an error, and
// so is one that differs from a field's in its letter case: Go reads Manifests as manifests, and the last one of several,
// and clients in other languages do not. Names that no field has are skipped. want is the shape of into.
func decodeStrict(body []byte, into any, want *shape) error {
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("the body is not JSON: %w", err)
	}
	if bytes.TrimLeft(body, " \t\r\n")[0] != '{' { // null is no error for Unmarshal
		return errors.New("the body is not a JSON object")
	}
	return unambiguous(body, want)
}

// unambiguous checks the names in valid JSON.
func unambiguous(body []byte, want *shape) error {
	s := scanner{body: body}
	s.value(want)
	return s.err
}

// shape says which names count in a JSON value: those of the fields in an object that is read into a struct, all in one
// that is read into a map. A nil shape is that of a value in which no name counts.
type shape struct {
	names  [][]byte
	fields []*shape // of the names
	isMap  bool
	items  *shape // of an array or map
}

// shapeOf returns the shape of what is read into a type.
func shapeOf(t reflect.Type) *shape {
	switch t.Kind() {
	case reflect.Pointer:
		return shapeOf(t.Elem())
	case reflect.Slice:
		return &shape{items: shapeOf(t.Elem())}
	case reflect.Map:
		return &shape{isMap: true, items: shapeOf(t.Elem())}
	case reflect.Struct:
		s := &shape{}
		for i := range t.NumField() {
			s.names = append(s.names, []byte(t.Field(i).Tag.Get("json")))
			s.fields = append(s.fields, shapeOf(t.Field(i).Type))
		}
		return s
	}
	return nil
}

// scanner walks through valid JSON. It allocates nothing for a struct: a run reads thousands of manifests.
type scanner struct {
	body []byte
	at   int
	err  error // the first one
}

// value walks through one value.
func (s *scanner) value(want *shape) {
	switch s.next() {
	case '{':
		s.object(want)
	case '[':
		s.array(want)
	case '"':
		s.text()
	default: // a number, true, false or null
		for s.at < len(s.body) && strings.IndexByte(",]} \t\r\n", s.body[s.at]) < 0 {
			s.at++
		}
	}
}

// next returns the next byte that is not white space, and stays at it.
func (s *scanner) next() byte {
	for s.body[s.at] <= ' ' {
		s.at++
	}
	return s.body[s.at]
}

func (s *scanner) array(want *shape) {
	var items *shape
	if want != nil {
		items = want.items
	}
	for first := true; s.member(first); first = false {
		s.value(items)
	}
}

// member steps to the next member of an array or object and reports whether there is one.
func (s *scanner) member(first bool) bool {
	switch c := s.next(); {
	case c == ']' || c == '}':
		s.at++
		return false
	case !first: // a comma
		s.at++
		return true
	}
	s.at++ // the opening bracket
	if c := s.next(); c == ']' || c == '}' {
		s.at++
		return false
	}
	return true
}

func (s *scanner) object(want *shape) {
	var seen uint64 // by field: no struct that is read here has more than 64
	var keys map[string]bool
	for first := true; s.member(first); first = false {
		name := s.name()
		s.next()
		s.at++ // the colon
		var inner *shape
		switch {
		case want == nil:
		case want.isMap:
			inner = want.items
			if keys[string(name)] {
				s.fail("it has %q twice", name)
			} else if keys == nil {
				keys = map[string]bool{}
			}
			keys[string(name)] = true
		default:
			if i := want.field(name); i >= 0 {
				inner = want.fields[i]
				if known := want.names[i]; !bytes.Equal(name, known) {
					s.fail("it has %q, which some clients read as %q", name, known)
				} else if seen&(1<<i) != 0 {
					s.fail("it has %q twice", name)
				}
				seen |= 1 << i
			}
		}
		s.value(inner)
	}
}

// field returns the field that Go takes a name for, -1 for none.
func (w *shape) field(name []byte) int {
	for i, known := range w.names {
		if string(name) == string(known) { // as nearly always
			return i
		}
	}
	for i, known := range w.names {
		// Only a letter beyond ASCII can have another length than the one that it is taken for, and it is longer.
		if len(name) >= len(known) && bytes.EqualFold(name, known) {
			return i
		}
	}
	return -1
}

// name reads the name of a member.
func (s *scanner) name() []byte {
	s.next()
	text := s.text()
	if bytes.IndexByte(text, '\\') < 0 {
		return text[1 : len(text)-1]
	}
	var name string
	if json.Unmarshal(text, &name) != nil {
		return text
	}
	return []byte(name)
}

// text steps over a string and returns it with its quotes.
func (s *scanner) text() []byte {
	begin := s.at
	for s.at++; ; s.at++ {
		s.at += bytes.IndexByte(s.body[s.at:], '"')
		escapes := 0
		for s.body[s.at-1-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 { // else the quote is a part of the string
			break
		}
	}
	s.at++
	return s.body[begin:s.at]
}

func (s *scanner) fail(format string, args ...any) {
	if s.err == nil {
		s.err = fmt.Errorf(format, args...)
	}
}
