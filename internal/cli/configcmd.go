package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"time"

	"github.com/spf13/cobra"

	"nsecbunker/internal/config"
)

func (a *app) configCmd() *cobra.Command {
	var write bool
	cmd := &cobra.Command{
		Use: "config", Short: "print the configuration with what each setting means", Args: args(),
		Long: `Prints the configuration of the data folder as it holds now, each setting with what it means.

--write writes it to config.toml in the data folder, to be edited there; a copy of the old file is kept beside it. Do not redirect
the output to that config.toml: the shell empties the file before it is read, and its settings are lost.

A running bunker reads it at its next start.`,
		RunE: func(*cobra.Command, []string) error {
			if write {
				return a.writeConfig()
			}
			return a.printConfig()
		},
	}
	cmd.Flags().BoolVar(&write, "write", false, "write it to config.toml in the data folder")
	return cmd
}

// writeConfig puts the annotated configuration, with the values that hold, in the
// place of config.toml.
func (a *app) writeConfig() error {
	dir, err := a.dataDir()
	if err != nil {
		return err
	}
	path := filepath.Join(dir, config.File)
	info, err := os.Lstat(path)
	switch {
	case err == nil && !info.Mode().IsRegular():
		return fail("%s is no regular file; it is left as it is", path).withHint("print the configuration and put it in place yourself: nsecbunker config")
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return fail("%w", err)
	}
	c, err := config.Load(dir)
	if err != nil {
		return fail("%w", err)
	}
	b, err := c.Print()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fail("%w", err)
	}
	kept := ""
	if info != nil {
		if kept, err = a.keepConfig(path); err != nil {
			return fail("nothing was written: keeping a copy of the old configuration: %w", err)
		}
	}
	if err := replaceFile(path, b); err != nil {
		return fail("nothing was written: %w", err)
	}
	if kept != "" {
		a.say("The old one is kept as %s.", kept)
	}
	a.say("Written. Edit it; a running bunker reads it at its next start.")
	if a.asJSON {
		return a.json(map[string]string{"path": path, "kept": kept})
	}
	return a.line(path)
}

// keepConfig copies the configuration beside itself, under a name of this second.
func (a *app) keepConfig(path string) (string, error) {
	old, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	kept := path + "." + a.now().Format("20060102-150405")
	return kept, writeNew(kept, old)
}

// emptiedByShell reports output that goes to the configuration file itself.
func (a *app) emptiedByShell(dir string) bool {
	f, ok := a.Out.(*os.File)
	if !ok {
		return false
	}
	out, err := f.Stat()
	if err != nil {
		return false
	}
	file, err := os.Stat(filepath.Join(dir, config.File))
	return err == nil && os.SameFile(out, file)
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
	if a.emptiedByShell(dir) {
		a.say("warning: the shell emptied %s before it was read: it gets the defaults. Next time: nsecbunker config --write", filepath.Join(dir, config.File))
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
