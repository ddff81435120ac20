import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankkit.backends.gguf.token_tree import exact_log_probability, grow, log_probability

SEQUENCES = st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=5).map(tuple), min_size=1, max_size=20)


def test_single_tokens_need_no_node():
    (tree,) = grow([(5,), (7,)], limit=4)
    assert tree.nodes == () and tree.branches == 0 and tree.wanted == {(): {5, 7}}


def test_one_to_twenty_in_digits_need_two_nodes():
    numbers = [tuple(map(int, str(number))) for number in range(1, 21)]
    (tree,) = grow(numbers, limit=4)
    assert [(node.beginning, node.branches) for node in tree.nodes] == [((1,), (1,)), ((2,), (2,))]
    assert tree.wanted[(2,)] == {0}


def test_a_shared_beginning_belongs_to_all_its_branches():
    (tree,) = grow([(1, 2, 3), (1, 4, 5)], limit=4)
    assert [(node.beginning, node.branches) for node in tree.nodes] == [((1,), (1, 2)), ((1, 2), (1,)), ((1, 4), (2,))]


@given(SEQUENCES, st.integers(1, 6))
def test_every_row_that_a_score_needs_is_asked_for(sequences, limit):
    trees = grow(sequences, limit)
    wanted = {(beginning, token) for tree in trees for beginning, tokens in tree.wanted.items() for token in tokens}
    assert all((one[:depth], one[depth]) in wanted for one in sequences for depth in range(len(one)))
    for tree in trees:
        assert tree.branches <= limit
        seen = {(): set(range(1, tree.branches + 1))}
        for node in tree.nodes:  # parents first, and a child is on branches of its parent alone
            assert node.branches and set(node.branches) <= seen[node.beginning[:-1]]
            seen[node.beginning] = set(node.branches)
        assert seen.keys() == tree.wanted.keys()


def test_one_counts_without_ten():
    rows = {(): {1: math.log(0.8), 5: math.log(0.2)}, (1,): {0: math.log(0.9)}}
    one, five, ten = (1,), (5,), (1, 0)
    among = [one, five, ten]
    assert log_probability(ten, rows) == pytest.approx(math.log(0.8 * 0.9))
    assert exact_log_probability(one, among, rows) == pytest.approx(math.log(0.8 * 0.1))
    assert exact_log_probability(five, among, rows) == pytest.approx(math.log(0.2))
    assert exact_log_probability(one, [one, five], rows) == pytest.approx(math.log(0.8))
