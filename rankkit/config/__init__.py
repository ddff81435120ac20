"""A spec becomes a ``Reranker``. ``kinds.py`` is the only table of kinds; each paradigm has its spec beside it, and
``methods.py`` says what each kind of model can do.
"""

from rankkit.config.kinds import DEFAULT_MODELS as DEFAULT_MODELS
from rankkit.config.kinds import Paradigm as Paradigm
from rankkit.config.kinds import parse as parse
from rankkit.config.loading import clear_cache as clear_cache
from rankkit.config.loading import load as load
from rankkit.config.loading import rerank as rerank
from rankkit.config.loading import searcher as searcher
from rankkit.config.loading import to_toml as to_toml
