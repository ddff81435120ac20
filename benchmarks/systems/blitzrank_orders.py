"""BlitzRank's own tournament graph on given scores: how many questions it needs, one score a document.

Its package imports litellm, datasets and more at the top, none of which the algorithm uses: the folder is made known
as a package without running its ``__init__``, so that ``pip install --no-deps blitzrank networkx`` is enough.
"""

import importlib.util
import json
import sys
import time
import types

spec = importlib.util.find_spec("blitzrank")
if spec is None:
    sys.exit("blitzrank is not installed")
package = types.ModuleType("blitzrank")
package.__path__ = list(spec.submodule_search_locations)
sys.modules["blitzrank"] = package

from blitzrank.engine.algorithms.tournament_graph.compare_oracle import (  # noqa: E402
    CompareOracle,
    Item,
    OracleResult,
    make_edges_from_linear_order,
)
from blitzrank.engine.algorithms.tournament_graph.tournament_graph_sort import tournament_graph_sort  # noqa: E402
from blitzrank.engine.algorithms.tournament_graph.types import TournamentGraphSortConfig  # noqa: E402


class ByScore(CompareOracle):
    def __init__(self, size, scores):
        super().__init__(size)
        self.scores = scores

    async def _compare_k_async(self, items):
        best_first = sorted(items, key=lambda item: (-self.scores[item.id], item.id))
        return OracleResult(edges=make_edges_from_linear_order(best_first))


size, top_k = int(sys.argv[1]), int(sys.argv[2])
for line in sys.stdin:
    scores = [float(document) for document in json.loads(line)["documents"]]
    started = time.perf_counter()
    # Its limit of 50 rounds is too low for pairs.
    unlimited = TournamentGraphSortConfig(max_num_rounds=None)
    result = tournament_graph_sort([Item(i) for i in range(len(scores))], ByScore(size, scores), top_k, unlimited)
    answer = {
        "seconds": time.perf_counter() - started,
        "order": [item.id for item in result.results],
        "questions": result.num_oracle_calls,
        "rounds": result.num_rounds,
    }
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
