"""The local providers: what the engine starts in place of Pulumi's own for AWS and Google Cloud.

They serve its protocol over tables of types, and carry each type out by calls to the embedded cloud on loopback."""
