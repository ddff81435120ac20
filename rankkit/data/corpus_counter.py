"""A corpus counted while it is streamed through, and compared with judgements and candidates."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Set

from rankkit.core.ranking import Candidate
from rankkit.data.corpus import Corpus
from rankkit.data.duplicates import Repeats, digest, pairs
from rankkit.data.findings import Findings
from rankkit.data.text_facts import LONG_DOCUMENT, TextCounter

#: Of each kind of repetition.
_EXAMPLES = 3


class CorpusCounter:
    """``judged`` are the ids of judged documents, ``candidates`` the digests of candidates by their ids."""

    def __init__(self, corpus: Corpus, findings: Findings, judged: Set[str], candidates: Mapping[str, int]) -> None:
        self._corpus = corpus
        self._findings = findings
        self._judged = judged
        self._candidates = candidates
        self._ids, self._contents = Repeats(), Repeats()
        self.texts = TextCounter("documents of the corpus", LONG_DOCUMENT, findings)
        self.documents = 0
        self.empty = 0

    @property
    def same_text(self) -> int:
        """Documents with the text of an earlier one."""
        return self._contents.more

    def read(self, on_read: Callable[[int], None]) -> None:
        """Go through the corpus; what is wrong goes to the findings. ``on_read`` is given how many have been read."""
        there: set[str] = set()
        for _, document in self._corpus.located(self._on_empty, self._findings.in_file(self._corpus.path)):
            self.documents += 1
            on_read(self.documents)
            self._ids.add(document.id)
            self._contents.add(document.content)
            self.texts.add(f"document {document.id}", document.content)
            if document.id in self._judged or document.id in self._candidates:
                there.add(document.id)
            known = self._candidates.get(document.id)
            if known is not None and known != digest(document.content):
                self._findings.add("note", "candidates with another text than in the corpus", f"document {document.id}")
        if not self.documents:
            self._findings.add("error", f"{self._corpus.path}: no documents")
        self._missing("judged documents", self._judged - there)
        self._missing("candidates", self._candidates.keys() - there - self._judged)
        self._repetitions()

    def _on_empty(self, where: str) -> None:
        self.empty += 1
        self._findings.add(
            "note", f"{self._corpus.path}: documents without a title and a text, which no search finds", where
        )

    def _missing(self, what: str, names: Set[str]) -> None:
        examples = (f"document {name}" for name in sorted(names)[:_EXAMPLES])
        self._findings.add("warning", f"{what} that are not in the corpus", *examples, count=len(names))

    def _repetitions(self) -> None:
        """With examples, for which a corpus that repeats itself is read again, as far as it takes."""
        if repeated := self._ids.repeated():
            rows = ((where, document.id) for where, document in self._again())
            examples = (f"{where}, as at {first}" for where, first in pairs(rows, repeated, _EXAMPLES))
            words = f"{self._corpus.path}: documents whose id was there before"
            self._findings.add("error", words, *examples, count=self._ids.more)
        if repeated := self._contents.repeated():
            rows = ((document.id, document.content) for _, document in self._again())
            examples = (f"document {name} as {first}" for name, first in pairs(rows, repeated, _EXAMPLES))
            words = f"{self._corpus.path}: documents with the text of an earlier one"
            self._findings.add("warning", words, *examples, count=self._contents.more)

    def _again(self) -> Iterator[tuple[str, Candidate]]:
        return self._corpus.located(on_fault=lambda fault: None)
