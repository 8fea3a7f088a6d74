package bunkertest

import (
	_ "example/internal/daemon"
	_ "github.com/google/go-cmp/cmp"
)
