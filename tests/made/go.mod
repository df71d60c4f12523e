module sealed-secrets/tests/made

go 1.25.0
