"""Prepares what the tests in other languages need, and prints where it is."""

from tests.e2e import languages

languages.prepare()
print(languages.yaml_host(), languages.typescript())
