"""rankkit, as a user calls it."""

import sys

from serve import serve

import rankkit

reranker = rankkit.load(sys.argv[1])


def score(query, documents):
    ranking = reranker.rerank(query, documents)
    scores = dict(zip(ranking.order, ranking.scores, strict=True))
    return [scores[index] for index in range(len(documents))]


serve(score)
