package nip04

import (
	"reflect"
	"unsafe"

	"nsecbunker/internal/secret"
)

// wipeCipher zeroes the object behind a cipher.Block or cipher.BlockMode: its key
// schedule begins with the key itself, and crypto/aes has no function to wipe it.
// An object that holds pointers (another implementation; a test looks) is left
// alone.
func wipeCipher(c any) {
	v := reflect.ValueOf(c)
	if v.Kind() == reflect.Pointer && plain(v.Type().Elem()) {
		secret.Wipe(unsafe.Slice((*byte)(v.UnsafePointer()), v.Type().Elem().Size()))
	}
}

// plain reports whether a type holds numbers only.
func plain(t reflect.Type) bool {
	switch k := t.Kind(); k {
	case reflect.Struct:
		for i := range t.NumField() {
			if !plain(t.Field(i).Type) {
				return false
			}
		}
		return true
	case reflect.Array:
		return plain(t.Elem())
	default:
		return k >= reflect.Bool && k <= reflect.Complex128 && k != reflect.Uintptr
	}
}
