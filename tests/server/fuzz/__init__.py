"""Requests that nobody should send, made from those that somebody does."""
