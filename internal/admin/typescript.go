package admin

import (
	"encoding"
	"io"
	"reflect"
	"strconv"
	"strings"

	"nsecbunker/internal/bunker"
)

// WriteTypeScript writes the commands as types for the admin app: it is
// ui/src/lib/api/commands.ts. What the page sends and reads is checked against
// the table when it is built.
func WriteTypeScript(w io.Writer, t *Table) error {
	out := &sticky{w: w}
	out.printf("%s", typescriptHead)
	for _, c := range t.Commands() {
		out.printf("\n  /** %s */\n  %s: {\n    params: %s;\n    result: %s;\n  };\n",
			comment(c.Summary), strconv.Quote(c.Name), tsObject(c.params, "    "), tsObject(c.result, "    "))
	}
	out.printf("}\n\nexport const commands = {\n")
	for _, c := range t.Commands() {
		var doors []string
		for _, d := range c.Doors {
			doors = append(doors, strconv.Quote(string(d)))
		}
		out.printf("  %s: { role: %q, dangerous: %t, whileSealed: %t, writes: %t, doors: [%s] },\n",
			strconv.Quote(c.Name), c.Role, c.Dangerous, c.WhileSealed, c.Writes, strings.Join(doors, ", "))
	}
	out.printf("} as const satisfies Record<keyof Commands, Row>;\n")
	return out.err
}

const typescriptHead = `// Generated from the table of commands (internal/admin); do not edit.
// ` + "`go test ./internal/admin -update`" + ` writes it anew.

export type Role = "viewer" | "approver" | "operator" | "owner";

/** What the table says of a command besides its types. */
export interface Row {
  role: Role | "none";
  /** It needs the admin's signature over the command itself. */
  dangerous: boolean;
  whileSealed: boolean;
  writes: boolean;
  doors: readonly string[];
}

/** Every command with the shapes of its parameters and its result. Times are RFC 3339 texts, durations texts such as "90m". */
export interface Commands {`

func comment(s string) string { return strings.ReplaceAll(s, "*/", "*\u200b/") }

// tsObject writes a struct as an object type.
func tsObject(t reflect.Type, indent string) string {
	list := orderedFields(t)
	if len(list) == 0 {
		return "Record<string, never>"
	}
	var b strings.Builder
	b.WriteString("{\n")
	for _, f := range list {
		if f.doc != "" {
			b.WriteString(indent + "  /** " + comment(f.doc) + " */\n")
		}
		b.WriteString(indent + "  " + f.name)
		if f.optional {
			b.WriteString("?")
		}
		b.WriteString(": " + tsType(f.of, indent+"  ") + ";\n")
	}
	b.WriteString(indent + "}")
	return b.String()
}

// tsType writes any type of the table.
func tsType(t reflect.Type, indent string) string {
	switch t {
	case reflect.TypeFor[bunker.Role]():
		return "Role"
	case reflect.TypeFor[bunker.Effect]():
		return `"deny" | "ask" | "allow"`
	}
	if t.Kind() == reflect.Pointer {
		return tsType(t.Elem(), indent)
	}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) || t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
		return "string"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "boolean"
	case reflect.Int, reflect.Int64, reflect.Uint32, reflect.Uint64, reflect.Uint8, reflect.Uint16, reflect.Int32:
		return "number"
	case reflect.Slice:
		item := tsType(t.Elem(), indent)
		if strings.ContainsAny(item, "| ") && !strings.HasPrefix(item, "{") {
			item = "(" + item + ")"
		}
		return item + "[]"
	case reflect.Map:
		return "Record<string, " + tsType(t.Elem(), indent) + ">"
	case reflect.Struct:
		return tsObject(t, indent)
	case reflect.Interface:
		return "unknown"
	}
	return "string"
}
