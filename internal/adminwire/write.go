package adminwire

import (
	"encoding/hex"
	"strconv"
)

// writer builds a message, member by member.
type writer struct{ b []byte }

func write(kind string) *writer {
	w := &writer{b: append(make([]byte, 0, 1024), '{')}
	w.num("v", Version)
	w.text("type", kind)
	return w
}

func (w *writer) name(n string) {
	if len(w.b) > 1 {
		w.b = append(w.b, ',')
	}
	w.b = append(append(append(w.b, '"'), n...), '"', ':')
}

func (w *writer) num(n string, v int64) {
	w.name(n)
	w.b = strconv.AppendInt(w.b, v, 10)
}

func (w *writer) text(n, v string) {
	w.name(n)
	w.b = appendText(w.b, []byte(v))
}

// some writes a text that may be left out.
func (w *writer) some(n, v string) {
	if v != "" {
		w.text(n, v)
	}
}

func (w *writer) flag(n string, v bool) {
	w.name(n)
	w.b = strconv.AppendBool(w.b, v)
}

func (w *writer) hex(n string, v []byte) {
	w.name(n)
	w.b = append(w.b, '"')
	w.b = hex.AppendEncode(w.b, v)
	w.b = append(w.b, '"')
}

// raw writes JSON as it stands; nil is null.
func (w *writer) raw(n string, v []byte) {
	w.name(n)
	if v == nil {
		v = []byte("null")
	}
	w.b = append(w.b, v...)
}

func (w *writer) nums(n string, list []int64) {
	w.name(n)
	w.b = append(w.b, '[')
	for i, v := range list {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.b = strconv.AppendInt(w.b, v, 10)
	}
	w.b = append(w.b, ']')
}

func (w *writer) texts(n string, list []string) {
	w.name(n)
	w.b = append(w.b, '[')
	for i, v := range list {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.b = appendText(w.b, []byte(v))
	}
	w.b = append(w.b, ']')
}

func (w *writer) end() []byte { return append(w.b, '}') }
