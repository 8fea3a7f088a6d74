//go:build goexperiment.runtimesecret

package voi

import "runtime/secret"

// guarded runs f, which computes with secrets, and wipes the stack and the
// registers that it used. The runtime does it: whoever builds with
// GOEXPERIMENT=runtimesecret gets the stronger version.
func guarded(f func()) { secret.Do(f) }
