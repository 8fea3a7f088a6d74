// Package host is what a hosted instance owes to its tenants and they to it: seats,
// tenants' lives, orders and prices. It is pure.
package host
