package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"nsecbunker/internal/describe"
)

// groupsOnly marks commands that do nothing but hold others.
const groupsOnly = "groups only"

// setHelp has every command below root print its help as below: no line is wider
// than a terminal, and what is the same everywhere is said once.
func setHelp(root *cobra.Command) {
	root.SetHelpFunc(func(c *cobra.Command, _ []string) {
		text := c.Long
		if text == "" {
			text = c.Short
		}
		out := c.OutOrStdout()
		for _, line := range paragraphs(text) {
			fmt.Fprintln(out, line)
		}
		fmt.Fprintln(out)
		writeUsage(out, c)
	})
	root.SetUsageFunc(func(c *cobra.Command) error {
		writeUsage(c.OutOrStderr(), c)
		return nil
	})
}

// writeUsage prints how a command is called, what is below it, and its flags.
func writeUsage(out io.Writer, c *cobra.Command) {
	say := func(text string) {
		for _, line := range hanging(text) {
			fmt.Fprintln(out, line)
		}
	}
	say("Usage:")
	if c.Runnable() && c.Annotations[groupsOnly] == "" {
		say("  " + c.UseLine())
	}
	if c.HasAvailableSubCommands() {
		say("  " + c.CommandPath() + " [command]")
		for _, g := range below(c) {
			say("\n" + g.title)
			for _, sub := range g.commands {
				say(fmt.Sprintf("  %-*s  %s", g.widest, sub.Name(), sub.Short))
			}
		}
	}
	root := c.Root()
	own, above := c.LocalFlags(), pflag.NewFlagSet("", pflag.ContinueOnError)
	var everywhere []string
	c.InheritedFlags().VisitAll(func(f *pflag.Flag) {
		if root.PersistentFlags().Lookup(f.Name) == nil {
			above.AddFlag(f)
		} else if !f.Hidden && (here(f.Name) || !staysHere(c)) {
			everywhere = append(everywhere, "--"+f.Name)
		}
	})
	writeFlags(out, "Flags:", own)
	if c.HasParent() {
		writeFlags(out, "Flags of "+c.Parent().CommandPath()+":", above)
	}
	if len(everywhere) > 0 {
		say("\nFlags of every command (nsecbunker --help): " + strings.Join(everywhere, ", "))
	}
	if c.HasAvailableSubCommands() {
		say(fmt.Sprintf("\nMore about one of them: %s [command] --help", c.CommandPath()))
	}
}

// writeFlags prints a title and flags, if there are any.
func writeFlags(out io.Writer, title string, flags *pflag.FlagSet) {
	if flags.HasAvailableFlags() {
		fmt.Fprintf(out, "\n%s\n%s", title, flags.FlagUsagesWrapped(columns))
	}
}

// here reports flags that mean something where --remote does not.
func here(flag string) bool { return flag == "data" || flag == "json" }

// listing is a title with the commands below it.
type listing struct {
	title    string
	commands []*cobra.Command
	widest   int // of their names
}

// below lists the commands below c by their groups, those without one last.
func below(c *cobra.Command) []listing {
	rest := "Available Commands:"
	if len(c.Groups()) > 0 {
		rest = "Additional Commands:"
	}
	var out []listing
	for _, g := range append(slices.Clone(c.Groups()), &cobra.Group{Title: rest}) {
		l := listing{title: g.Title}
		for _, sub := range c.Commands() {
			if sub.GroupID == g.ID && (sub.IsAvailableCommand() || sub.Name() == "help") {
				l.commands = append(l.commands, sub)
			}
		}
		if len(l.commands) > 0 {
			out = append(out, l)
		}
	}
	widest := 0
	for _, sub := range c.Commands() {
		widest = max(widest, len(sub.Name()))
	}
	for i := range out {
		out[i].widest = widest
	}
	return out
}

// paragraphs fits a text into the columns of a terminal: lines that begin with a
// space are rows of a table, or commands, and stay lines; the others flow.
func paragraphs(text string) []string {
	var out []string
	flow := ""
	flush := func() {
		if flow != "" {
			out = append(out, describe.Wrap(flow, columns)...)
			flow = ""
		}
	}
	for _, line := range strings.Split(text, "\n") {
		switch {
		case line == "" || strings.HasPrefix(line, " "):
			flush()
			out = append(out, hanging(line)...)
		case flow == "":
			flow = line
		default:
			flow += " " + line
		}
	}
	flush()
	return out
}

// hanging breaks lines that are too wide. What follows of a row of a table stands
// below its last column.
func hanging(text string) []string {
	var out []string
	for _, line := range strings.Split(text, "\n") {
		indent := len(line) - len(strings.TrimLeft(line, " "))
		if i := strings.LastIndex(line, "  "); i > indent {
			indent = i + 2
		}
		if describe.Columns(line) <= columns || indent > columns/2 {
			out = append(out, describe.Wrap(line, columns)...)
			continue
		}
		for i, l := range describe.Wrap(line[indent:], columns-describe.Columns(line[:indent])) {
			if i == 0 {
				out = append(out, line[:indent]+l)
			} else {
				out = append(out, strings.Repeat(" ", describe.Columns(line[:indent]))+l)
			}
		}
	}
	return out
}
