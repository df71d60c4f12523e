module sealed-secrets/tests/image

go 1.25.0

require (
	github.com/opencontainers/image-spec v1.1.1
	golang.org/x/sys v0.40.0
	oras.land/oras-go/v2 v2.6.0
)

require (
	github.com/opencontainers/go-digest v1.0.0 // indirect
	golang.org/x/sync v0.14.0 // indirect
)
