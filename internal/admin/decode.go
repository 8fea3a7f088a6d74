package admin

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"reflect"
	"strings"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
)

// MaxParams is the size in bytes of the largest parameters of one command.
const MaxParams = 1 << 20

// MaxItems is how many items a list in parameters may have.
const MaxItems = 256

// Decode reads a JSON object strictly: the fields of T, each once and spelt
// exactly so; what has no "omitempty" or "omitzero" must be there. Secrets are
// copied nowhere but into their secret.Param: encoding/json sees one value at a
// time, in place. Errors are *bunker.Error that name the field. It is what reads
// parameters; the doors read their own messages with it, too.
func Decode[T any](b []byte) (T, error) {
	v, err := decode(reflect.TypeFor[T](), b)
	return *v.Interface().(*T), err
}

// decode is Decode for parameters: none are an object without fields.
func decode(p reflect.Type, params []byte) (reflect.Value, error) {
	v := reflect.New(p)
	if len(params) > MaxParams {
		return v, bunker.Errorf(bunker.CodeInvalid, "the parameters are longer than %d bytes", MaxParams)
	}
	params = bytes.TrimSpace(params)
	if len(params) == 0 || string(params) == "null" {
		params = []byte("{}")
	}
	if !json.Valid(params) {
		return v, bunker.Errorf(bunker.CodeInvalid, "the parameters are not JSON")
	}
	if err := value(params, v.Elem(), ""); err != nil {
		wipe(v.Elem())
		return v, err
	}
	return v, nil
}

// value reads one JSON value. b is valid JSON without space around it.
func value(b []byte, v reflect.Value, at string) error {
	_, leaf := v.Addr().Interface().(json.Unmarshaler)
	if !leaf {
		_, leaf = v.Addr().Interface().(encoding.TextUnmarshaler)
	}
	switch {
	case !leaf && v.Kind() == reflect.Struct:
		return object(b, v, at)
	case !leaf && v.Kind() == reflect.Slice:
		return list(b, v, at)
	}
	if bytes.Equal(b, []byte("null")) {
		return nil // as if it were not there
	}
	if k := v.Kind(); !leaf && k == reflect.Pointer && (v.Type().Elem().Kind() == reflect.Struct || v.Type().Elem().Kind() == reflect.Slice) {
		v.Set(reflect.New(v.Type().Elem()))
		return value(b, v.Elem(), at)
	}
	if err := json.Unmarshal(b, v.Addr().Interface()); err != nil {
		return refused(at, err)
	}
	return nil
}

func refused(at string, err error) error {
	why := err.Error()
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		why = "it must be " + typeWords(wrong.Type) + ", not a " + wrong.Value
	}
	if at == "" {
		return bunker.Errorf(bunker.CodeInvalid, "the parameters must be a JSON object")
	}
	return bunker.Errorf(bunker.CodeInvalid, "%s: %s", at, clip(strings.TrimPrefix(why, "json: "))).In(at)
}

func object(b []byte, v reflect.Value, at string) error {
	if b[0] != '{' {
		return refused(at, errors.New("it must be an object"))
	}
	known := fieldsOf(v.Type())
	seen := map[string]bool{}
	for s := (scan{b: b, i: 1}); ; {
		key, val, more := s.member()
		if !more {
			break
		}
		var k string
		if err := json.Unmarshal(key, &k); err != nil {
			return refused(at, err)
		}
		f, ok := known[k]
		switch {
		case !ok:
			return bunker.Errorf(bunker.CodeInvalid, "there is no parameter %q", clip(join(at, k))).In(clip(join(at, k)))
		case seen[k]:
			return bunker.Errorf(bunker.CodeInvalid, "%s is given twice", join(at, k)).In(join(at, k))
		}
		seen[k] = true
		if bytes.Equal(val, []byte("null")) {
			seen[k] = f.optional
			continue
		}
		if err := value(val, v.FieldByIndex(f.index), join(at, k)); err != nil {
			return err
		}
	}
	for _, f := range orderedFields(v.Type()) {
		if !f.optional && !seen[f.name] {
			return bunker.Errorf(bunker.CodeInvalid, "%s is missing", join(at, f.name)).In(join(at, f.name))
		}
	}
	return nil
}

func list(b []byte, v reflect.Value, at string) error {
	if b[0] != '[' {
		return refused(at, errors.New("it must be a list"))
	}
	for s := (scan{b: b, i: 1}); ; {
		val, more := s.item()
		if !more {
			return nil
		}
		most := MaxItems
		if own, ok := v.Interface().(interface{ Most() int }); ok {
			most = own.Most()
		}
		if v.Len() == most {
			return bunker.Errorf(bunker.CodeInvalid, "%s has more than %d items", at, most).In(at)
		}
		item := reflect.New(v.Type().Elem()).Elem()
		if err := value(val, item, at); err != nil {
			return err
		}
		v.Set(reflect.Append(v, item))
	}
}

func join(at, k string) string {
	if at == "" {
		return k
	}
	return at + "." + k
}

// field is a parameter or a part of a result.
type field struct {
	name     string
	index    []int
	optional bool
	doc      string
	of       reflect.Type
}

// orderedFields returns the JSON fields of a struct, those of embedded ones in
// their place.
func orderedFields(t reflect.Type) []field {
	var out []field
	for _, f := range reflect.VisibleFields(t) {
		tag := f.Tag.Get("json")
		n, opts, _ := strings.Cut(tag, ",")
		if f.Anonymous || n == "" || n == "-" || !f.IsExported() {
			continue
		}
		out = append(out, field{n, f.Index, strings.Contains(opts, "omit"), f.Tag.Get("doc"), f.Type})
	}
	return out
}

func fieldsOf(t reflect.Type) map[string]field {
	out := map[string]field{}
	for _, f := range orderedFields(t) {
		out[f.name] = f
	}
	return out
}

// wipe zeroes every secret in parameters.
func wipe(v reflect.Value) {
	switch {
	case v.Type() == reflect.TypeFor[secret.Param]():
		secret.Wipe(v.Bytes())
	case v.Kind() == reflect.Struct:
		for _, f := range orderedFields(v.Type()) {
			wipe(v.FieldByIndex(f.index))
		}
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct:
		for i := range v.Len() {
			wipe(v.Index(i))
		}
	}
}

// scan walks the members of one object or array of valid JSON, at i after its
// opening bracket.
type scan struct {
	b []byte
	i int
}

func (s *scan) member() (key, val []byte, more bool) {
	if !s.more() {
		return nil, nil, false
	}
	key = s.value()
	s.space()
	s.i++ // the colon
	s.space()
	return key, s.value(), true
}

func (s *scan) item() (val []byte, more bool) {
	if !s.more() {
		return nil, false
	}
	return s.value(), true
}

// more moves to the next member, false at the closing bracket.
func (s *scan) more() bool {
	s.space()
	if s.b[s.i] == ',' {
		s.i++
		s.space()
	}
	return s.b[s.i] != '}' && s.b[s.i] != ']'
}

func (s *scan) space() {
	for s.i < len(s.b) && strings.IndexByte(" \t\r\n", s.b[s.i]) >= 0 {
		s.i++
	}
}

// value returns the value that begins at i and moves behind it.
func (s *scan) value() []byte {
	from, depth := s.i, 0
	for ; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; c {
		case '"':
			for s.i++; s.b[s.i] != '"'; s.i++ {
				if s.b[s.i] == '\\' {
					s.i++
				}
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return s.b[from:s.i]
			}
			depth--
		case ',', ':', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return s.b[from:s.i]
			}
			continue
		default:
			continue
		}
		if depth == 0 {
			s.i++
			return s.b[from:s.i]
		}
	}
	return s.b[from:s.i]
}
