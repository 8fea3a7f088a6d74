package store

import (
	"errors"
	_ "example/internal/daemon" // want "floor 3 may not import internal/daemon, which is on floor 4"
	_ "example/internal/dial"
	_ "example/internal/relay" // want "edges never import each other"
	"sync"
)

var cache = map[string]int{}
var count int                                      // want "count has no value here"
var mu = sync.Mutex{}                              // want "made by sync.Mutex"
var pool = sync.Pool{New: func() any { return 1 }} // want "made by sync.Pool"
var feed = make(chan int)                          // want "made by make"
var one = &thing{}                                 // want "made by &"
var made = newThing()                              // want "made by a function that returns a pointer"
var Limits = []int{1}                              // want "Limits is exported"
var ErrFull = errors.New("full")
var holder = thing{}
var table = [...]int{1, 2}
var a, b = 1, makeThing() // want "made by a function that returns an interface"

type thing struct{ n int }

func newThing() *thing       { return &thing{} }
func makeThing() interface{} { return nil }
func init()                  {} // want "no init"

func New() *thing {
	go func() {}()     // want "New starts something"
	cache["x"] = 1     // want "cache is written"
	cache["x"]++       // want "cache is written"
	delete(cache, "x") // want "cache is written"
	table[0] = 2       // want "table is written"
	p := &holder       // want "holder is written (or its address taken)"
	holder.n = 3       // want "holder is written"
	ErrFull = nil      // want "ErrFull is written"
	_ = &table
	_ = &table[0]
	{
		cache := map[string]int{}
		cache["y"] = 1
	}
	return p
}
