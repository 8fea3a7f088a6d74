package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"nsecbunker/internal/bunker"
)

// failure is an error as people see it: what happened, and what to type next.
type failure struct {
	words string
	hint  string
	code  int    // the exit code
	class string // for scripts
	field string // the parameter that was refused, for scripts
	cause error
}

func (f *failure) Error() string { return f.words }
func (f *failure) Unwrap() error { return f.cause }

func (f *failure) withHint(format string, args ...any) *failure {
	f.hint = fmt.Sprintf(format, args...)
	return f
}

// fail makes an error of exit code 1.
func fail(format string, args ...any) *failure {
	err := fmt.Errorf(format, args...)
	return &failure{words: err.Error(), code: exitFailed, class: "error", cause: errors.Unwrap(err)}
}

// usage makes an error of exit code 2.
func usage(format string, args ...any) *failure {
	return &failure{words: fmt.Sprintf(format, args...), code: exitUsage, class: "usage"}
}

// usageOf is usage with the way to a command's help.
func usageOf(c *cobra.Command, format string, args ...any) *failure {
	return usage(format, args...).withHint("%s --help", c.CommandPath())
}

// finish tells the error, if there is one, and returns the exit code.
func (a *app) finish(err error) int {
	if err == nil {
		return exitOK
	}
	f := hidden(explain(err))
	noted := f.class == string(bunker.CodeWaits) // nothing went wrong
	if a.asJSON {
		body := map[string]string{"code": f.class, "words": f.words}
		if f.hint != "" {
			body["hint"] = f.hint
		}
		if f.field != "" {
			body["field"] = f.field
		}
		e := json.NewEncoder(a.Err)
		e.SetEscapeHTML(false)
		kind := "error"
		if noted {
			kind = "noted"
		}
		if e.Encode(map[string]any{kind: body}) == nil {
			return f.code
		}
	}
	if noted {
		a.say("Noted: %s", f.words)
	} else {
		a.say("error: %s", f.words)
	}
	if f.hint != "" {
		a.say("hint: %s", f.hint)
	}
	return f.code
}

// explain turns any error into one for people.
func explain(err error) *failure {
	var f *failure
	if errors.As(err, &f) {
		return f
	}
	var b *bunker.Error
	if errors.As(err, &b) {
		f := &failure{
			words: shown(b.Words, maxShownError), hint: shown(b.Hint, maxShownError), field: shown(b.Field, 100),
			code: exitFailed, class: string(b.Code), cause: err,
		}
		if b.Code == bunker.CodeWaits {
			f.code = exitWaits
		}
		return f
	}
	if errors.Is(err, context.Canceled) {
		return &failure{words: "interrupted; nothing more was done", code: exitFailed, class: "interrupted", cause: err}
	}
	return &failure{words: shown(err.Error(), maxShownError), code: exitFailed, class: "error", cause: err}
}

// maxShownError is the longest error that is shown, in characters.
const maxShownError = 2000
