package cli

import (
	"errors"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flagError is what is wrong with the flags of a command, and the way to its help.
// A value that cannot be read is said in our words: pflag's are those of Go's parsers.
func flagError(c *cobra.Command, err error) error {
	var bad *pflag.InvalidValueError
	if !errors.As(err, &bad) {
		return usageOf(c, "%s", err)
	}
	want := "its value cannot be read"
	switch f := bad.GetFlag(); f.Value.Type() {
	case "int", "int64", "uint32":
		want = "a number is wanted"
	case "bool":
		want = "true or false is wanted"
	case "duration":
		want = "a length of time is wanted, such as 30s or 2h"
	}
	return usageOf(c, "--%s: %q: %s", bad.GetFlag().Name, shown(bad.GetValue(), 60), want)
}
