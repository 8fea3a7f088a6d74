package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// limit is one bound of the program. The table is in limits_table.go, which a
// test makes from the code and holds against it.
type limit struct {
	Name    string `json:"name"`
	Value   string `json:"value"`
	Where   string `json:"where"`
	Meaning string `json:"meaning"`
}

func (a *app) limitsCmd() *cobra.Command {
	var markdown bool
	cmd := &cobra.Command{
		Use: "limits", Short: "print every limit: sizes, counts, times", Args: args(),
		RunE: func(*cobra.Command, []string) error {
			table := limits()
			switch {
			case a.asJSON:
				return a.json(table)
			case markdown:
				return a.line(strings.TrimSuffix(limitsMarkdown(table), "\n"))
			}
			rows := make([][]string, 0, len(table))
			for _, l := range table {
				rows = append(rows, []string{l.Where, l.Name, l.Value, l.Meaning})
			}
			return a.table([]string{"WHERE", "LIMIT", "VALUE", "MEANING"}, rows)
		},
	}
	cmd.Flags().BoolVar(&markdown, "markdown", false, "as docs/limits.md has it")
	return cmd
}

// limitsMarkdown is docs/limits.md.
func limitsMarkdown(table []limit) string {
	var b strings.Builder
	b.WriteString("# Every limit\n\nMade from the code by `go test ./internal/cli -run TestLimits -update`; `nsecbunker limits` prints the same.\n" +
		"Everything is bounded: sizes, queues, retries, times. Each limit is a named constant where it holds.\n")
	where := ""
	for _, l := range table {
		if l.Where != where {
			where = l.Where
			fmt.Fprintf(&b, "\n## %s\n\n| Limit | Value | Meaning |\n|---|---|---|\n", where)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", l.Name, l.Value, strings.ReplaceAll(l.Meaning, "|", "\\|"))
	}
	return b.String()
}
