"""CONTRIBUTING.md's recipes, followed: toy/ has the files that they say to write, edits.py what they say to change."""
