package cli

import (
	"reflect"
	"time"

	"github.com/spf13/cobra"

	"nsecbunker/internal/config"
)

func (a *app) configCmd() *cobra.Command {
	return &cobra.Command{
		Use: "config", Short: "print the configuration with what each setting means", Args: args(),
		Long: "Prints the configuration of the data folder as it holds now, each setting with what it means. Save it as config.toml in the data folder to change it.",
		RunE: func(*cobra.Command, []string) error { return a.printConfig() },
	}
}

func (a *app) printConfig() error {
	dir, err := a.dataDir()
	if err != nil {
		return err
	}
	c, err := config.Load(dir)
	if err != nil {
		return fail("%w", err)
	}
	if !a.asJSON {
		b, err := c.Print()
		if err != nil {
			return err
		}
		_, err = a.Out.Write(b)
		return err
	}
	out := map[string]any{}
	v := reflect.ValueOf(c)
	for i := range v.NumField() {
		value := v.Field(i).Interface()
		if d, ok := value.(config.Duration); ok {
			value = time.Duration(d).String()
		}
		out[v.Type().Field(i).Tag.Get("toml")] = value
	}
	return a.json(out)
}

func (a *app) completionCmd() *cobra.Command {
	return &cobra.Command{
		Use: "completion bash|zsh|fish", Short: "print what makes a shell complete commands, keys and apps", Args: args("SHELL"),
		Long: `Prints a script that teaches a shell to complete commands, and the names of keys, apps and questions of the running bunker:

  bash   source <(nsecbunker completion bash)
  zsh    nsecbunker completion zsh > "${fpath[1]}/_nsecbunker"
  fish   nsecbunker completion fish > ~/.config/fish/completions/nsecbunker.fish`,
		ValidArgs: []string{"bash", "zsh", "fish"},
		RunE: func(cmd *cobra.Command, args []string) error {
			switch args[0] {
			case "bash":
				return cmd.Root().GenBashCompletionV2(a.Out, true)
			case "zsh":
				return cmd.Root().GenZshCompletion(a.Out)
			case "fish":
				return cmd.Root().GenFishCompletion(a.Out, true)
			}
			return usageOf(cmd, "there is no completion for %q: bash, zsh, fish", shown(args[0], 30))
		},
	}
}
