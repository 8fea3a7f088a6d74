package admin

import (
	"reflect"
	"strings"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
)

// typeWords names a type of parameters and results for people and scripts.
func typeWords(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[secret.Param]():
		return "secret text"
	case reflect.TypeFor[Time]():
		return "time"
	case reflect.TypeFor[Span]():
		return "duration"
	case reflect.TypeFor[nostr.PubKey]():
		return "text"
	case reflect.TypeFor[bunker.Role]():
		return "viewer|approver|operator|owner"
	case reflect.TypeFor[bunker.Effect]():
		return "deny|ask|allow"
	}
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "yes or no"
	case reflect.Int, reflect.Int64, reflect.Uint32, reflect.Uint64, reflect.Uint8, reflect.Uint16, reflect.Int32:
		return "number"
	case reflect.Pointer:
		return typeWords(t.Elem())
	case reflect.Slice:
		return "list of " + typeWords(t.Elem())
	case reflect.Map:
		return "numbers by " + typeWords(t.Key())
	case reflect.Struct:
		return "object"
	}
	return strings.ToLower(t.Kind().String())
}

// Field is one parameter, or one part of a result, as the references show it.
type Field struct {
	Name     string
	Type     string
	Optional bool
	Doc      string
	Fields   []Field // of an object, or of a list's objects
}

// Params describes the command's parameters.
func (c *Command) Params() []Field { return fieldsOfType(c.params) }

// Result describes what the command returns.
func (c *Command) Result() []Field { return fieldsOfType(c.result) }

func fieldsOfType(t reflect.Type) []Field {
	var out []Field
	for _, f := range orderedFields(t) {
		d := Field{Name: f.name, Type: typeWords(f.of), Optional: f.optional, Doc: f.doc}
		inner := f.of
		for inner.Kind() == reflect.Slice || inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		if inner.Kind() == reflect.Struct {
			d.Fields = fieldsOfType(inner)
		}
		out = append(out, d)
	}
	return out
}
