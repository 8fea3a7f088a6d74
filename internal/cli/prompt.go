package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/term"

	"nsecbunker/internal/secret"
)

// maxInput is the most bytes that are read from stdin: a line, a secret, an
// event, a text.
const maxInput = 1 << 20

// terminal returns stdin when a person sits there.
func (s Streams) terminal() (*os.File, bool) {
	f, isFile := s.In.(*os.File)
	if !isFile || !term.IsTerminal(int(f.Fd())) {
		return nil, false
	}
	return f, true
}

// interactive reports whether questions can be asked.
func (s Streams) interactive() bool {
	_, ok := s.terminal()
	return ok
}

// errNoTerminal is what asking without a person ends in.
var errNoTerminal = errors.New("there is no terminal to ask on")

// ask puts a question and reads one line, without the spaces around it.
func (s Streams) ask(ctx context.Context, question string) (string, error) {
	f, ok := s.terminal()
	if !ok {
		return "", errNoTerminal
	}
	line, err := readTerminal(ctx, f, true, func() { s.question(question) })
	s.endLine(err)
	return strings.TrimSpace(string(line)), err
}

func (s Streams) question(text string) { fmt.Fprintf(s.Err, "%s ", text) }

// endLine ends the line of a question that was not answered.
func (s Streams) endLine(err error) {
	if err != nil {
		s.say("")
	}
}

// yesNo asks a question whose answer is no unless y is typed.
func (s Streams) yesNo(ctx context.Context, question string) (bool, error) {
	answer, err := s.ask(ctx, question+" [y/N]")
	return strings.EqualFold(answer, "y") || strings.EqualFold(answer, "yes"), err
}

// confirm asks for a word to be typed, for what cannot be undone.
func (a *app) confirm(ctx context.Context, what, word string) error {
	if a.yes {
		return nil
	}
	got, err := a.ask(ctx, fmt.Sprintf("%s\nType %s to go on:", what, word))
	switch {
	case errors.Is(err, errNoTerminal):
		return fail("this needs a yes, and there is no terminal to type it on. %s", what).withHint("add --yes if it is meant")
	case err != nil:
		return err
	case got != word:
		return fail("nothing was done: %s was not typed", word)
	}
	return nil
}

// confirmOf is confirm about something that one of the bunker's commands shows: nobody is asked
// about what there is not.
func (a *app) confirmOf(ctx context.Context, command string, params any, what, word string) error {
	if a.yes {
		return nil // the act itself finds out
	}
	if err := a.call(ctx, command, params, nil); err != nil {
		return err
	}
	return a.confirm(ctx, what, word)
}

// confirmAmong is confirmOf about something that only a list of the bunker's shows.
func (a *app) confirmAmong(ctx context.Context, command, field string, is func(json.RawMessage) bool, none *failure, what, word string) error {
	if a.yes {
		return nil
	}
	rows, err := a.pages(ctx, command, field, nil, maxRows)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(rows, is) {
		return none
	}
	return a.confirm(ctx, what, word)
}

// secret reads a secret: without echo from a terminal, else all of stdin but
// line ends behind it. The caller wipes it.
func (s Streams) secret(ctx context.Context, question string) (secret.Param, error) {
	if f, ok := s.terminal(); ok {
		b, err := readTerminal(ctx, f, false, func() { s.question(question) })
		s.endLine(err)
		return secret.Param(b), err
	}
	b, err := readAll(ctx, s.In, secret.MaxParam)
	return secret.Param(bytes.TrimRight(b, "\r\n")), err
}

// stdin reads all of it, for texts and documents.
func (s Streams) stdin(ctx context.Context) ([]byte, error) { return readAll(ctx, s.In, maxInput) }

// readAll reads at most limit bytes, in a buffer that does not grow, so that a
// secret is in one place only.
func readAll(ctx context.Context, r io.Reader, limit int) ([]byte, error) {
	type result struct {
		b   []byte
		err error
	}
	done := make(chan result, 1) // a read of a pipe cannot be called off; the process ends soon
	go func() {
		b := make([]byte, limit+1)
		n, err := io.ReadFull(r, b)
		switch {
		case err == nil:
			secret.Wipe(b)
			done <- result{nil, fmt.Errorf("the input is longer than %d bytes", limit)}
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			done <- result{b[:n], nil}
		default:
			secret.Wipe(b)
			done <- result{nil, fmt.Errorf("reading stdin: %w", err)}
		}
	}()
	select {
	case got := <-done:
		return got.b, got.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// readSecretFile reads a passphrase from a file: everything but the line ends
// behind it. The caller wipes it.
func readSecretFile(path string) (secret.Param, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the passphrase: %w", err)
	}
	defer f.Close()
	b, err := readAll(context.Background(), f, secret.MaxParam)
	if err != nil {
		return nil, fmt.Errorf("reading the passphrase: %w", err)
	}
	b = bytes.TrimRight(b, "\r\n")
	if len(b) == 0 {
		return nil, fmt.Errorf("the passphrase file %s is empty", path)
	}
	return secret.Param(b), nil
}
