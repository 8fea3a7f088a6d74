package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/describe"
)

const (
	// settle is how long a new question is on the screen before a key counts: what
	// was typed for the one before must not answer it.
	settle = 500 * time.Millisecond
	// lookAgain is how often it is looked whether somebody else answered.
	lookAgain = 2 * time.Second
)

// choice is a key and the answer that it gives.
type choice struct {
	key    rune
	words  string
	params answerParams
	today  bool
	batch  bool // the whole burst
	sure   bool // asked once more
}

// choices are the answers to a question, in the order of the help line.
func choices(q *approvalView, burst int) []choice {
	no := answerParams{Deny: true}
	login := q.Method == "connect"
	out := []choice{{key: 'a', words: "allow once", params: answerParams{Scope: "once"}}}
	switch {
	case login:
		out = []choice{{key: 'a', words: "let in, ask each thing", params: answerParams{Scope: "once"}}}
		if q.Requested != "" {
			out = append(out, choice{key: 'r', words: "let in with what it wants", params: answerParams{Scope: "once", Perms: q.Requested}})
		}
		out = append(out, choice{key: 'x', words: "let in for everything", params: answerParams{Scope: "all"}, sure: true})
	case q.OnceOnly:
	default:
		kind := "this kind"
		if q.Kind == nil {
			kind = "this method"
		}
		out = append(out,
			choice{key: 'k', words: "always " + kind + reach(q), params: answerParams{Scope: "kind"}, sure: q.Reach != ""},
			choice{key: 'h', words: kind + ", an hour", params: answerParams{Scope: "kind", For: "1h"}},
			choice{key: 't', words: kind + ", today", params: answerParams{Scope: "kind"}, today: true})
		if q.Kind != nil {
			out = append(out, choice{key: 'e', words: "always every kind", params: answerParams{Scope: "kinds"}, sure: true})
		}
		out = append(out, choice{key: 'x', words: "always everything", params: answerParams{Scope: "all"}, sure: true})
	}
	if burst > 1 {
		out = append(out, choice{key: 'b', words: fmt.Sprintf("all %d of the burst, once", burst), params: answerParams{Scope: "once"}, batch: true, sure: true})
	}
	out = append(out, choice{key: 'd', words: "deny", params: no})
	if !login {
		out = append(out, choice{key: 'n', words: "never", params: answerParams{Deny: true, Never: true}, sure: true})
	}
	if burst > 1 {
		out = append(out, choice{key: 'B', words: fmt.Sprintf("deny all %d", burst), params: no, batch: true, sure: true})
	}
	return append(out, choice{key: 'v', words: "view all of it"}, choice{key: 's', words: "skip"}, choice{key: 'q', words: "quit"})
}

// reach is how far a lasting yes goes, behind its words.
func reach(q *approvalView) string {
	if q.Reach == "" {
		return ""
	}
	return ", " + shown(q.Reach, 60)
}

// sitter is somebody who answers questions one by one.
type sitter struct {
	a        *app
	keys     *keys
	paint    paint
	skipped  map[string]bool
	answered int
	waiting  bool
	prompted string // the last line, as it was drawn; "" when it must be drawn anew
}

// approvalsAsk shows one question at a time and takes one key for each, until q.
func (a *app) approvalsAsk(ctx context.Context) error {
	f, ok := a.terminal()
	if !ok {
		return fail("-i needs a terminal").withHint("nsecbunker approvals, then nsecbunker approve ID or deny ID")
	}
	if a.asJSON {
		return usage("--json and -i exclude each other")
	}
	k, err := openKeys(f)
	if err != nil {
		return err
	}
	defer k.close()
	s := &sitter{a: a, keys: k, paint: painter(a.Out, a.getenv), skipped: map[string]bool{}}
	err = s.run(ctx)
	if errors.Is(err, errQuit) || ctx.Err() != nil {
		a.say("\n%s answered.", count(int64(s.answered), "question"))
		return nil
	}
	return err
}

// errQuit is what q ends in.
var errQuit = errors.New("quit")

func (s *sitter) run(ctx context.Context) error {
	for {
		raw, err := s.a.pages(ctx, "approval.list", "approvals", nil, maxRows)
		if err != nil {
			return err
		}
		qs, err := readQuestions(raw)
		if err != nil {
			return err
		}
		var left []*approvalView
		for _, q := range qs {
			if !s.skipped[q.ID] {
				left = append(left, q)
			}
		}
		if len(left) == 0 {
			if err := s.wait(ctx, len(qs)); err != nil {
				return err
			}
			continue
		}
		s.waiting = false
		if err := s.one(ctx, left[0], left); err != nil {
			return err
		}
	}
}

// wait waits for a question, or for q.
func (s *sitter) wait(ctx context.Context, skipped int) error {
	if !s.waiting {
		text := "Nothing is asked. Waiting; q quits."
		if skipped > 0 {
			text = fmt.Sprintf("Nothing else is asked; %s skipped. Waiting; q quits.", count(int64(skipped), "question"))
		}
		s.print(s.paint.dim(text) + "\n")
		s.waiting = true
	}
	k, ok, err := s.keys.next(ctx, lookEvery)
	if err == nil && ok && k == 'q' {
		return errQuit
	}
	return err
}

func (s *sitter) print(text string) { _, _ = io.WriteString(s.a.Out, text) }

// one shows a question and does what is typed.
func (s *sitter) one(ctx context.Context, q *approvalView, left []*approvalView) error {
	burst := choose(left, q.Batch, true)
	list := choices(q, len(burst))
	s.show(q, len(left), list)
	if err := s.keys.drain(ctx, settle); err != nil {
		return err
	}
	looked := s.a.now()
	s.prompted = ""
	for {
		s.prompt(q)
		k, ok, err := s.keys.next(ctx, time.Second)
		if err != nil {
			return err
		}
		if s.a.now().Sub(looked) >= lookAgain {
			looked = s.a.now()
			if gone, err := s.gone(ctx, q); gone || err != nil {
				return err
			}
		}
		if !ok {
			continue
		}
		for _, c := range list {
			if c.key != k {
				continue
			}
			s.prompted = ""
			done, err := s.does(ctx, c, q, burst)
			if done || err != nil {
				return err
			}
			break
		}
	}
}

// does acts on a key; done says that the question is dealt with.
func (s *sitter) does(ctx context.Context, c choice, q *approvalView, burst []*approvalView) (done bool, err error) {
	switch c.key {
	case 'q':
		return true, errQuit
	case 's':
		s.skipped[q.ID] = true
		s.print("skipped\n\n")
		return true, nil
	case 'v':
		whole, err := s.a.fetchQuestion(ctx, q.ID)
		if err != nil {
			return true, err
		}
		s.print("\n\n" + strings.Join(s.a.draw(whole, ""), "\n") + "\n\n")
		return false, nil
	}
	if c.batch {
		s.print("\r\x1b[K\n" + s.a.list(burst) + "\n\n")
	}
	if c.sure {
		s.print("\r\x1b[K" + s.paint.bold(upper(c.words)+"? y/n "))
		k, err := s.key(ctx)
		if err != nil || k != 'y' && k != 'Y' {
			return false, err
		}
	}
	p := c.params
	if c.today {
		p.Until = midnight(s.a.now()).Format(time.RFC3339)
	}
	s.print("\r\x1b[K")
	return true, s.answer(ctx, c, p, q, burst)
}

// key waits for one key.
func (s *sitter) key(ctx context.Context) (rune, error) {
	for {
		k, ok, err := s.keys.next(ctx, time.Second)
		if ok || err != nil {
			return k, err
		}
	}
}

// answer sends the answer with what was shown, and says what came of it. That
// somebody else was faster is no failure.
func (s *sitter) answer(ctx context.Context, c choice, p answerParams, q *approvalView, burst []*approvalView) error {
	name := "approval.answer"
	p.ID, p.Digest = q.ID, q.Digest
	n := 1
	if c.batch {
		name, p.ID, p.Digest, n = "approval.batch", "", "", len(burst)
		for _, b := range burst {
			p.Questions = append(p.Questions, shownQuestion{b.ID, b.Digest})
		}
	}
	var r struct {
		answered
		Grants   []grantView `json:"grants"`
		Warnings []string    `json:"warnings"`
	}
	if err := s.a.call(ctx, name, p, &r); err != nil {
		if no := (*bunker.Error)(nil); errors.As(err, &no) {
			s.print(s.paint.warn("not answered: "+shown(no.Words, maxShownError)) + "\n\n")
			s.skipped[q.ID] = true
			return nil
		}
		return err
	}
	if r.Grant == nil && len(r.Grants) > 0 {
		r.Grant = &r.Grants[0]
	}
	s.answered += n
	text := s.a.answeredWords(r.State, r.Grant)
	if s.a.waits(q) == "" && r.State == "approved" {
		text += " The app was told to try again."
	}
	s.print(s.paint.good(text, r.State == "approved") + "\n")
	for _, w := range r.Warnings {
		s.print(s.paint.warn("! "+shown(w, maxShownError)) + "\n")
	}
	s.print("\n")
	return nil
}

// gone reports that somebody else answered, or that the time is over, and says so.
func (s *sitter) gone(ctx context.Context, q *approvalView) (bool, error) {
	now, err := s.a.fetchQuestion(ctx, q.ID)
	if err != nil || now.State == "pending" {
		return false, err
	}
	s.print("\r\x1b[K" + s.paint.dim(endedWords(s.a, now)) + "\n\n")
	return true, nil
}

// show draws the question with the keys that answer it.
func (s *sitter) show(q *approvalView, left int, list []choice) {
	head := "── 1 question "
	if left > 1 {
		head = fmt.Sprintf("── %d questions, the oldest first ", left)
	}
	s.print(s.paint.dim(head+strings.Repeat("─", max(0, columns-describe.Columns(head)))) + "\n")
	lines := s.a.draw(q, "")
	for i, l := range lines {
		switch {
		case strings.HasPrefix(l, "  --kind "):
			continue // the keys below say it
		case i == 0 || !strings.HasPrefix(l, " ") && i < 4:
			l = s.paint.bold(l)
		case strings.HasPrefix(l, "  ! "):
			l = s.paint.warn(l)
		}
		s.print(l + "\n")
	}
	s.print("\n")
	line := ""
	for _, c := range list {
		item := string(c.key) + " " + c.words
		if line != "" && describe.Columns(line)+3+len(item) > columns {
			s.print(s.paint.dim(line) + "\n")
			line = ""
		}
		if line != "" {
			line += "   "
		}
		line += item
	}
	s.print(s.paint.dim(line) + "\n")
}

// prompt draws the last line anew, with the time that is left.
func (s *sitter) prompt(q *approvalView) {
	text := "> "
	if w := s.a.waits(q); w != "" {
		text = "(" + w + ") > "
	} else if left := q.Until.Sub(s.a.now()); left > 0 {
		text = "(a yes counts for the app's next try; " + span(left) + " left) > "
	}
	if text != s.prompted {
		s.print("\r\x1b[K" + text)
		s.prompted = text
	}
}

func upper(s string) string {
	r := []rune(s)
	r[0] = unicode.ToUpper(r[0])
	return string(r)
}
