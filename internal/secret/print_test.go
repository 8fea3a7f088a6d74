package secret

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"strings"
	"testing"
)

// planted prints as these, one way or another.
const planted = "hunter2-hunter2"

var traces = []string{"hunter2", "68756e746572", "68 75 6e", "104 117 110", "104,117,110", "0x68, 0x75", "aHVudGVy", "\\x68"}

func clean(t *testing.T, how, text string) {
	t.Helper()
	for _, trace := range traces {
		if strings.Contains(strings.ToLower(text), strings.ToLower(trace)) {
			t.Errorf("%s gives it away: %s", how, text)
		}
	}
}

func TestSecretsNeverPrint(t *testing.T) {
	a := newArena(t, 4096)
	s, err := a.From([]byte(planted))
	if err != nil {
		t.Fatal(err)
	}
	p := Param(planted)
	type holder struct {
		S *Bytes
		A *Arena
		P Param
		R Revealed
		s *Bytes
		a *Arena
		m map[string]*Bytes
	}
	h := holder{s, a, p, p.Reveal(), s, a, map[string]*Bytes{"k": s}}
	verbs := []string{"%v", "%+v", "%#v", "%s", "%q", "%#q", "%x", "% x", "%#x", "%X", "%d", "%o", "%b", "%c", "%U", "%e", "%t", "%T", "%p", "%20v", "%-5.2s", "%!", "%z"}
	for _, v := range []any{s, a, p, p.Reveal(), &p, h, &h, []any{s, p}, map[string]any{"k": s}, []Param{p}} {
		for _, verb := range verbs {
			if _, byValue := v.(holder); byValue && verb == "%p" {
				continue // fmt asks no method then; vet refuses to compile it
			}
			clean(t, fmt.Sprintf("%s of %T", verb, v), fmt.Sprintf(verb, v))
		}
		clean(t, "Sprintln", fmt.Sprintln(v))
		clean(t, "an error", fmt.Errorf("opening %v: %w", v, errors.ErrUnsupported).Error())
		var out bytes.Buffer
		log.New(&out, "", 0).Print(v)
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "k", v, slog.Group("g", "v", v))
		if _, revealed := v.(Revealed); !revealed { // its JSON is the secret: that is what it is for
			if h, ok := v.(holder); !ok {
				slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "k", v)
			} else {
				h.R = nil
				slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "k", h)
			}
		}
		clean(t, fmt.Sprintf("a log of %T", v), out.String())
	}
	for _, v := range []any{s, a, p, p.Reveal()} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			if got := fmt.Sprintf(verb, v); got != Placeholder {
				t.Errorf("%s of %T is %q, want %q", verb, v, got, Placeholder)
			}
		}
		if got := v.(slog.LogValuer).LogValue().String(); got != Placeholder {
			t.Errorf("slog gets %q from %T", got, v)
		}
	}
}

func TestSecretsNeverMarshal(t *testing.T) {
	a := newArena(t, 4096)
	s, err := a.From([]byte(planted))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []any{s, a, map[string]any{"k": s}, struct{ S *Bytes }{s}} {
		b, err := json.Marshal(v)
		if err != nil || !strings.Contains(string(b), Placeholder) {
			t.Errorf("%T: %s %v", v, b, err)
		}
		clean(t, "JSON", string(b))
	}
	if b, err := s.MarshalText(); err != nil || string(b) != Placeholder {
		t.Errorf("%s %v", b, err)
	}
	for _, v := range []any{Param(planted), struct{ P Param }{Param(planted)}, map[string]Param{"p": Param(planted)}} {
		if b, err := json.Marshal(v); !errors.Is(err, ErrMarshal) {
			t.Errorf("%T: %s %v, want ErrMarshal", v, b, err)
		}
	}
	if _, err := Param(planted).MarshalText(); !errors.Is(err, ErrMarshal) {
		t.Error(err)
	}
}
