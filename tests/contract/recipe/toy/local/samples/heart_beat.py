"""Beats of a sample stream, counted on it."""
