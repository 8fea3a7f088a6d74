package main

import (
	"bytes"
	"strings"
	"testing"
)

func sample(cpu float64) *results {
	return &results{Backend: "b", Floor: floors{SignEvent: 100}, Keys: map[int]*scaled{1: {CPURatio: cpu, IdleMB: 30, LoadMB: 70}}}
}

func TestARatioMoreThan15PercentWorseFails(t *testing.T) {
	base := sample(2).ratios()
	for cpu, ok := range map[float64]bool{1: true, 2: true, 2.29: true, 2.31: false, 9: false} {
		var out bytes.Buffer
		err := sample(cpu).compare(&out, base)
		if (err == nil) != ok {
			t.Errorf("%.2f after 2: %v", cpu, err)
		}
		if err != nil && !strings.Contains(err.Error(), "sign_event_cpu_by_floor_1_keys") {
			t.Errorf("the error does not name the ratio: %v", err)
		}
	}
}

func TestAMissedTargetIsMarked(t *testing.T) {
	var out bytes.Buffer
	if err := sample(1).print(&out); err != nil || strings.Contains(out.String(), "MISSED") {
		t.Errorf("%v\n%s", err, &out)
	}
	if err := sample(3).print(&out); err != nil || !strings.Contains(out.String(), "MISSED") {
		t.Errorf("%v\n%s", err, &out)
	}
}

func TestTheMedianIsTheMiddle(t *testing.T) {
	if m := median([]float64{9, 1, 5}); m != 5 {
		t.Error(m)
	}
	if m := median(nil); m != 0 {
		t.Error(m)
	}
}

// The floor is what the whole is compared with: each part was measured, and the
// whole leaves none out.
func TestTheFloorIsTheSumOfItsParts(t *testing.T) {
	f, err := measureFloors()
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []float64{f.Verify, f.Open, f.Sign, f.Plain, f.Close, f.ECDH, f.Read} {
		if part <= 0 {
			t.Errorf("a part was not measured: %+v", f)
		}
	}
	if f.SignEvent != f.Verify+f.Open+f.Sign+f.Plain+f.Close || f.Decrypt != f.Verify+f.Open+f.ECDH+f.Read+f.Plain+f.Close {
		t.Errorf("%+v", f)
	}
}
