package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
)

// Caller sends commands to the running bunker.
type Caller interface {
	// Call runs a command of the admin table. params is a JSON object; passphrase,
	// when not nil, is the fresh proof that dangerous commands need; result is
	// where the answer goes, nil for nowhere. Refusals are *bunker.Error.
	Call(ctx context.Context, name string, params json.RawMessage, passphrase []byte, result any) error
	Close() error
}

// call runs a command of the admin table. params is a struct of internal/admin,
// or nil. When the bunker wants the passphrase anew, it is asked for.
func (a *app) call(ctx context.Context, name string, params, result any) error {
	c, err := a.dial(ctx, a)
	if err != nil {
		return err
	}
	defer c.Close()
	return a.callOn(ctx, c, name, params, result)
}

func (a *app) callOn(ctx context.Context, c Caller, name string, params, result any) error {
	body, err := encode(params)
	if err != nil {
		return err
	}
	defer secret.Wipe(body)
	err = c.Call(ctx, name, body, nil, result)
	var refused *bunker.Error
	if !errors.As(err, &refused) || refused.Code != bunker.CodeNeedsProof || refused.Field != "" {
		return err
	}
	if len(a.proved) == 0 {
		if a.proved, err = a.proof(ctx); err != nil {
			return err
		}
	}
	return c.Call(ctx, name, body, a.proved, result)
}

// proof is the bunker's passphrase, from --passphrase-file or the terminal.
func (a *app) proof(ctx context.Context) (secret.Param, error) {
	if a.passphraseFile != "" {
		return readSecretFile(a.passphraseFile)
	}
	if !a.interactive() {
		return nil, fail("this needs the bunker's passphrase, and there is no terminal to ask on").withHint("add --passphrase-file FILE")
	}
	p, err := a.secret(ctx, "Passphrase of the bunker:")
	if err == nil && len(p) == 0 {
		return nil, fail("nothing was done: no passphrase was typed")
	}
	return p, err
}

// proofFlag is for commands that the bunker wants the passphrase for.
func (a *app) proofFlag(c *cobra.Command) *cobra.Command {
	c.Flags().StringVar(&a.passphraseFile, "passphrase-file", "", "`file` with the bunker's passphrase, instead of asking for it")
	return c
}

// yesFlag is for commands that ask before they do what cannot be undone.
func (a *app) yesFlag(c *cobra.Command) *cobra.Command {
	c.Flags().BoolVar(&a.yes, "yes", false, "do not ask whether this is meant")
	return c
}

// encode writes parameters as JSON, the secrets in them too, into one buffer for
// the caller to wipe.
func encode(params any) (json.RawMessage, error) {
	if params == nil {
		return json.RawMessage("{}"), nil
	}
	b, err := appendValue(make([]byte, 0, 2*secret.MaxParam), reflect.ValueOf(params))
	if err != nil {
		return nil, fmt.Errorf("writing the parameters: %w", err)
	}
	return b, nil
}

func appendValue(dst []byte, v reflect.Value) ([]byte, error) {
	if v.Kind() == reflect.Pointer && v.Elem().Kind() == reflect.Struct {
		v = v.Elem()
	}
	if p, ok := v.Interface().(secret.Param); ok {
		return p.Reveal().AppendJSON(dst), nil
	}
	if m, ok := v.Interface().(map[string]any); ok {
		dst = append(dst, '{')
		for i, k := range slices.Sorted(maps.Keys(m)) {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(strconv.AppendQuote(dst, k), ':')
			var err error
			if dst, err = appendValue(dst, reflect.ValueOf(m[k])); err != nil {
				return nil, err
			}
		}
		return append(dst, '}'), nil
	}
	_, leaf := v.Interface().(interface{ MarshalText() ([]byte, error) })
	if v.Kind() != reflect.Struct || leaf {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		err := e.Encode(v.Interface())
		return append(dst, bytes.TrimSpace(b.Bytes())...), err
	}
	dst = append(dst, '{')
	first := true
	for _, f := range reflect.VisibleFields(v.Type()) {
		name, opts, skip := jsonName(f)
		if skip || opts && v.FieldByIndex(f.Index).IsZero() {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(append(append(dst, '"'), name...), '"', ':')
		var err error
		if dst, err = appendValue(dst, v.FieldByIndex(f.Index)); err != nil {
			return nil, err
		}
	}
	return append(dst, '}'), nil
}

// jsonName reads a field's tag.
func jsonName(f reflect.StructField) (name string, omit, skip bool) {
	tag := f.Tag.Get("json")
	n, opts, _ := bytes.Cut([]byte(tag), []byte(","))
	if f.Anonymous || len(n) == 0 || string(n) == "-" || !f.IsExported() {
		return "", false, true
	}
	return string(n), bytes.Contains(opts, []byte("omit")), false
}
