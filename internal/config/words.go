package config

import (
	"regexp"
	"strings"
)

// wrongType is what the TOML reader says of a value of another type than its
// setting has: in the words of Go, which nobody who writes a configuration knows.
var wrongType = regexp.MustCompile(`^cannot decode TOML (\S+) into .*?(\S+)$`)

// valueWords is what the TOML reader says of a value, in words of the person who
// wrote it.
func valueWords(said string) string {
	m := wrongType.FindStringSubmatch(said)
	if m == nil {
		return said
	}
	want := "a value as `nsecbunker config` prints it"
	switch {
	case m[2] == "string":
		want = "text in quotes"
	case m[2] == "bool":
		want = "true or false"
	case m[2] == "[]string":
		want = `a list of texts, such as ["…", "…"]`
	case strings.HasPrefix(m[2], "int"), strings.HasPrefix(m[2], "uint"):
		want = "a number"
	}
	return want + " is wanted here, not " + m[1]
}
