from litebert.tasks.kind import Result
from litebert.tasks.lengths import length_section, score_lengths


def test_results_are_scored_in_buckets_that_reach_twice_as_far():
    results = [Result(None, 1.0, tokens) for tokens in (3, 16, 17, 32, 33, 200)]
    found = score_lengths(results, lambda part: float(len(part)))
    assert [(one.least, one.most, one.examples) for one in found] == [
        *((0, 16, 2), (17, 32, 2), (33, 64, 1), (129, 256, 1)),
    ]
    (table,) = length_section(found, "Accuracy", "{:.0f}".format).blocks
    assert [row[0] for row in table.rows] == ["up to 16", "17 – 32", "33 – 64", "129 – 256"]
