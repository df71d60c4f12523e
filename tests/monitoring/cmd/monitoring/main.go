// Command monitoring writes every file that is made from manifests/monitoring, or with -check says which are out of date.
package main

import (
	"sealed-secrets/tests/made"
	"sealed-secrets/tests/monitoring/mixin"
)

func main() {
	made.Main("monitoring", mixin.Files)
}
