"""What runs in Lambda: a zip of each handler's folder.

bundles.py      the zip: the handler, the shared modules that it imports, packages for Lambda's platform
c_compiler.py   a handler's C, compiled for Lambda's architecture
"""
