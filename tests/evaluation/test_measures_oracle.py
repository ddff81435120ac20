"""Runs with equal scores and unjudged documents, measured by pytrec_eval itself: the same figures to the last digit."""

import random

import pytest

pytest.importorskip("ir_measures", reason="the extra `eval` is not installed")

import pytrec_eval

from rankkit.data.runs import read_run
from rankkit.evaluation.measures import evaluate, parse_measures

NAMES = {"nDCG@10": "ndcg_cut_10", "RR": "recip_rank", "AP@100": "map_cut_100", "R@100": "recall_100", "P@5": "P_5"}


@pytest.mark.parametrize("seed", range(40))
def test_a_run_has_the_figures_that_pytrec_eval_gives_it(tmp_path, seed):
    draw = random.Random(seed)
    documents = [f"d{number}" for number in range(150)]
    qrels = {
        f"q{query}": {document: draw.choice([0, 0, 1, 2, 3]) for document in draw.sample(documents, 60)}
        for query in range(8)
    }
    # Few different scores make many ties; every other document is unjudged.
    run = {
        query: {document: float(draw.randint(0, 9)) for document in draw.sample(documents, draw.randint(1, 130))}
        for query in list(qrels)[: draw.randint(1, 8)]
    }
    lines = [f"{query} Q0 {name} 1 {score} t" for query, listed in run.items() for name, score in listed.items()]
    draw.shuffle(lines)
    (tmp_path / "run.trec").write_text("\n".join(lines) + "\n", encoding="utf-8")

    ours = evaluate(qrels, read_run(tmp_path / "run.trec").orders, parse_measures(",".join(NAMES)))
    theirs = pytrec_eval.RelevanceEvaluator(qrels, set(NAMES.values())).evaluate(run)
    for measure, name in NAMES.items():
        for query in qrels:
            assert ours.per_query[measure][query] == theirs.get(query, {}).get(name, 0.0)
