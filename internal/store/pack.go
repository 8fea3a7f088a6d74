package store

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"unsafe"
)

// pack writes a struct of strings, numbers, flags, bytes, arrays of bytes, and of
// slices and structs of these, as one string; unpack reads it back, and its
// strings are parts of that string. So what is kept of a client takes a third of the memory, and one piece of it
// instead of twenty. The types say what is in it, so a new field is kept, too.
func pack(v any) string { return string(appendPacked(nil, reflect.ValueOf(v).Elem())) }

func appendPacked(dst []byte, v reflect.Value) []byte {
	switch v.Kind() {
	case reflect.String:
		dst = binary.AppendUvarint(dst, uint64(v.Len()))
		return append(dst, v.String()...)
	case reflect.Bool:
		if v.Bool() {
			return append(dst, 1)
		}
		return append(dst, 0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return binary.AppendVarint(dst, v.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return binary.AppendUvarint(dst, v.Uint())
	case reflect.Array: // of bytes: mostly 32
		if v.IsZero() {
			return append(dst, 0)
		}
		return append(append(dst, 1), v.Bytes()...)
	case reflect.Struct:
		for i := range v.NumField() {
			dst = appendPacked(dst, v.Field(i))
		}
		return dst
	case reflect.Pointer:
		if v.IsNil() {
			return append(dst, 0)
		}
		return appendPacked(append(dst, 1), v.Elem())
	case reflect.Slice:
		if v.IsNil() {
			return append(dst, 0)
		}
		dst = binary.AppendUvarint(dst, uint64(v.Len())+1)
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return append(dst, v.Bytes()...)
		}
		for i := range v.Len() {
			dst = appendPacked(dst, v.Index(i))
		}
		return dst
	}
	panic(fmt.Sprintf("store: a view cannot be packed: %s", v.Type())) // a bug: TestViewsArePacked finds it
}

// unpack fills what v points at.
func unpack(s string, v any) {
	p := packed{s}
	p.read(reflect.ValueOf(v).Elem())
}

// packed is the rest of a packed struct. It was written by this process.
type packed struct{ s string }

func (p *packed) uint() uint64 {
	n, size := binary.Uvarint(unsafe.Slice(unsafe.StringData(p.s), len(p.s)))
	p.s = p.s[size:]
	return n
}

func (p *packed) int() int64 {
	n, size := binary.Varint(unsafe.Slice(unsafe.StringData(p.s), len(p.s)))
	p.s = p.s[size:]
	return n
}

func (p *packed) cut(n int) (s string) {
	s, p.s = p.s[:n], p.s[n:]
	return s
}

func (p *packed) read(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(p.cut(int(p.uint())))
	case reflect.Bool:
		v.SetBool(p.cut(1) == "\x01")
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(p.int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(p.uint())
	case reflect.Array:
		if p.cut(1) == "\x01" {
			copy(v.Bytes(), p.cut(v.Len()))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			p.read(v.Field(i))
		}
	case reflect.Pointer:
		if p.cut(1) == "\x01" {
			v.Set(reflect.New(v.Type().Elem()))
			p.read(v.Elem())
		}
	case reflect.Slice:
		n := int(p.uint()) - 1
		if n < 0 {
			return
		}
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte(p.cut(n)))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			p.read(v.Index(i))
		}
	}
}
