package secret

import "math/bits"

const (
	// pageSize is the unit, in bytes, that slots of one size are cut from. It is
	// the allocator's own and need not be the system's.
	pageSize = 4096
	// slotUnit is what slots are a multiple of, in bytes: the length of a key.
	slotUnit = 32
	// maxSlots is how many slots the smallest size has in a page.
	maxSlots = pageSize / slotUnit
)

// slotSizes are the sizes, in bytes, that share a page. What is larger takes
// whole pages. 96 is a prepared key: 42 of them fit a page.
var slotSizes = [...]int{32, 64, 96, 128, 256, 512, 1024, 2048}

// page is the state of one page of the arena.
type page struct {
	class int8 // index in slotSizes, or one of the values below
	free  uint8
	taken [maxSlots / 64]uint64 // a bit per slot
	place int32                 // where it is in pages.open[class], while it has free slots
}

const (
	pageFree  int8 = -1 // in no use
	pageWhole int8 = -2 // part of a secret larger than the slots
)

// pages hands out parts of the arena. It only counts: it never touches the
// memory, so nothing a secret's owner writes can mislead it. Not safe for
// concurrent use.
type pages struct {
	all  []page
	open [len(slotSizes)][]int32 // pages of that class with free slots
	hint int                     // no page before it is free
}

func newPages(n int) pages {
	p := pages{all: make([]page, n)}
	for i := range p.all {
		p.all[i].class = pageFree
	}
	return p
}

// take finds n bytes and returns where they start and how long the slot is.
func (p *pages) take(n int) (off, slot int, ok bool) {
	for class, size := range slotSizes {
		if n <= size {
			off, ok = p.takeSlot(class)
			return off, size, ok
		}
	}
	count := (n + pageSize - 1) / pageSize
	first, ok := p.run(count)
	if !ok {
		return 0, 0, false
	}
	for i := first; i < first+count; i++ {
		p.all[i].class = pageWhole
	}
	return first * pageSize, count * pageSize, true
}

func (p *pages) takeSlot(class int) (off int, ok bool) {
	open := p.open[class]
	if len(open) == 0 {
		i, ok := p.run(1)
		if !ok {
			return 0, false
		}
		p.all[i] = page{class: int8(class), free: uint8(slotsIn(class))}
		p.push(i)
		open = p.open[class]
	}
	i := int(open[len(open)-1])
	g := &p.all[i]
	slot := g.firstFree()
	g.taken[slot/64] |= 1 << (slot % 64)
	g.free--
	if g.free == 0 {
		p.drop(i)
	}
	return i*pageSize + slot*slotSizes[class], true
}

// give takes a slot back, as take returned it.
func (p *pages) give(off, slot int) {
	i := off / pageSize
	g := &p.all[i]
	if g.class == pageWhole {
		for j := i; j < i+slot/pageSize; j++ {
			p.all[j].class = pageFree
		}
		p.hint = min(p.hint, i)
		return
	}
	n := off % pageSize / slot
	g.taken[n/64] &^= 1 << (n % 64)
	g.free++
	if g.free == 1 {
		p.push(i)
	}
	if int(g.free) == slotsIn(int(g.class)) {
		p.drop(i)
		g.class = pageFree
		p.hint = min(p.hint, i)
	}
}

// run finds count free pages in a row.
func (p *pages) run(count int) (first int, ok bool) {
	for p.hint < len(p.all) && p.all[p.hint].class != pageFree {
		p.hint++
	}
	got := 0
	for i := p.hint; i < len(p.all); i++ {
		if p.all[i].class != pageFree {
			got = 0
			continue
		}
		if got++; got == count {
			return i - count + 1, true
		}
	}
	return 0, false
}

// push lists page i as one with free slots.
func (p *pages) push(i int) {
	g := &p.all[i]
	g.place = int32(len(p.open[g.class]))
	p.open[g.class] = append(p.open[g.class], int32(i))
}

// drop takes page i off that list.
func (p *pages) drop(i int) {
	g := &p.all[i]
	open := p.open[g.class]
	last := open[len(open)-1]
	open[g.place] = last
	p.all[last].place = g.place
	p.open[g.class] = open[:len(open)-1]
}

func (g *page) firstFree() int {
	if w := ^g.taken[0]; w != 0 {
		return bits.TrailingZeros64(w)
	}
	return 64 + bits.TrailingZeros64(^g.taken[1])
}

func slotsIn(class int) int { return pageSize / slotSizes[class] }
