package store

// Faults lets tests make the store fail where a real one could: before each
// statement of a write, before COMMIT, and after it (the outcome then stands,
// and the store does not know it). Production has none.
type Faults interface {
	// At returns an error to fail with at the point.
	At(point string) error
}

// The points, besides the names of the statements.
const (
	FaultBegin  = "begin"
	FaultCommit = "commit"    // COMMIT fails: nothing is stored
	FaultLost   = "committed" // COMMIT succeeds; its answer is lost
	FaultReread = "reread"    // reading back after a failed COMMIT
	FaultChange = "change"    // a statement of a change by an admin
)
