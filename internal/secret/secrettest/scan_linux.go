package secrettest

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"nsecbunker/internal/secret"
)

const (
	block = 1 << 20 // bytes read at once
	tail  = 256     // bytes of a block looked at again with the next: the longest needle
	// shadow is the size, in bytes, of mappings that belong to the race detector
	// and hold no data of the program.
	shadow = 16 << 30
)

// finder finds needles by two of their bytes, without holding more of them.
type finder struct {
	needles []Needle
	anchors []int // where in the needle those two bytes are
	by      [1 << 16][]int32
	counts  []int
}

func newFinder(needles []Needle) (*finder, error) {
	f := &finder{needles: needles, counts: make([]int, len(needles)), anchors: make([]int, len(needles))}
	for i, n := range needles {
		if len(n.masked) < MinNeedle || len(n.masked) > tail {
			return nil, fmt.Errorf("needle %s has %d bytes, %d to %d are possible", n.Name, len(n.masked), MinNeedle, tail)
		}
		// Memory is full of zeroes: two other bytes are quicker to find.
		at := 0
		for at < len(n.masked)-2 && (n.at(at) == 0 || n.at(at+1) == 0) {
			at++
		}
		key := uint16(n.at(at)) | uint16(n.at(at+1))<<8
		f.by[key] = append(f.by[key], int32(i))
		f.anchors[i] = at
	}
	return f, nil
}

// look counts needles that start in the first n bytes of b.
func (f *finder) look(b []byte, n int) {
	for i := 0; i+1 < len(b); i++ {
		if i%page == 0 && i+page <= len(b) && bytes.Equal(b[i:i+page], zeroes[:]) {
			i += page - 2 // the last byte may be the first of two
			continue
		}
		for _, j := range f.by[uint16(b[i])|uint16(b[i+1])<<8] {
			start := i - f.anchors[j]
			if start >= 0 && start < n && f.needles[j].leads(b[start:]) {
				f.counts[j]++
			}
		}
	}
}

// page is how many bytes are passed over at once if they are all zero.
const page = 4096

var zeroes [page]byte

// at returns byte i of what the needle stands for.
func (n *Needle) at(i int) byte { return n.masked[i] ^ mask(i) }

// leads tells whether b begins with what the needle stands for.
func (n *Needle) leads(b []byte) bool {
	if len(b) < len(n.masked) {
		return false
	}
	for i := range n.masked {
		if b[i] != n.at(i) {
			return false
		}
	}
	return true
}

// Scan counts, by name, how often each needle is in the writable memory of this
// process: heap, stacks of goroutines and threads, data, and everything mapped.
// Names that are not found are not in the result.
func Scan(needles []Needle) (map[string]int, error) { return scanOf("self", needles) }

// ScanProcess is Scan for another process, which whoever calls it must be allowed
// to trace. Stop it (SIGSTOP) before: what moves meanwhile can be missed.
func ScanProcess(pid int, needles []Needle) (map[string]int, error) {
	return scanOf(strconv.Itoa(pid), needles)
}

func scanOf(process string, needles []Needle) (map[string]int, error) {
	f, err := newFinder(needles)
	if err != nil {
		return nil, err
	}
	// The buffer will hold every secret there is: outside the heap, and not
	// scanned itself.
	buf, err := unix.Mmap(-1, 0, block+tail, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return nil, err
	}
	defer func() {
		secret.Wipe(buf)
		_ = unix.Munmap(buf)
	}()
	maps, err := os.ReadFile("/proc/" + process + "/maps")
	if err != nil {
		return nil, err
	}
	mem, err := os.Open("/proc/" + process + "/mem")
	if err != nil {
		return nil, err
	}
	defer mem.Close()
	own, ownEnd := uint64(0), uint64(0) // nothing of another process is ours
	if process == "self" {
		own = uint64(uintptr(unsafe.Pointer(unsafe.SliceData(buf))))
		ownEnd = own + uint64(len(buf))
	}
	for line := bufio.NewScanner(bytes.NewReader(maps)); line.Scan(); {
		var start, end uint64
		var mode string
		if _, err := fmt.Sscanf(line.Text(), "%x-%x %s", &start, &end, &mode); err != nil {
			return nil, fmt.Errorf("reading the list of mappings: %w", err)
		}
		if !strings.HasPrefix(mode, "rw") || end-start >= shadow {
			continue
		}
		// The kernel merges neighbours: the buffer may lie within a mapping.
		f.scan(mem, buf, start, min(end, max(start, own)))
		f.scan(mem, buf, max(start, ownEnd), end)
	}
	found := map[string]int{}
	for i, n := range f.counts {
		if n > 0 {
			found[needles[i].Name] += n
		}
	}
	return found, nil
}

// scan looks through one range; what cannot be read (devices) is passed over.
func (f *finder) scan(mem *os.File, buf []byte, start, end uint64) {
	for at := start; at < end; at += block {
		n, _ := mem.ReadAt(buf[:min(uint64(len(buf)), end-at)], int64(at))
		f.look(buf[:n], min(n, block))
	}
}
