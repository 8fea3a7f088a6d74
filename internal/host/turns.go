package host

import "nsecbunker/internal/bunker"

// Turns is what waits, in a line for each tenant. Next takes from the lines in turn, so
// that whoever has one thing waiting does not wait for another's thousand. Its zero
// value is empty. It has no lock.
type Turns[T any] struct {
	lines map[bunker.TenantID]*line[T]
	// ring are the tenants with something waiting, in the order of their turns from
	// first on.
	ring  []bunker.TenantID
	first int
	n     int
	spare *line[T] // of one that was emptied
}

type line[T any] struct {
	items []T
	first int
}

// Len is how much waits.
func (q *Turns[T]) Len() int { return q.n }

// Of is how much of one tenant waits.
func (q *Turns[T]) Of(t bunker.TenantID) int {
	l := q.lines[t]
	if l == nil {
		return 0
	}
	return len(l.items) - l.first
}

// Add puts something at the end of a tenant's line.
func (q *Turns[T]) Add(t bunker.TenantID, v T) {
	l := q.lines[t]
	if l == nil {
		if q.lines == nil {
			q.lines = map[bunker.TenantID]*line[T]{}
		}
		if l, q.spare = q.spare, nil; l == nil {
			l = &line[T]{}
		}
		q.lines[t] = l
		q.ring = append(q.ring, t)
	}
	l.items = append(l.items, v)
	q.n++
}

// Next takes the first of the line whose turn it is.
func (q *Turns[T]) Next() (v T, ok bool) { return q.NextOf(nil) }

// NextOf is Next among the tenants that may have a turn now; the others keep theirs.
// nil: all may.
func (q *Turns[T]) NextOf(may func(bunker.TenantID) bool) (v T, ok bool) {
	at := q.first
	for may != nil && at < len(q.ring) && !may(q.ring[at]) {
		at++
	}
	if at == len(q.ring) {
		return v, false
	}
	t := q.ring[at]
	copy(q.ring[q.first+1:at+1], q.ring[q.first:at])
	q.first++
	l := q.lines[t]
	v = l.take()
	q.n--
	if len(l.items) == l.first {
		delete(q.lines, t)
		l.items, l.first = l.items[:0], 0
		q.spare = l
	} else {
		q.ring = append(q.ring, t)
	}
	switch {
	case q.first == len(q.ring):
		q.ring, q.first = q.ring[:0], 0
	case q.first > 64 && 2*q.first > len(q.ring): // not the whole past of it
		q.ring = q.ring[:copy(q.ring, q.ring[q.first:])]
		q.first = 0
	}
	return v, true
}

func (l *line[T]) take() T {
	var none T
	v := l.items[l.first]
	l.items[l.first] = none
	l.first++
	if l.first > 64 && 2*l.first > len(l.items) {
		l.items = l.items[:copy(l.items, l.items[l.first:])]
		l.first = 0
	}
	return v
}
