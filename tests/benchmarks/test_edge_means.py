from benchmarks.edge_means import SETTINGS, errors, shown


def test_around_one_hub_clusters_are_certain_of_nothing_and_leaving_out_nodes_admits_it() -> None:
    found = errors(SETTINGS[0], 0.0, nights=12, count=60)
    assert found.held == {"edges": found.held["edges"], "clusters": 0.0, "nodes left out": 1.0}
    assert found.passed["own interval, clusters"] > 0.1  # half of the nights, but for chance
    assert found.passed["paired, nodes left out"] == 0.0


def test_a_challenger_equal_to_the_best_heuristic_seldom_passes_and_a_better_one_does() -> None:
    equal, better = (errors(SETTINGS[-1], gain, nights=40, count=200) for gain in (0.0, 0.15))
    assert equal.passed["paired, nodes left out"] <= 0.1
    assert better.passed["paired, nodes left out"] >= 0.9
    assert equal.held["nodes left out"] >= 0.85
    assert shown([equal, better]).row_count == 2
