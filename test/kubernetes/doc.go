// Package kubernetes reads what holdfast renders for containers as Kubernetes and Compose do:
// strictly, with their own types. It is a module of its own, so that no user of holdfast
// downloads those.
package kubernetes
