"""The pipelines, a room each; pipeline.py has what all of them share."""
