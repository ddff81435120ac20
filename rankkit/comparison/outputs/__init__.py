"""Reports of a comparison, one file a format; each is made from the ``Comparison`` alone."""
