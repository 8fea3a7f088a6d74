package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"nsecbunker/internal/bunker"
)

// maxRows is the most rows that a list prints; more are asked for with filters.
const maxRows = 100_000

// show runs a command and prints its answer: as it came with --json, else by
// human. Warnings go to stderr.
func show[T any](ctx context.Context, a *app, name string, params any, human func(T) error) error {
	var raw json.RawMessage
	if err := a.call(ctx, name, params, &raw); err != nil {
		return err
	}
	return showRaw(a, raw, human)
}

func showRaw[T any](a *app, raw json.RawMessage, human func(T) error) error {
	if err := a.warn(raw); err != nil {
		return err
	}
	if a.asJSON {
		return a.rawJSON(raw)
	}
	var v T
	if err := json.Unmarshal(raw, &v); err != nil {
		return unreadable(err)
	}
	return human(v)
}

func unreadable(err error) error {
	return fail("the bunker's answer cannot be read: %w", err).withHint("nsecbunker version, against the version of the running bunker in nsecbunker status")
}

// warn tells the warnings that an answer holds.
func (a *app) warn(raw json.RawMessage) error {
	var w struct {
		Warnings []string `json:"warnings"`
	}
	if err := json.Unmarshal(raw, &w); err != nil {
		return unreadable(err)
	}
	for _, text := range w.Warnings {
		a.say("warning: %s", shown(text, maxShownError))
	}
	return nil
}

// rawJSON prints an answer as it came, indented.
func (s Streams) rawJSON(raw json.RawMessage) error {
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", "  "); err != nil {
		return unreadable(err)
	}
	b.WriteByte('\n')
	_, err := s.Out.Write(b.Bytes())
	return err
}

// list reads all pages of a list and prints them: a JSON array, or a table by
// row. none is said when there is nothing.
func list[T any](ctx context.Context, a *app, name, field string, params map[string]any, head []string, none string, row func(T) []string) error {
	raw, err := a.pages(ctx, name, field, params, maxRows)
	if err != nil {
		return err
	}
	if a.asJSON {
		return a.rows(raw)
	}
	if len(raw) == 0 {
		a.say("%s", none)
		return nil
	}
	rows := make([][]string, 0, len(raw))
	for _, r := range raw {
		var v T
		if err := json.Unmarshal(r, &v); err != nil {
			return unreadable(err)
		}
		rows = append(rows, row(v))
	}
	return a.table(head, rows)
}

// rows prints rows as a JSON array.
func (s Streams) rows(raw []json.RawMessage) error {
	if raw == nil {
		raw = []json.RawMessage{}
	}
	b, err := json.Marshal(raw)
	if err != nil {
		return unreadable(err)
	}
	return s.rawJSON(b)
}

// pages reads a list page by page: the rows are in field, next says where it
// goes on.
func (a *app) pages(ctx context.Context, name, field string, params map[string]any, limit int) ([]json.RawMessage, error) {
	c, err := a.dial(ctx, a)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	p := map[string]any{}
	for k, v := range params {
		p[k] = v
	}
	var all []json.RawMessage
	var last json.RawMessage
	for len(all) < limit {
		var answer map[string]json.RawMessage
		if err := a.callOn(ctx, c, name, p, &answer); err != nil {
			return nil, err
		}
		var rows []json.RawMessage
		if b := answer[field]; b != nil {
			if err := json.Unmarshal(b, &rows); err != nil {
				return nil, unreadable(err)
			}
		}
		all = append(all, rows...)
		next := answer["next"]
		// A page can be empty and not the last: filters leave rows out of it.
		if again := bytes.Equal(next, last); again || len(next) == 0 || string(next) == `""` || string(next) == "null" {
			return all[:min(len(all), limit)], nil
		}
		p["after"], last = next, next
	}
	return all[:limit], nil
}

// stampForm is how times are written: RFC 3339 with milliseconds, UTC.
const stampForm = "2006-01-02T15:04:05.000Z07:00"

// stamp is a time of an answer, RFC 3339; the zero value is none.
type stamp struct{ time.Time }

// UnmarshalJSON reads a time; "" is none.
func (s *stamp) UnmarshalJSON(b []byte) error {
	if string(b) == `""` || string(b) == "null" {
		return nil
	}
	return s.Time.UnmarshalJSON(b)
}

// ms is unix milliseconds, 0 for none.
func (s stamp) ms() int64 {
	if s.IsZero() || s.UnixMilli() <= 0 {
		return 0
	}
	return s.UnixMilli()
}

// when is a time in words, "-" for none.
func (a *app) when(s stamp) string {
	if s.ms() == 0 {
		return "-"
	}
	return ago(s.ms(), a.now())
}

// name is a person's or app's own text in a table.
func name(s string) string {
	if s == "" {
		return "-"
	}
	return shown(s, bunkerName)
}

// bunkerName is the longest name that a table shows, in characters.
const bunkerName = 40

// marks joins the words that hold.
func marks(words map[string]bool, order ...string) string {
	var out []string
	for _, w := range order {
		if words[w] {
			out = append(out, w)
		}
	}
	if len(out) == 0 {
		return "-"
	}
	return strings.Join(out, ", ")
}

// short is a public key for tables: its beginning and its end.
func short(npub string) string {
	if len(npub) < 20 {
		return shown(npub, 20)
	}
	return fmt.Sprintf("%s…%s", bunker.Display(npub[:10], 10), bunker.Display(npub[len(npub)-6:], 6))
}
