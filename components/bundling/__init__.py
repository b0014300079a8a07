"""What runs in Lambda: a zip of each handler's folder.

bundles.py      the zip: the handler, the shared modules that it imports, packages for Lambda's platform
libraries.py    a handler's C: the shipped library of each architecture, its digest checked
c_compiler.py   builds those libraries; for developers and CI
"""
