"""What this cloud takes of ministack, a module for each of its services: no other module imports ministack.

Most of it is private there, which is why pyproject.toml pins ministack to the patch. A name here is public and typed;
where an upgrade takes a part away or changes it, one line of one of these modules is to be changed
(tests/unit/local/private_names.txt has each part with its signature, and the version that it is of).
"""
