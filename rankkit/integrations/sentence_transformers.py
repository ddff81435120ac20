"""sentence-transformers' ``CrossEncoder`` over rankkit's models: change the import line, and nothing else.

::

    from rankkit.integrations.sentence_transformers import CrossEncoder

    model = CrossEncoder("ms-marco-MiniLM-L-12-v2")
    model.predict([("how long do fleas live?", "Adult fleas live up to 100 days.")])
    model.rank("how long do fleas live?", ["...", "..."], top_k=3, return_documents=True)

Scores are put through the sigmoid, as there for a model with one label, unless the ``config.json`` in its folder says
otherwise, as there too (those of the hub's ms-marco models do: logits). Neither torch nor a GPU is needed, and nothing
is downloaded. (Compared with sentence-transformers 6.2, and with the spellings that older versions had.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rankkit.core.extras import require_extra
from rankkit.errors import InputError
from rankkit.integrations.activations import Function, chosen
from rankkit.integrations.made_from import Model, RerankerSource
from rankkit.integrations.model_folder import length_of, stated_activation
from rankkit.integrations.numbers import pair_numbers
from rankkit.integrations.progress_bar import progress_bar
from rankkit.integrations.sentence_transformers_arguments import (
    ModelCardData,
    first_of,
    prompt_of,
    read_pairs,
    refuse,
    refuse_prompt,
    say_without_effect,
    value_of,
)


class CrossEncoder:
    """``model_name_or_path`` is a name of the hub or of rankkit's catalogue, a model's folder, whatever else
    ``rankkit.load`` takes, or a reranker.

    With an effect: ``max_length``, ``activation_fn``, ``backend="openvino"`` (the engine), ``file_name`` in
    ``model_kwargs`` (the graph) and ``model_max_length`` in ``processor_kwargs``. What says how to download or where
    to compute has none, and the log says so where it is given. Refused is what would change scores and cannot be done:
    ``modules``, several labels, prompts.

    Raises:
        ModelNotPulled: known, but not on this machine; names the command that pulls it.
        ConfigError: something that cannot be done here.
    """

    def __init__(  # noqa: PLR0913 - their parameters, and the names that these had before
        self,
        model_name_or_path: Model | None = None,
        num_labels: int | None = None,
        max_length: int | None = None,
        activation_fn: Function | None = None,
        device: str | None = None,
        *,
        modules: object = None,
        prompts: Mapping[str, str] | None = None,
        default_prompt_name: str | None = None,
        cache_folder: str | None = None,
        trust_remote_code: bool = False,
        revision: str | None = None,
        local_files_only: bool = False,
        token: bool | str | None = None,
        model_kwargs: Mapping[str, Any] | None = None,
        processor_kwargs: Mapping[str, Any] | None = None,
        config_kwargs: Mapping[str, Any] | None = None,
        model_card_data: object = None,
        backend: str = "torch",
        keep_in_fp32_modules: Sequence[str] | None = None,
        model_name: Model | None = None,
        automodel_args: Mapping[str, Any] | None = None,
        tokenizer_args: Mapping[str, Any] | None = None,
        tokenizer_kwargs: Mapping[str, Any] | None = None,
        config_args: Mapping[str, Any] | None = None,
        cache_dir: str | None = None,
        default_activation_function: Function | None = None,
        classifier_dropout: float | None = None,
    ) -> None:
        model = model_name if model_name_or_path is None else model_name_or_path
        labels = first_of(num_labels, value_of(config_kwargs or config_args, "num_labels"))
        refuse(model, modules=modules, labels=labels, prompt=prompt_of(prompts, default_prompt_name))
        say_without_effect({"device": device, "revision": revision, "keep_in_fp32_modules": keep_in_fp32_modules})
        graph = value_of(model_kwargs or automodel_args, "file_name")
        length = value_of(processor_kwargs or tokenizer_kwargs or tokenizer_args, "model_max_length")
        given = {
            "max_length": first_of(max_length, length),
            "graph": graph,
            "engine": "openvino" if backend == "openvino" else None,
        }
        options = {key: value for key, value in given.items() if value is not None}
        self._source = RerankerSource(model, options=options or None)
        self._source.reranker()  # there too, a missing model is an error here
        asked = first_of(activation_fn, default_activation_function)
        self.activation_fn: Function | None = asked if asked is not None else stated_activation(self._source)
        self.model_card_data = ModelCardData()
        self.num_labels = 1
        self.device = "cpu"

    def predict(  # noqa: PLR0913
        self,
        inputs: Any = None,
        prompt_name: str | int | None = None,
        prompt: str | None = None,
        batch_size: int = 32,
        show_progress_bar: bool | None = None,  # noqa: FBT001 - as there
        activation_fn: Function | None = None,
        apply_softmax: bool | None = False,  # noqa: FBT001, FBT002
        convert_to_numpy: bool = True,  # noqa: FBT001, FBT002
        convert_to_tensor: bool = False,  # noqa: FBT001, FBT002
        device: object = None,
        pool: object = None,
        chunk_size: int | None = None,
        *,
        sentences: Any = None,
        activation_fct: Function | None = None,
        num_workers: int = 0,
    ) -> Any:
        """The score of each pair (query, text), in their order: an array of float32. One pair gives one number.

        ``convert_to_tensor`` gives a tensor, which needs torch; without ``convert_to_numpy`` it is a list of numbers.
        ``batch_size`` has no effect (nor have ``device``, ``pool``, ``chunk_size``): no score depends on the batch.
        ``apply_softmax`` has none with one label. A method without scores (listwise) gives 1 / rank.

        Raises:
            InputError: not pairs of two strings, or one without a query.
        """
        if isinstance(prompt_name, int):  # the second parameter was the batch size until version 5
            batch_size, prompt_name = prompt_name, None
        if batch_size <= 0:
            raise InputError(f"batch_size is {batch_size}", hint="Give 1 or more.")
        refuse_prompt(prompt_name, prompt)
        pairs, single = read_pairs(sentences if inputs is None else inputs)
        activation = chosen(first_of(activation_fn, activation_fct, self.activation_fn))
        with progress_bar("Scoring", len(pairs)) if show_progress_bar and pairs else nullcontext() as progress:
            numbers = pair_numbers(self._source, pairs, activation=activation, progress=progress)
        scores: NDArray[np.float32] = np.array(numbers, dtype=np.float32)
        if convert_to_tensor:
            with require_extra("export", "convert_to_tensor"):
                import torch
            scores = torch.from_numpy(scores)
        elif not convert_to_numpy:
            return scores[0] if single else list(scores)
        return scores[0] if single else scores

    def rank(  # noqa: PLR0913
        self,
        query: str,
        documents: Sequence[str],
        top_k: int | None = None,
        return_documents: bool = False,  # noqa: FBT001, FBT002
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int = 32,
        show_progress_bar: bool | None = None,  # noqa: FBT001
        activation_fn: Function | None = None,
        device: object = None,
        pool: object = None,
        chunk_size: int | None = None,
        *,
        activation_fct: Function | None = None,
        apply_softmax: bool = False,
        convert_to_numpy: bool = True,
        convert_to_tensor: bool = False,
        num_workers: int = 0,
    ) -> list[dict[str, Any]]:
        """``{"corpus_id": position, "score": float}`` for each document, best first, and its ``text`` if asked for."""
        documents = list(documents)
        scores = self.predict(
            [(query, document) for document in documents],
            prompt_name,
            prompt,
            batch_size=batch_size,
            show_progress_bar=show_progress_bar,
            activation_fn=first_of(activation_fn, activation_fct),
        ).tolist()
        order = sorted(range(len(scores)), key=lambda place: (-scores[place], not documents[place].strip()))[:top_k]
        rows = ({"corpus_id": place, "score": scores[place]} for place in order)
        return [{**row, "text": documents[row["corpus_id"]]} if return_documents else row for row in rows]

    @property
    def max_length(self) -> int | None:
        """Tokens of query and text together. Set to another number, the model is loaded again at the next call."""
        given = (self._source.options or {}).get("max_length")
        return given if isinstance(given, int) else length_of(self._source)

    @max_length.setter
    def max_length(self, tokens: int) -> None:
        options = {**(self._source.options or {}), "max_length": tokens}
        changed = RerankerSource(self._source.model, options=options)
        self._source.close()
        self._source = changed

    max_seq_length = max_length

    @property
    def default_activation_function(self) -> Function | None:
        """What ``activation_fn`` was called before."""
        return self.activation_fn

    def close(self) -> None:
        """Give the model's memory back."""
        self._source.close()

    def __repr__(self) -> str:
        return f"CrossEncoder({self._source.name!r})"
