"""What a change does to the stacks, for whoever decides about it: a pull request's comment, its labels, drift's issues.

    python -m delivery stacks     which stacks the changed files touch
    python -m delivery strip      an engine's events with what the comment needs of them and nothing else
    python -m delivery comment    the one comment for all stacks, what goes into the job's summary, and the labels
    python -m delivery publish    puts the comment and the labels on the pull request, the same comment each time
    python -m delivery drift      one issue a stack that is no longer as the program has it, closed once it is again

    python -m delivery pulumi, credentials, preview, scan, embedded, verdict, reviewed, deploy   what steps call

settings.py    delivery.yaml: which stacks are deployed, what is masked
touched.py     changed files -> stacks
preview.py     the engine's events -> what changes, by resource
reasons.py     what an engine says of a failure, in a sentence
losses.py      whether data is lost with what changes
picture.py     a stack's config as a Mermaid picture
arrived.py     what arrived on the embedded cloud
costs.py       what a month costs, before and after
sections.py    the comment's parts
comment.py     the comment: parts in their order, cut to what GitHub takes
text.py        Markdown that stays what it was
values.py      mappings and lists of files and events, as the type checker understands them
strip.py       recorded events without what nobody reads
mask.py        account ids, addresses and credentials, as the config asks
reviewed.py    whether a deployment would do what was shown
drift.py       an issue's text
paused.py      what of a stack was switched off by hand
strangers.py   what was added by hand to a stack's own resources
accounts.py    clients for the resources of a state
github.py      the few calls of GitHub's API
installed.py   the `pulumi` command line and its providers, by the digests of pulumi.lock
credentials.py a job's token, exchanged for a role at AWS and at Google
command.py     the `pulumi` command line

Everything but accounts.py, the last four and __main__.py is pure: text and settings in, text out. What is written
about a resource is data of the pull request, and stands where Markdown takes it for nothing else.
"""
