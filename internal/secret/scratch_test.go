package secret

import (
	"bytes"
	"testing"
)

func TestAScratchIsWipedWhenItIsGivenBack(t *testing.T) {
	s := Borrow(100)
	if len(s.B) != 0 || cap(s.B) < 100 {
		t.Fatalf("lent are %d of %d bytes, want 0 of 100 at least", len(s.B), cap(s.B))
	}
	s.B = append(s.B, "a plaintext"...)
	all := s.B[:cap(s.B)]
	s.B = s.B[:1] // what was longer once is wiped, too
	s.Return()
	if !bytes.Equal(all, make([]byte, len(all))) {
		t.Errorf("left in it: %q", all)
	}
}

func TestALongScratchIsNotKept(t *testing.T) {
	s := Borrow(scratchKept + 1)
	s.B = append(s.B, 1)
	s.Return()
	if s.B != nil {
		t.Errorf("%d bytes are kept", cap(s.B))
	}
}
