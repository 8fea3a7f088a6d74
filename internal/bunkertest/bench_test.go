package bunkertest

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// BenchmarkApproval is a question over loopback, with everybody in one process: from
// the request's frame to the notice that a connected admin hears, and from his answer
// to the app's reply. The answer names what was shown, which he asks for between.
func BenchmarkApproval(b *testing.B) {
	x := Start(b, Options{})
	x.AddKey("herald")
	s := x.Person("approver").In()
	app := x.Connected(x.Token("herald", ""))
	var asked, answered []time.Duration
	for b.Loop() {
		x.Clock.Pass(time.Second) // the notices of a session are paced
		q := app.Prepare("sign_event", app.Note(1, fmt.Sprint("please ", len(asked))))
		begin := time.Now()
		q.Send()
		id := s.Hears("question")["id"]
		asked = append(asked, time.Since(begin))
		digest := s.Do("approval.list", nil).Text("approvals.0.digest")
		begin = time.Now()
		s.Do("approval.answer", Params{"id": id, "digest": digest})
		q.Signed()
		answered = append(answered, time.Since(begin))
	}
	for name, list := range map[string][]time.Duration{"notice": asked, "reply": answered} {
		slices.Sort(list)
		for _, p := range []int{50, 99} {
			at := list[min(len(list)-1, len(list)*p/100)]
			b.ReportMetric(float64(at.Microseconds())/1e3, fmt.Sprintf("%s-p%d-ms", name, p))
		}
	}
}
