package main

import (
	"context"
)

func check(context.Context, []string) error { return nil }
func show(context.Context, []string) error  { return nil }
