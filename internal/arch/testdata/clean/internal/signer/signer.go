package signer

import "example/internal/policy"

func judge() { policy.Decide() }
