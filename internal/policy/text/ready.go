package text

import (
	"embed"
	"slices"
	"strings"

	"nsecbunker/internal/bunker"
)

//go:embed ready/*.toml
var readyFiles embed.FS

// Template is a ready-made policy.
type Template struct {
	ID   string // "basic-social"
	Text string // with its remarks
	// Policy is what the text says.
	Policy bunker.Policy
}

// Templates returns the ready-made policies, in order of their ids.
func Templates() []Template {
	files, err := readyFiles.ReadDir("ready")
	if err != nil {
		panic("text: the ready-made policies are not in the binary: " + err.Error())
	}
	var out []Template
	for _, f := range files {
		b, err := readyFiles.ReadFile("ready/" + f.Name())
		if err != nil {
			panic("text: reading a ready-made policy: " + err.Error())
		}
		t, problems := Parse(b)
		if len(problems) > 0 {
			panic("text: " + f.Name() + ": " + problems[0].String()) // a test reads each of them
		}
		out = append(out, Template{strings.TrimSuffix(f.Name(), ".toml"), string(b), t.Policy})
	}
	slices.SortFunc(out, func(a, b Template) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// TemplateOf finds a ready-made policy by its id, or by its name.
//
// Errors: CodeNotFound, with those that there are.
func TemplateOf(name string) (Template, error) {
	var ids []string
	for _, t := range Templates() {
		if t.ID == slug(name) {
			return t, nil
		}
		ids = append(ids, t.ID)
	}
	return Template{}, bunker.Errorf(bunker.CodeNotFound, "there is no ready-made policy %q", clip(name)).In("template").WithHint("%s", didYouMean(slug(name), ids))
}
