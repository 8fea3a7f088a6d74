package cli

import "github.com/spf13/cobra"

// someOf refuses 0 and less of options that are numbers of things: left out, some of them
// mean that there is no bound, and a 0 that somebody typed never does.
func someOf(cmd *cobra.Command, options ...string) error {
	for _, name := range options {
		if !cmd.Flags().Changed(name) {
			continue
		}
		if n, err := cmd.Flags().GetInt64(name); err != nil || n < 1 {
			return usageOf(cmd, "--%s is a number from 1 on", name)
		}
	}
	return nil
}
