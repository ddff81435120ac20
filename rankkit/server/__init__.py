"""An HTTP server that speaks the wire formats of the rerank services (extra ``server``): ``rankkit serve``.

``exchange`` has the values that go through it: a ``Dialect`` reads a body into a ``WireRequest``, the application ranks
it, and the same dialect writes the ``Ranked`` or the ``Problem`` as its clients expect it.
"""
