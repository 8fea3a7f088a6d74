package check

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// load reads a compose file as docker compose does, its schema included.
func load(t *testing.T, files string, profiles ...string) *types.Project {
	t.Helper()
	file := strings.Fields(files)
	o, err := cli.NewProjectOptions(file, cli.WithProfiles(profiles), cli.WithEnv([]string{"NSECBUNKER_ADMIN=npub1example"}))
	if err != nil {
		t.Fatal(err)
	}
	p, err := o.LoadProject(context.Background())
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return p
}

func TestComposeFilesAreWhatComposeTakes(t *testing.T) {
	if p := load(t, "../compose.yaml"); len(p.Services) != 1 {
		t.Errorf("%d services", len(p.Services))
	}
	if _, err := cli.NewProjectOptions([]string{"../shared/compose.yaml"}); err != nil {
		t.Fatal(err)
	}
	p := load(t, "../shared/compose.yaml", "metrics")
	if got := p.ServiceNames(); !slices.Equal(got, []string{"a", "b", "db", "prometheus", "proxy"}) {
		t.Errorf("services %v", got)
	}
	if got := load(t, "../shared/compose.yaml").ServiceNames(); slices.Contains(got, "prometheus") {
		t.Error("prometheus runs without its profile")
	}
}

// dataOf is the volume of a service's data folder.
func dataOf(s types.ServiceConfig) string {
	for _, v := range s.Volumes {
		if v.Target == "/data" {
			return v.Source
		}
	}
	return ""
}

func TestAHostedServiceIsTwoInstancesWithAWallet(t *testing.T) {
	p := load(t, "../shared/compose.yaml ../shared/hosted.yaml")
	if got := p.ServiceNames(); !slices.Equal(got, []string{"a", "b", "db", "proxy"}) {
		t.Errorf("services %v", got)
	}
	for _, name := range []string{"a", "b"} {
		s := p.Services[name]
		if !slices.Contains(s.Command, "--hosted") || !slices.ContainsFunc(s.Secrets, func(s types.ServiceSecretConfig) bool { return s.Source == "wallet" }) || len(s.Secrets) != 4 {
			t.Errorf("%v with %v", s.Command, s.Secrets)
		}
		for _, v := range s.Volumes {
			if v.Target == "/data/config.toml" && !strings.HasSuffix(v.Source, "/hosted.toml") {
				t.Errorf("its configuration is %s", v.Source)
			}
		}
	}
	checkInstances(t, p)
}

func TestBothInstancesAreAlikeAndOnlyTheProxyIsOpen(t *testing.T) {
	checkInstances(t, load(t, "../shared/compose.yaml", "metrics"))
}

// checkInstances holds the two instances, and what is around them, to what is the same for
// a hosted service.
func checkInstances(t *testing.T, p *types.Project) {
	t.Helper()
	a, b := p.Services["a"], p.Services["b"]
	if !reflect.DeepEqual(a.Command, b.Command) || !reflect.DeepEqual(a.Environment, b.Environment) || !reflect.DeepEqual(a.Secrets, b.Secrets) {
		t.Error("the two instances are started differently")
	}
	if dataOf(a) == "" || dataOf(a) == dataOf(b) {
		t.Errorf("the data folders of the two instances are %q and %q", dataOf(a), dataOf(b))
	}
	for _, s := range []types.ServiceConfig{a, b} {
		if !s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) || s.Ulimits["memlock"] == nil || s.StopGracePeriod == nil || len(s.Ports) > 0 || s.MemLimit != s.MemSwapLimit {
			t.Errorf("%s: %+v", s.Name, s)
		}
		if s.DependsOn["db"].Condition != types.ServiceConditionHealthy {
			t.Errorf("%s does not wait for the database", s.Name)
		}
		for k, v := range s.Environment {
			if strings.Contains(strings.ToLower(k), "password") || v != nil && strings.Contains(*v, "secret=") {
				t.Errorf("%s has %s in its environment", s.Name, k)
			}
		}
		checkArgs(t, s.Command)
	}
	for name, s := range p.Services {
		if name != "proxy" && len(s.Ports) > 0 {
			t.Errorf("%s is open to the outside", name)
		}
		if s.Privileged || s.NetworkMode == "host" {
			t.Errorf("%s has privileges", name)
		}
	}
	if !p.Networks["store"].Internal || len(p.Services["db"].Networks) != 1 {
		t.Error("the database reaches more than the instances")
	}
	for name, s := range p.Secrets {
		if s.File == "" || s.Environment != "" || s.Content != "" {
			t.Errorf("the secret %s is no file", name)
		}
	}
}
