package text

import (
	"bytes"
	"sort"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// places says where each key stands in a text, by its path: "rule/0/kinds". The
// decoder gives values without their lines and tables without their order; both
// matter here.
type places struct {
	offsets map[string]int
	headers map[string]bool // tables with a line of their own: [rule.tags]
	feeds   []int           // offsets of the line ends
	tables  map[string]int  // array tables, and how many each has so far
}

// pathOf joins the parts of a path. A key cannot hold the separator unescaped, and
// what a strange key hides is only its line.
func pathOf(parts ...string) string { return strings.Join(parts, "/") }

// locate walks a text that the decoder has read without an error.
func locate(b []byte) *places {
	p := &places{offsets: map[string]int{}, headers: map[string]bool{}, tables: map[string]int{}}
	for i := 0; ; i++ {
		n := bytes.IndexByte(b[i:], '\n')
		if n < 0 {
			break
		}
		i += n
		p.feeds = append(p.feeds, i)
	}
	var parser unstable.Parser
	parser.Reset(b)
	table := ""
	for parser.NextExpression() {
		switch e := parser.Expression(); e.Kind {
		case unstable.Table:
			table = p.key("", e.Key())
			p.headers[table] = true
		case unstable.ArrayTable:
			table = p.key("", e.Key())
			n := p.tables[table]
			p.tables[table] = n + 1
			p.offsets[pathOf(table, strconv.Itoa(n))] = p.offsets[table]
			table = pathOf(table, strconv.Itoa(n))
		case unstable.KeyValue:
			p.value(p.key(table, e.Key()), e.Value())
		}
	}
	return p
}

// key notes where a dotted key stands and returns its path below a table.
func (p *places) key(path string, parts unstable.Iterator) string {
	for parts.Next() {
		n := parts.Node()
		if count := p.tables[path]; count > 0 {
			path = pathOf(path, strconv.Itoa(count-1)) // the table that was begun last
		}
		path = strings.TrimPrefix(pathOf(path, string(n.Data)), "/")
		if _, ok := p.offsets[path]; !ok || p.tables[path] > 0 {
			p.offsets[path] = int(n.Raw.Offset)
		}
	}
	return path
}

// value notes what stands inside a value.
func (p *places) value(path string, v *unstable.Node) {
	children := v.Children()
	switch v.Kind {
	case unstable.InlineTable:
		for children.Next() {
			n := children.Node()
			p.value(p.key(path, n.Key()), n.Value())
		}
	case unstable.Array:
		for i := 0; children.Next(); i++ {
			n := children.Node()
			at := pathOf(path, strconv.Itoa(i))
			p.offsets[at] = int(n.Raw.Offset)
			if n.Raw.Length == 0 { // the library tells no place of a table or list
				p.offsets[at] = p.offsets[path]
			}
			p.value(at, n)
		}
	}
}

// line returns the line of a path, or of the nearest thing around it.
func (p *places) line(path string) int {
	if p == nil {
		return 0
	}
	for {
		if o, ok := p.offsets[path]; ok {
			return 1 + sort.SearchInts(p.feeds, o)
		}
		i := strings.LastIndexByte(path, '/')
		if i < 0 {
			return 0
		}
		path = path[:i]
	}
}
