// Package rest serves the store over HTTP. It translates between the published protocol and
// the service and holds no rule of its own: names, rights and conditions are the service's to
// decide. What is particular to HTTP is here: addresses, negotiation, ranges, sessions and
// the one table from kinds of errors to statuses.
package rest
