"""What both sides of a deployment must know, written once: plain Python of the standard library.

Components import a module from here by its whole name; a handler imports it as a sibling (`import catalog_names`), and
the bundle of every handler that does so carries it (components/bundling/bundles.py).
"""
