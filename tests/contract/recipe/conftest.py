"""The toy's tests are for the tree that the recipe makes; here they have nothing to import."""

collect_ignore = ["toy"]
