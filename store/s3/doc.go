// Package s3 keeps content in buckets of Amazon S3 or of services that speak its protocol. Where
// content lies follows from the reference that it was stored under, in the ways of the original
// server, so that both find it.
package s3
