package seal

import (
	"bytes"
	"context"
	"path/filepath"
	"time"

	"nsecbunker/internal/secret"
)

const (
	// CommandTimeout is how long an external command may take.
	CommandTimeout = 30 * time.Second
	// MaxCommandOutput is the most bytes that an external command may print.
	MaxCommandOutput = 4096
	// MaxCommandName is the most bytes of the name of a command.
	MaxCommandName = 64
)

// commandEnv is all that an external command finds in its environment: nothing of
// the bunker's own, which may hold secrets. What it needs beyond that, it sets
// itself (a script, or env as its first word).
func commandEnv() []string {
	return []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"}
}

// runCommand runs a command of the configuration, without a shell, and returns
// what it prints without the line end. The words come from the configuration,
// never from the store: who can write to the data file must not be able to run
// programs.
func (s *Slots) runCommand(ctx context.Context, name string) ([]byte, error) {
	argv := s.cfg.Commands[name]
	if len(argv) == 0 {
		return nil, refuse("the configuration has no seal command %q; add it under [commands] in config.toml", name)
	}
	if !filepath.IsAbs(argv[0]) {
		return nil, refuse("the seal command %q must be given with its whole path; %q is not", name, argv[0])
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.CommandTimeout)
	defer cancel()
	out := make([]byte, MaxCommandOutput+1)
	n, err := runProgram(ctx, program{argv: argv, env: commandEnv()}, out)
	if err != nil {
		secret.Wipe(out)
		return nil, refuse("the seal command %q failed: %s; run it by hand as the bunker's user to see why", name, err).WithCause(err)
	}
	trimmed := bytes.TrimRight(out[:n], "\r\n")
	if len(trimmed) < MinKeyMaterial {
		secret.Wipe(out)
		return nil, refuse("the seal command %q printed %d bytes; at least %d are needed", name, len(trimmed), MinKeyMaterial)
	}
	return trimmed, nil
}
