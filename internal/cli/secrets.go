package cli

import (
	"bytes"
	"context"
	"errors"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/seal"
	"nsecbunker/internal/secret"
)

// Secrets that a command needs are typed one by one on a terminal. Elsewhere
// stdin holds them, one a line, in the order in which they would be asked for.

// nextSecret is the next secret of the command.
func (a *app) nextSecret(ctx context.Context, question string) (secret.Param, error) {
	if a.interactive() {
		return a.secret(ctx, question)
	}
	if !a.stdinRead {
		all, err := readAll(ctx, a.In, 4*secret.MaxParam)
		if err != nil {
			return nil, err
		}
		a.stdinAll, a.lines, a.stdinRead = all, all, true
	}
	line, rest, _ := bytes.Cut(a.lines, []byte("\n"))
	a.lines = rest
	line = bytes.TrimRight(line, "\r")
	if len(line) == 0 {
		return nil, fail("there is no terminal to ask on, and stdin does not hold it: %s", bytes.TrimRight([]byte(question), ":")).
			withHint("type the command on a terminal, or give what it asks for on stdin, one a line, in the order in which it asks")
	}
	return secret.Param(bytes.Clone(line)), nil
}

// newPassphrase is a new secret: asked for twice on a terminal, until it is good;
// else the next line of stdin.
func (a *app) newPassphrase(ctx context.Context, what string) (secret.Param, error) {
	if !a.interactive() {
		p, err := a.nextSecret(ctx, what+":")
		if err != nil {
			return nil, err
		}
		if err := seal.CheckPassphrase(p); err != nil {
			p.Wipe()
			return nil, err
		}
		return p, nil
	}
	for {
		first, err := a.secret(ctx, what+":")
		if err != nil {
			return nil, err
		}
		if why := seal.CheckPassphrase(first); why != nil {
			first.Wipe()
			a.say("%s", words(why))
			continue
		}
		second, err := a.secret(ctx, "Once more:")
		same := err == nil && bytes.Equal(first, second)
		second.Wipe()
		if same {
			return first, nil
		}
		first.Wipe()
		if err != nil {
			return nil, err
		}
		a.say("These were two different ones. Again, please.")
	}
}

// words is an error as people read it, begun with a capital letter by nobody.
func words(err error) string {
	var b *bunker.Error
	if errors.As(err, &b) {
		return shown(b.Words, maxShownError)
	}
	return shown(err.Error(), maxShownError)
}

// forget wipes what the run knows.
func (a *app) forget() {
	a.hangUp()
	secret.Wipe(a.stdinAll)
	a.proved.Wipe()
}
