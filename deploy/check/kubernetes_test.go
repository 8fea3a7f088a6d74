// Package check holds the files of deploy/ to what reads them.
package check

import (
	"bytes"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"nsecbunker/internal/config"
)

// The manifests of one bunker, and of a hosted service.
const (
	manifests = "../kubernetes/nsecbunker.yaml"
	hosting   = "../kubernetes/hosted/nsecbunker.yaml"
)

// eachManifest runs a test on both.
func eachManifest(t *testing.T, test func(t *testing.T, o *objects)) {
	t.Helper()
	for _, path := range []string{manifests, hosting} {
		t.Run(path, func(t *testing.T) { test(t, read(t, path)) })
	}
}

// objects are the manifests, by kind.
type objects struct {
	config     corev1.ConfigMap
	deployment appsv1.Deployment
	budget     policyv1.PodDisruptionBudget
	services   []corev1.Service
	network    networkingv1.NetworkPolicy
	ingress    networkingv1.Ingress
}

// read decodes every document into its own type; an unknown field is an error.
func read(t *testing.T, path string) *objects {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	o := &objects{}
	for i, doc := range bytes.Split(text, []byte("\n---\n")) {
		var what metav1.TypeMeta
		if err := yaml.Unmarshal(doc, &what); err != nil {
			t.Fatal(err)
		}
		var into any
		switch what.APIVersion + " " + what.Kind {
		case "v1 ConfigMap":
			into = &o.config
		case "apps/v1 Deployment":
			into = &o.deployment
		case "policy/v1 PodDisruptionBudget":
			into = &o.budget
		case "v1 Service":
			o.services = append(o.services, corev1.Service{})
			into = &o.services[len(o.services)-1]
		case "networking.k8s.io/v1 NetworkPolicy":
			into = &o.network
		case "networking.k8s.io/v1 Ingress":
			into = &o.ingress
		default:
			t.Fatalf("document %d is a %s %s, which this test does not know", i+1, what.APIVersion, what.Kind)
		}
		if err := yaml.UnmarshalStrict(doc, into); err != nil {
			t.Errorf("%s: %v", what.Kind, err)
		}
	}
	return o
}

func (o *objects) pod() *corev1.PodSpec         { return &o.deployment.Spec.Template.Spec }
func (o *objects) container() *corev1.Container { return &o.pod().Containers[0] }
func (o *objects) labels() map[string]string    { return o.deployment.Spec.Template.Labels }
func selects(s, labels map[string]string) bool {
	for k, v := range s {
		if labels[k] != v {
			return false
		}
	}
	return len(s) > 0
}

func TestManifestsAreWhatKubernetesTakes(t *testing.T) { eachManifest(t, checkManifests) }

func checkManifests(t *testing.T, o *objects) {
	t.Helper()
	for _, s := range []map[string]string{o.deployment.Spec.Selector.MatchLabels, o.budget.Spec.Selector.MatchLabels, o.network.Spec.PodSelector.MatchLabels, o.services[0].Spec.Selector, o.services[1].Spec.Selector} {
		if !selects(s, o.labels()) {
			t.Errorf("%v does not select the pods, which are %v", s, o.labels())
		}
	}
	for _, meta := range []metav1.ObjectMeta{o.config.ObjectMeta, o.deployment.ObjectMeta, o.budget.ObjectMeta, o.services[0].ObjectMeta, o.services[1].ObjectMeta, o.network.ObjectMeta, o.ingress.ObjectMeta} {
		if meta.Namespace != "nsecbunker" || meta.Name == "" {
			t.Errorf("%q is in the namespace %q", meta.Name, meta.Namespace)
		}
	}
	ports := map[string]bool{}
	for _, p := range o.container().Ports {
		ports[p.Name] = true
	}
	for _, s := range o.services {
		for _, p := range s.Spec.Ports {
			if !ports[p.TargetPort.StrVal] {
				t.Errorf("the service %s leads to the port %q, which there is not", s.Name, p.TargetPort.StrVal)
			}
		}
	}
	back := o.ingress.Spec.Rules[0].HTTP.Paths[0].Backend.Service
	if back.Name != o.services[0].Name || back.Port.Name != o.services[0].Spec.Ports[0].Name {
		t.Errorf("the ingress leads to %+v", back)
	}
	volumes := map[string]bool{}
	for _, v := range o.pod().Volumes {
		volumes[v.Name] = true
	}
	for _, m := range o.container().VolumeMounts {
		if !volumes[m.Name] {
			t.Errorf("%s is mounted and there is no such volume", m.Name)
		}
	}
}

func TestInstancesEndInOrderAndNeverAllAtOnce(t *testing.T) { eachManifest(t, checkEnding) }

func checkEnding(t *testing.T, o *objects) {
	t.Helper()
	c, spec := o.container(), o.deployment.Spec
	if *spec.Replicas < 2 || o.budget.Spec.MinAvailable.IntValue() < 1 || o.budget.Spec.MinAvailable.IntValue() >= int(*spec.Replicas) {
		t.Errorf("%d instances of which %v must stay: nothing may be ended, or everything", *spec.Replicas, o.budget.Spec.MinAvailable)
	}
	if spec.Strategy.RollingUpdate.MaxUnavailable.IntValue() != 0 {
		t.Error("an upgrade takes an instance away before the new one is ready")
	}
	if p := c.ReadinessProbe; p == nil || p.HTTPGet.Path != "/readyz" || p.PeriodSeconds*p.FailureThreshold > 5 {
		t.Errorf("readiness: %+v", p)
	}
	if p := c.StartupProbe; p == nil || p.HTTPGet.Path != "/healthz" {
		t.Errorf("startup: %+v", p)
	}
	// A store that is away must not restart instances: that would seal them.
	if p := c.LivenessProbe; p == nil || p.HTTPGet != nil || p.TCPSocket == nil {
		t.Errorf("liveness: %+v", p)
	}
	pre := c.Lifecycle.PreStop.Sleep
	if pre == nil || pre.Seconds < 3 || *o.pod().TerminationGracePeriodSeconds < pre.Seconds+30 {
		t.Errorf("an instance has %d s to end, %+v of it before it hears of it", *o.pod().TerminationGracePeriodSeconds, pre)
	}
	if c.Lifecycle.PreStop.Exec != nil {
		t.Error("preStop runs a program, and the image has no shell")
	}
}

func TestPodsHoldSecretsAsFilesAndNoPrivileges(t *testing.T) { eachManifest(t, checkSecrets) }

func checkSecrets(t *testing.T, o *objects) {
	t.Helper()
	pod, c := o.pod(), o.container()
	s, p := c.SecurityContext, pod.SecurityContext
	if !*p.RunAsNonRoot || *p.RunAsUser != 65532 || *s.AllowPrivilegeEscalation || !*s.ReadOnlyRootFilesystem || !slices.Equal(s.Capabilities.Drop, []corev1.Capability{"ALL"}) ||
		p.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault || *pod.AutomountServiceAccountToken || pod.HostNetwork {
		t.Errorf("%+v %+v", p, s)
	}
	for _, e := range c.Env {
		if e.ValueFrom != nil || strings.Contains(strings.ToLower(e.Name), "password") {
			t.Errorf("%s may be a secret in the environment", e.Name)
		}
	}
	if len(c.EnvFrom) > 0 {
		t.Error("the environment comes from somewhere")
	}
	for _, v := range pod.Volumes {
		if v.Secret != nil && *v.Secret.DefaultMode&0o007 != 0 {
			t.Errorf("everybody may read %s", v.Name)
		}
	}
	checkArgs(t, c.Args)
}

func TestConfigurationsAreWhatTheBunkerReads(t *testing.T) {
	texts := map[string]string{"kubernetes": read(t, manifests).config.Data["config.toml"], "kubernetes, hosted": read(t, hosting).config.Data["config.toml"]}
	for _, name := range []string{"config.toml", "hosted.toml"} {
		b, err := os.ReadFile("../shared/" + name)
		if err != nil {
			t.Fatal(err)
		}
		texts[name] = string(b)
	}
	for name, text := range texts {
		c, err := config.Parse([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if c.Metrics == "" || len(c.PublicURL) == 0 || (c.Wallet.Secret == "credential:wallet") != strings.Contains(name, "hosted") || len(c.Proxies) == 0 {
			t.Errorf("%s: %+v", name, c)
		}
	}
	eachManifest(t, func(t *testing.T, o *objects) {
		if keys := slices.Sorted(maps.Keys(o.config.Data)); !slices.Equal(keys, []string{"config.toml"}) {
			t.Errorf("the configuration has %v", keys)
		}
	})
}

// TestAHostedServiceIsTheSameButForItsGuests: what is put right in one of the manifests is
// put right in the other.
func TestAHostedServiceIsTheSameButForItsGuests(t *testing.T) {
	one, many := read(t, manifests), read(t, hosting)
	c := many.container()
	if !slices.Contains(c.Args, "--hosted") {
		t.Errorf("%q hosts nobody", c.Args)
	}
	c.Args = slices.DeleteFunc(c.Args, func(a string) bool { return a == "--hosted" })
	before, wallet, ok := strings.Cut(many.config.Data["config.toml"], "\n[wallet]\n")
	one.config.Data["config.toml"] = strings.TrimSpace(one.config.Data["config.toml"])
	if many.config.Data["config.toml"] = strings.TrimSpace(before); !ok || wallet == "" {
		t.Error("it has no wallet")
	}
	if !reflect.DeepEqual(one, many) {
		t.Error("they differ in more than --hosted and the wallet")
	}
}

// checkArgs holds an instance's command line against what start knows.
func checkArgs(t *testing.T, args []string) {
	t.Helper()
	golden, err := os.ReadFile("../../internal/cli/testdata/help.golden")
	if err != nil {
		t.Fatal(err)
	}
	_, help, ok := strings.Cut(string(golden), "\n$ nsecbunker start --help\n")
	if !ok {
		t.Fatal("the help of start was not found")
	}
	help, _, _ = strings.Cut(help, "\n$ nsecbunker ")
	if len(args) == 0 || args[0] != "start" {
		t.Fatalf("%q does not start it", args)
	}
	for _, a := range args[1:] {
		flag, value, _ := strings.Cut(a, "=")
		if !strings.Contains(help, " "+flag+" ") {
			t.Errorf("start has no flag %s", flag)
		}
		if flag == "--database" {
			if _, err := config.Parse([]byte("database = \"" + value + "\"\n")); err != nil {
				t.Errorf("%s: %v", a, err)
			}
		}
	}
	if !slices.Contains(args, "--shared") {
		t.Errorf("%q: an instance is one of several", args)
	}
}
