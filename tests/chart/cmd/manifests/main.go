// Command manifests writes every generated file of manifests/, or with -check says which of them are out of date.
package main

import (
	"sealed-secrets/tests/chart/published"
	"sealed-secrets/tests/made"
)

func main() {
	made.Main("manifests", published.Files)
}
