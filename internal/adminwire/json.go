package adminwire

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// maxDepth is how deep a message nests at most.
const maxDepth = 32

// maxNumber is the largest whole number that every reader of JSON keeps.
const maxNumber = 1<<53 - 1

var errShape = errors.New("the message is no JSON object of the protocol")

// object is the members of a JSON object. The values are parts of the message:
// nothing is copied, so that who wipes the message wipes what it held.
type object struct {
	members map[string][]byte
	err     error
	read    int
}

// parse reads a message.
func parse(b []byte) *object {
	if len(b) > MaxPlaintext {
		return &object{err: fmt.Errorf("the message is longer than %d bytes", MaxPlaintext)}
	}
	return parseObject(b)
}

func parseObject(b []byte) *object {
	s := scanner{b: b}
	members, err := s.top()
	return &object{members: members, err: err}
}

// fail notes the first trouble.
func (o *object) fail(name, why string) {
	if o.err == nil {
		o.err = fmt.Errorf("%s %s", name, why)
	}
}

// take returns a member; nil when it is absent or null.
func (o *object) take(name string) []byte {
	v, ok := o.members[name]
	if !ok {
		return nil
	}
	o.read++
	if string(v) == "null" {
		return nil
	}
	return v
}

// end returns the first trouble, which may be a member that nobody read.
func (o *object) end() error {
	if o.err == nil && o.read != len(o.members) {
		o.err = errors.New("the message has a field that the protocol does not have")
	}
	return o.err
}

// str reads a text of at most limit bytes.
func (o *object) str(name string, limit int) string {
	v := o.take(name)
	if v == nil {
		return ""
	}
	var s string
	if v[0] != '"' || json.Unmarshal(v, &s) != nil {
		o.fail(name, "is no text")
	} else if len(s) > limit {
		o.fail(name, fmt.Sprintf("is longer than %d bytes", limit))
		s = ""
	}
	return s
}

// num reads a whole number from 0 on.
func (o *object) num(name string) int64 {
	v := o.take(name)
	if v == nil {
		return 0
	}
	n, err := strconv.ParseInt(string(v), 10, 64)
	if err != nil || n < 0 || n > maxNumber {
		o.fail(name, "is no whole number from 0 on")
		return 0
	}
	return n
}

func (o *object) flag(name string) bool {
	switch v := o.take(name); string(v) {
	case "true":
		return true
	case "false", "":
	default:
		o.fail(name, "is neither true nor false")
	}
	return false
}

// bytes reads exactly len(dst) bytes in lower-case hexadecimal and reports
// whether they are there.
func (o *object) bytes(name string, dst []byte, optional bool) bool {
	v := o.take(name)
	if v == nil {
		if !optional {
			o.fail(name, "is missing")
		}
		return false
	}
	if len(v) != 2*len(dst)+2 || v[0] != '"' || !lowerHex(v[1:len(v)-1]) {
		o.fail(name, fmt.Sprintf("is not %d bytes in lower-case hexadecimal", len(dst)))
		return false
	}
	_, err := hex.Decode(dst, v[1:len(v)-1])
	return err == nil
}

func lowerHex(b []byte) bool {
	for _, c := range b {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// raw returns an object as it stands; nil when it is absent.
func (o *object) raw(name string) []byte {
	v := o.take(name)
	if v != nil && v[0] != '{' {
		o.fail(name, "is no object")
		return nil
	}
	return v
}

// items returns the values of a list.
func (o *object) items(name string, limit int) [][]byte {
	v := o.take(name)
	if v == nil {
		return nil
	}
	if v[0] != '[' {
		o.fail(name, "is no list")
		return nil
	}
	s := scanner{b: v}
	list, err := s.items()
	if err != nil || len(list) > limit {
		o.fail(name, fmt.Sprintf("is no list of at most %d", limit))
		return nil
	}
	return list
}

func (o *object) texts(name string, limit, longest int) []string {
	var out []string
	for _, v := range o.items(name, limit) {
		var s string
		if v[0] != '"' || json.Unmarshal(v, &s) != nil || len(s) > longest {
			o.fail(name, "holds what is no short text")
			return nil
		}
		out = append(out, s)
	}
	return out
}

func (o *object) nums(name string, limit int) []int64 {
	var out []int64
	for _, v := range o.items(name, limit) {
		n, err := strconv.ParseInt(string(v), 10, 64)
		if err != nil || n < 0 || n > maxNumber {
			o.fail(name, "holds what is no whole number")
			return nil
		}
		out = append(out, n)
	}
	return out
}
