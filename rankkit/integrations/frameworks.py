"""The guard around the imports of a framework. Frameworks rename: where a name is gone, the versions are what helps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata

from packaging.requirements import Requirement

from rankkit.core.extras import DISTRIBUTION, install_line
from rankkit.errors import MissingExtra


@contextmanager
def framework(extra: str, distribution: str, purpose: str) -> Iterator[None]:
    """Wrap the imports of an adapter: ``with framework("langchain", "langchain-core", "the LangChain adapter"): ...``.

    Raises:
        MissingExtra: the framework is not installed, or its installed version lacks what is imported from it: then the
            error says which version was found and which are supported.
    """
    try:
        yield
    except ImportError as error:
        hint = f"Install it with: {install_line(extra)}"
        found = _installed(distribution)
        if not found:
            raise MissingExtra(f"{purpose} needs {distribution}, which is not installed", hint=hint) from error
        if not _belongs(error, distribution):
            raise
        supported = _supported(extra, distribution)
        raise MissingExtra(
            f"{purpose} cannot import what it needs from {distribution} {found} ({error.msg}); "
            f"supported is {distribution}{supported}",
            hint=hint,
        ) from error


def _installed(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""


def _belongs(error: ImportError, distribution: str) -> bool:
    """Whether it is the framework's own module that is not there, or lacks a name."""
    package = (error.name or "").partition(".")[0]
    return distribution in metadata.packages_distributions().get(package, ()) or package == distribution


def _supported(extra: str, distribution: str) -> str:
    """The versions that rankkit's own metadata asks for, as ``>=1.0``."""
    try:
        requirements = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:  # run from a folder, without being installed
        return ""
    for requirement in map(Requirement, requirements):
        if requirement.name == distribution and requirement.marker and requirement.marker.evaluate({"extra": extra}):
            return str(requirement.specifier)
    return ""
