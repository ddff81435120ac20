"""Graphs as data: read, measured, rewritten so that they compute less for the same answer, and kept beside the source.

``onnx_format`` reads and writes the files, ``probing`` learns the shapes, ``row_rules`` and ``narrowing`` rewrite,
``equivalence`` holds the result against the source, ``making`` does all of it and ``optimised`` finds what was made.
"""
