"""AWS on the developer's machine: ministack in one process, and what a program would miss in it, or not be refused.

`server` puts the extensions, a module for each subject, in front of ministack's own functions; `seams` has the
parts of ministack that they use or replace, `models` the services' models, `worker` what Lambda's workers import.
"""
