"""Files of the field, as values: requests, judgements, runs, corpora; each error says the file and the line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rankkit.core.lazy import lazily

if TYPE_CHECKING:
    from rankkit.data.conversion import Conversion as Conversion
    from rankkit.data.conversion import convert as convert
    from rankkit.data.corpus import Corpus as Corpus
    from rankkit.data.datasets import Dataset as Dataset
    from rankkit.data.datasets import load_dataset as load_dataset
    from rankkit.data.datasets import with_run as with_run
    from rankkit.data.documents import read_documents as read_documents
    from rankkit.data.ir_datasets import load_ir_dataset as load_ir_dataset
    from rankkit.data.qrels import read_qrels as read_qrels
    from rankkit.data.requests import read_requests as read_requests
    from rankkit.data.runs import Run as Run
    from rankkit.data.runs import read_run as read_run
    from rankkit.data.runs import write_run as write_run
    from rankkit.data.text_files import TextFolder as TextFolder
else:
    __getattr__, __dir__, __all__ = lazily(
        __name__,
        {
            "Conversion": "rankkit.data.conversion",
            "Corpus": "rankkit.data.corpus",
            "Dataset": "rankkit.data.datasets",
            "Run": "rankkit.data.runs",
            "TextFolder": "rankkit.data.text_files",
            "convert": "rankkit.data.conversion",
            "load_dataset": "rankkit.data.datasets",
            "load_ir_dataset": "rankkit.data.ir_datasets",
            "read_documents": "rankkit.data.documents",
            "read_qrels": "rankkit.data.qrels",
            "read_requests": "rankkit.data.requests",
            "read_run": "rankkit.data.runs",
            "with_run": "rankkit.data.datasets",
            "write_run": "rankkit.data.runs",
        },
    )
