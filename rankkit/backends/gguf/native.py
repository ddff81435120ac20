"""A model, its context and its batch as llama.cpp holds them: opened, run so that a run can be ended, and freed."""

from __future__ import annotations

import ctypes
import os
import threading
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rankkit.backends.gguf import safety
from rankkit.backends.gguf.head import GgufHead
from rankkit.backends.gguf.log import keeper
from rankkit.backends.gguf.thread import NativeThread
from rankkit.core.cancellation import current
from rankkit.errors import BackendError, Cancelled, InvalidModel
from rankkit.machine.memory import available_memory

#: Sequences of the cache besides the trunk, and rows of logits in one batch: each row of a large vocabulary is 1 MB.
BRANCHES = 31
OUTPUTS = 64
#: What llama_decode returns when its abort callback said so.
_ABORTED = 2
#: Seconds for which a process that ends waits for a call that was asked to end: it looks after each layer.
_PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class Sizes:
    """Tokens of context, tokens computed at a time, and compute threads."""

    context: int
    batch: int
    threads: int


class AbortFlag:
    """What llama.cpp asks, once a node of its graph, whether to stop.

    It asks C's ``strlen``, of a text of no or one character: no Python runs inside a computation, which would wait for
    the interpreter's lock thousands of times a second.
    """

    def __init__(self, llama: Any, context: Any) -> None:
        self._text = ctypes.create_string_buffer(2)
        self._callback = _strlen(llama) or llama.ggml_abort_callback(lambda _: self._text.raw[0] != 0)
        llama.llama_set_abort_callback(context, self._callback, ctypes.cast(self._text, ctypes.c_void_p))

    @property
    def raised(self) -> bool:
        return self._text.raw[0] != 0

    def hoist(self) -> None:
        """End the call that runs. From any thread."""
        self._text[0] = b"\1"

    def lower(self) -> None:
        self._text[0] = b"\0"


def _strlen(llama: Any) -> Any:
    try:
        library = ctypes.CDLL("msvcrt") if os.name == "nt" else ctypes.CDLL(None)
        return ctypes.cast(library.strlen, llama.ggml_abort_callback)
    except (OSError, AttributeError):
        return None


class Handles:
    """llama.cpp's pointers, and who may use them: ``calls`` is held around a call, ``texts`` around tokenising."""

    def __init__(self, llama: Any, model: Any, context: Any, batch: Any) -> None:
        self.llama, self.model, self.context, self.batch = llama, model, context, batch
        self.flag = AbortFlag(llama, context)
        self.thread = NativeThread()
        self.calls, self.texts = threading.RLock(), threading.RLock()
        self.closing = self.closed = False
        self.process = os.getpid()


class Native:
    """The model in memory. Not more than one call at a time: the owner holds ``handles.calls``."""

    def __init__(self, path: Path, head: GgufHead, sizes: Sizes) -> None:
        """Raises:
        BackendError: this build is not safe here, or memory is short.
        InvalidModel: llama.cpp refuses the file, or it is no plain decoder.
        """
        self.llama = safety.import_llama()
        self.log = keeper()
        self._sizes = sizes
        extra = safety.allow_extra_buffers(safety.diagnose())
        scratch = 4 * (OUTPUTS * head.vocabulary + sizes.context * sizes.batch * head.number("attention.head_count", 1))
        needed = head.size + head.cache_bytes(sizes.context) + scratch
        safety.check_memory(needed, available_memory(), model=path.name, context=sizes.context)
        self.log.clear()
        model = self._load_model(path, extra_buffers=extra)
        context = self._open_context(model, path.name)
        self.batch = self.llama.llama_batch_init(sizes.context, 0, BRANCHES + 1)
        self.handles = Handles(self.llama, model, context, self.batch)
        self.context = context
        self.vocabulary = self.llama.llama_model_get_vocab(model)
        self._finalizer = weakref.finalize(self, _free, self.handles)
        # At exit the memory goes with the process: what counts is that no thread is inside any more.
        self._finalizer.atexit = False
        weakref.finalize(self, _end, self.handles)

    @property
    def is_open(self) -> bool:
        return self._finalizer.alive and not self.handles.closing

    def close(self) -> None:
        """Free the memory, once the call that runs is over."""
        with self.handles.calls, self.handles.texts:
            self._finalizer()

    def forsake(self) -> None:
        """In a forked child: leave the parent's pointers alone, for a call of the parent's may have been under way."""
        self._finalizer.detach()

    def decode(self) -> int:
        """llama_decode of the batch, and what it returns.

        Raises:
            Cancelled: the current cancellation was turned, or the process ends. The cache is then in any state.
        """
        flag = self.handles.flag
        flag.lower()
        if self.handles.closing:
            raise Cancelled("this model is closed: the process ends")
        with current().ended_by(flag.hoist):
            status = self.handles.thread.run(self._decode, flag.hoist)
            if status == _ABORTED and flag.raised:
                raise Cancelled("this work was cancelled while a model ran")
        return status

    def _decode(self) -> int:
        return int(self.llama.llama_decode(self.context, self.batch))

    def _load_model(self, path: Path, *, extra_buffers: bool) -> Any:
        parameters = self.llama.llama_model_default_params()
        if not extra_buffers:
            parameters.use_extra_bufts = False
        model = self.llama.llama_model_load_from_file(str(path).encode(), parameters)
        if not model:
            raise InvalidModel(
                f"llama.cpp cannot load {path.name}: {self.log.messages()}",
                hint="Fetch the file again, or upgrade llama-cpp-python if the model is newer than it is.",
            )
        has = self.llama
        if (
            has.llama_model_has_encoder(model)
            or not has.llama_model_has_decoder(model)
            or has.llama_model_is_recurrent(model)
            or has.llama_model_is_hybrid(model)
        ):
            has.llama_model_free(model)
            raise InvalidModel(
                f"{path.name} is not a decoder with attention alone: it has an encoder, or recurrent layers, whose "
                "state cannot be shared between answers",
                hint="Take a causal language model (Llama, Qwen, Gemma, Mistral, SmolLM, ...).",
            )
        return model

    def _open_context(self, model: Any, name: str) -> Any:
        parameters = self.llama.llama_context_default_params()
        wanted = {
            "n_ctx": self._sizes.context,
            "n_batch": self._sizes.context,  # a prompt is one call, however long
            "n_ubatch": min(self._sizes.batch, self._sizes.context),
            "n_seq_max": BRANCHES + 1,
            "n_outputs_max": OUTPUTS,
            "n_outputs_max_per_seq": 0,  # no limit of its own
            "n_threads": self._sizes.threads,
            "n_threads_batch": self._sizes.threads,
            "kv_unified": True,  # all sequences in one cache: what is what lets them share cells
            "flash_attn_type": 0,
            "swa_full": True,  # a sliding window that forgets could not go back to the beginning of a prompt
        }
        known = {field for field, _ in parameters._fields_}
        for field, value in wanted.items():
            if field in known:  # older versions of the library have fewer
                setattr(parameters, field, value)
        context = self.llama.llama_init_from_model(model, parameters)
        if not context:
            self.llama.llama_model_free(model)
            raise BackendError(
                f"llama.cpp cannot open a context of {self._sizes.context} tokens for {name}: {self.log.messages()}",
                hint="Give a smaller context=.",
            )
        return context


def _end(handles: Handles) -> bool:
    """Runs when nobody holds the model any more, or when the interpreter goes: then a thread may still be inside.

    Whether none is when it returns.
    """
    if handles.process != os.getpid():
        return False
    handles.closing = True  # before the flag: a call that begins now lowers it, and then sees this
    handles.flag.hoist()
    if not handles.calls.acquire(timeout=_PATIENCE):
        return False
    handles.thread.stop()
    handles.calls.release()
    return True


def _free(handles: Handles) -> None:
    """To free the memory under a running call would end the process with a signal: it is left alone then."""
    if handles.closed or not _end(handles):
        return
    with handles.calls, handles.texts:
        handles.closed = True
        handles.llama.llama_batch_free(handles.batch)
        handles.llama.llama_free(handles.context)
        handles.llama.llama_model_free(handles.model)
