"""What a release is made of: `.github/workflows/release.yml` calls this and nothing else.

    python -m release check v1.2.3       whether the tag, CHANGELOG.md, the version and the kept state agree
    python -m release notes v1.2.3       what the changelog says of the version
    python -m release bundles            the handlers' names, for the workflow's matrix
    python -m release bundle <handler>   the handler's zip, and its bill of materials, into a folder
    python -m release program            the program's bill of materials and the plugin's schema, into a folder

notes.py     the changelog: its versions, and whether one can be released
locks.py     a lock of packages: versions, digests, and which package requires which
bills.py     bills of materials in CycloneDX
"""
