//go:build tools

// Pulumi's language host for YAML is built from the module that go.mod names.
package main

import _ "github.com/pulumi/pulumi-yaml/cmd/pulumi-language-yaml"
