// The engine that local/engine.py builds; go.sum has the digest of each module.
module engine

go 1.25.11

require github.com/pulumi/pulumi/pkg/v3 v3.250.0

// pkg/v3 replaces this module in its own go.mod, which Go does not pass on to whoever requires it.
replace github.com/atotto/clipboard => github.com/tgummerer/clipboard v0.0.0-20241001131231-d02d263e614e
