package admin

import (
	"fmt"
	"io"
	"strings"

	"nsecbunker/internal/bunker"
)

// WriteReference writes the reference of every command as Markdown: it is
// docs/commands.md.
func WriteReference(w io.Writer, t *Table) error {
	out := &sticky{w: w}
	out.printf("# Commands\n\n%s\n", referenceHead)
	for _, c := range t.Commands() {
		out.printf("\n## %s\n\n%s\n\n%s.\n", c.Name, c.Summary, conditions(c))
		fields(out, "Parameters", c.Params())
		fields(out, "Result", c.Result())
	}
	return out.err
}

const referenceHead = `Generated from the table of commands (internal/admin); do not edit. ` + "`go test ./internal/admin -update`" + ` writes it anew.

Everything that an administrator can do is one of these commands, whatever door it comes by. The command line calls them over the
unix socket in the data folder, one JSON object a line:

` + "```" + `
{"id":1,"cmd":"key.add","params":{"name":"herald"}}
{"id":1,"result":{"key":{"id":"k…","name":"herald","npub":"npub1…"}}}
` + "```" + `

Roles, each with the rights of those before it: viewer, approver, operator, owner. A command that is marked *dangerous* needs a fresh
proof with it: over the socket ` + "`\"proof\":\"…\"`" + `, the bunker's passphrase; over relays
the admin's signature over the command ([the admin protocol](admin-protocol.md)). A parameter that a command does not have, one that is given
twice, and one that is missing are refused by name. Times are RFC 3339 texts, durations texts such as "90m", "36h", "7d".
Where a result has ` + "`next`" + `, the list goes on: call again with it as ` + "`after`" + `.

Each command that changes something is one transaction together with its audit record: no record, no change.`

func conditions(c *Command) string {
	parts := []string{"Role: " + c.Role.String()}
	var doors []string
	for _, d := range c.Doors {
		switch d {
		case bunker.DoorSystem:
			doors = append(doors, "the bunker itself")
		default:
			doors = append(doors, string(d))
		}
	}
	parts = append(parts, "doors: "+strings.Join(doors, ", "))
	if c.Dangerous {
		parts = append(parts, "**dangerous**")
	}
	if c.WhileSealed {
		parts = append(parts, "works while sealed")
	}
	if c.House {
		parts = append(parts, "of a hosted instance's provider only")
	}
	if c.Machine {
		parts = append(parts, "not for a bunker that others host")
	}
	if c.Writes {
		parts = append(parts, "writes")
	}
	return strings.Join(parts, "; ")
}

func fields(w *sticky, title string, list []Field) {
	if len(list) == 0 {
		return
	}
	w.printf("\n%s:\n\n", title)
	bullets(w, "", list)
}

func bullets(w *sticky, indent string, list []Field) {
	for _, f := range list {
		w.printf("%s- `%s` (%s", indent, f.Name, f.Type)
		if f.Optional {
			w.printf(", optional")
		}
		w.printf(")")
		if f.Doc != "" {
			w.printf(": %s", f.Doc)
		}
		w.printf("\n")
		bullets(w, indent+"  ", f.Fields)
	}
}

// sticky keeps the first error of a writer.
type sticky struct {
	w   io.Writer
	err error
}

func (s *sticky) printf(format string, args ...any) {
	if s.err == nil {
		_, s.err = fmt.Fprintf(s.w, format, args...)
	}
}
