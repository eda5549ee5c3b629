"""The ablations as tables: what is written under them follows from their numbers, whatever is missing."""

import itertools

import numpy as np
import pytest
from scipy import stats

from crt.checkpoint import Defaults
from scripts.report.ablation import ONE_TILE
from scripts.report.base import Chart, Line, Table
from scripts.report.charts import svg
from scripts.report.pages import markdown
from scripts.report.sections import KINDS
from scripts.report.verdict import CONFIDENCE, LEAST_SEEDS, Paired, difference, listed, verdict_of_all
from tests.helpers.ablation_sample import OFFSETS, ablation, crt, row, trained, whole


def section_of(result: dict):
    return KINDS["rows"](result, Defaults())


@pytest.fixture(scope="module")
def tables() -> dict[str, Table]:
    return {table.head[0]: table for table in section_of(whole()).tables}


def test_ablations_become_tables_with_a_spread_and_the_papers_numbers_apart():
    section = section_of(
        ablation(
            row("consistency", "λ = 0.1", 0, crt_loops_3=50, crt_loops_3_unrefined=40, crt_cnn=45),
            row("consistency", "λ = 0.1", 1, crt_loops_3=53, crt_loops_3_unrefined=40, crt_cnn=45),
            row("consistency", "λ = 0", 0, crt_loops_3=41.5, crt_loops_3_unrefined=42, crt_cnn=45),
            row("twins", "CNN + transformer", 0, crt_cnn=45, crt_loops_3=50, crt_loops_3_unrefined=40),
            row("twins", "the same CNN twice", 0, crt_cnn=44, resnet=43),
            missing=("one",),
        )
    )
    consistency, twins = section.tables
    assert consistency.head[-1] == "paper: seeds, 21 classes"
    assert consistency.rows == (
        ("λ = 0", "41.5", "42.0", "–", "45.0", "40.8"),
        ("λ = 0.1", "51.5 ± 1.5", "40.0 ± 0.0", "–", "45.0 ± 0.0", "51.5"),
    )
    helps, *best = consistency.caption  # seed against the same seed
    assert "(paper +10.7): CRT, 3 loops, refined +8.5, the claim is inconclusive (1 seed, a verdict needs 3)" in helps
    assert "unrefined -2.0, the claim is inconclusive (1 seed" in helps
    assert best == []  # nothing else to be the best of
    assert twins.rows == (("CNN + transformer", "45.0", "40.0", "25.0"), ("the same CNN twice", "44.0", "43.0", "75.0"))
    assert (
        "That is inconclusive (1 seed, a verdict needs 3): the correlation of the two CNNs is +50.0" in twins.caption[0]
    )
    assert "Not measured: one." in section.notes[0] and "336 pixels" in section.notes[0]
    assert section.notes[1].startswith("30 minutes of training in all")
    assert section.command == "python -m scripts.ablate --root VOC2012 --out ablate"


def test_the_interval_is_that_of_students_t_test():
    gaps = (1.0, 4.0, 2.5, -0.5)
    theirs = stats.ttest_1samp(gaps, 0).confidence_interval(CONFIDENCE)
    assert Paired(gaps).interval() == pytest.approx((theirs.low, theirs.high))
    wider = stats.ttest_1samp(gaps, 0).confidence_interval(1 - (1 - CONFIDENCE) / 3)
    assert Paired(gaps).interval(3) == pytest.approx((wider.low, wider.high))


def test_a_verdict_needs_three_seeds_and_an_interval_that_excludes_zero():
    assert Paired((3.0, 4.0, 3.5)).verdict() == "holds" and Paired((3.0, 4.0, 3.5)).verdict(-1) == "does not hold"
    assert Paired((-3.0, -4.0, -3.5)).verdict() == "does not hold" and Paired((-3.0, -4.0, -3.5)).verdict(-1) == "holds"
    assert Paired((3.0, 4.0, 3.5)).statement() == "holds (95 % interval +2.3 to +4.7, 3 seeds)"
    assert Paired((1.0, 4.0, 9.0)).statement() == "is inconclusive (95 % interval -5.4 to +14.7, 3 seeds)"
    for few in ((), (3.0,), (30.0, 30.1)):  # however far from zero they are
        assert Paired(few).verdict() == "inconclusive" and "a verdict needs 3" in Paired(few).statement()
    assert str(Paired((3.0, 5.0))) == "+4.0 (+3.0 to +5.0)" and str(Paired((3.0,))) == "+3.0"


def test_runs_of_one_seed_are_compared_and_count_once():
    first = [row("consistency", "a", seed, crt_loops_3=50 + seed) for seed in (0, 1)]
    other = [row("consistency", "b", seed, crt_loops_3=40 + 4 * seed) for seed in (0, 1, 2)]
    assert Paired.between(first, "crt_loops_3", other) == Paired((10, 7))  # of seeds 0 and 1
    assert not Paired.between(first, "crt_loops_3", other[2:])  # no seed in common
    more = {"a": 1, "b": 3, "c": 100}
    runs = [
        row("loops", name, seed, one=10 * seed + more[name], two=0)
        for name in more
        for seed in (0, 1, 2)
        if name != "c" or seed
    ]
    gaps = Paired.within(runs, lambda run: difference(run, "one", "two"))
    assert gaps == Paired((2, 12, 22))  # the mean of a and b at each seed; c has not all of them
    assert not Paired.within(runs, lambda run: difference(run, "one", "three"))


def false_findings(seeds: int, rule, *, rows: int = 2, trials: int = 4000) -> float:
    """Share of simulated ablations without any difference in which a rule finds one."""
    rng = np.random.default_rng(seeds)
    found = 0
    for _ in range(trials):
        luck = rng.normal(0, 4, seeds)  # what a seed does to all rows
        runs = luck + rng.normal(0, 3, (rows, seeds))
        found += rule(runs)
    return found / trials


@pytest.mark.parametrize("seeds", [3, 4, 6])
def test_where_nothing_differs_one_in_twenty_is_a_finding(seeds):
    rate = false_findings(seeds, lambda runs: Paired(tuple(runs[0] - runs[1])).verdict() != "inconclusive")
    assert 0.035 < rate < 0.065


def test_the_simulation_sees_a_rule_that_finds_too_much():
    def beyond_half_the_range(runs: np.ndarray) -> bool:
        return abs((runs[0] - runs[1]).mean()) > np.ptp(runs, axis=1).max() / 2

    def all_of_one_sign(runs: np.ndarray) -> bool:
        return abs(np.sign(runs[0] - runs[1]).sum()) == runs.shape[1]

    assert false_findings(2, beyond_half_the_range) > 0.3
    assert false_findings(3, all_of_one_sign) > 0.2
    assert false_findings(2, lambda runs: Paired(tuple(runs[0] - runs[1])).verdict() != "inconclusive") == 0


def test_where_nothing_differs_the_best_of_many_is_seldom_a_finding():
    def rule(runs: np.ndarray) -> bool:
        others = {f"{index}": Paired(tuple(runs[0] - one)) for index, one in enumerate(runs[1:])}
        return "inconclusive" not in verdict_of_all(others)

    assert false_findings(3, rule, rows=5, trials=2000) < 0.065


def test_the_best_is_above_every_other_one():
    over, level, under = Paired((5, 5.1, 5.2)), Paired((0.5, -0.5, 0.4)), Paired((-5, -5.1, -5.2))
    assert verdict_of_all({"a": over, "b": over}) == "holds (all above zero at 95 %, 3 seeds)"
    reported = "is inconclusive (not above zero at 95 %: b and c; 3 seeds)"
    assert verdict_of_all({"a": over, "b": level, "c": level}) == reported
    assert verdict_of_all({"a": under, "b": level}) == "does not hold (below zero: a)"
    assert verdict_of_all({"a": over, "b": Paired((5, 5.1))}) == "is inconclusive (2 seeds, a verdict needs 3)"
    assert listed(["a"]) == "a" and listed(["a", "b", "c"]) == "a, b and c" and LEAST_SEEDS == 3


def test_every_table_states_whether_the_claim_holds(tables):
    assert len(tables) == 10
    for name, table in tables.items():
        assert table.caption, name
        assert all(sentence.endswith(".") and "nan" not in sentence for sentence in table.caption)
    helps, best = tables["CAM consistency loss (Table 1)"].caption
    assert "refined +9.0 (+9.0 to +9.0), the claim holds (95 % interval +9.0 to +9.0, 3 seeds)" in helps
    assert (
        "is inconclusive (not above zero at 95 %: λ = 0.2; 3 seeds)" in best
        and "+2.0 (-2.0 to +6.0) against λ = 0.2 (paper +0.9)" in best
    )
    modes = tables["cut and merge (Table 2)"].caption[0]
    assert "overlap, 336 +6.0 (+6.0 to +6.0) (paper +6.1), the claim holds" in modes
    assert "side by side, 448 -6.0 (-6.0 to -6.0) (paper +6.4), the claim does not hold" in modes
    assert "interpolated to 28 × 28 +1.0 (-2.0 to +4.0) (paper +1.7), the claim is inconclusive (95 %" in modes
    assert "deconvolution to 28 × 28 -20.0 (-20.0 to -20.0) (paper -22.3), the claim holds" in modes
    size = tables["input size (Fig. 5), shipped checkpoint"].caption[0]
    assert "is inconclusive (1 seed, a verdict needs 3): CRT is highest at 448 px (+6.0 over 224 px, -3.0 from" in size


def test_a_row_trained_in_another_way_than_it_is_tested_is_marked_and_counts_for_no_claim():
    run = row("modes", "overlap, 336", 0, **crt(60)) | {"mode": "overlap", "size": 336}
    base = row("modes", "one tile of 224", 0, **crt(55)) | {"mode": "overlap", "size": 224} | trained("overlap", 224)
    (table,) = section_of(ablation(base, run | trained("overlap", 224))).tables
    assert table.rows[1][0] == "overlap, 336, trained with overlap at 224 px" and table.rows[1][-1] == "–"
    assert table.caption == (
        "Rows trained in another way than they are tested: 1; they are not the paper's experiment.",
    )
    (table,) = section_of(ablation(base, run | trained("overlap", 336))).tables
    assert table.rows[1][0] == "overlap, 336" and table.rows[1][-1] == "57.6" and "paper +6.1" in table.caption[0]


@pytest.mark.parametrize(("count", "words"), [(0, "0 loops"), (1, "1 loop"), (2, "2 loops")])
def test_the_loop_count_is_that_of_the_schedule(count, words):
    best = {f"crt_loops_{count}": 50, f"crt_loops_{count}_unrefined": 40, "crt_loops_0": 50 - count, "crt_cnn": 45}
    best |= {"crt_loops_2_first": 48} if count == 2 else {}
    rows = [row("consistency", name, 0, **best) for name in ("λ = 0", "λ = 0.1")]
    rows += [row("modes", ONE_TILE, 0, **best) | {"mode": "overlap", "size": 224} | trained("overlap", 224)]
    rows += [row("twins", "CNN + transformer", 0, **best) | {"correlation": {"crt": [0.0] * count + [0.25]}}]
    result = ablation(*rows)
    result["protocol"]["schedule"] = result["protocol"]["schedule"] | {"loops": count}
    consistency, twins, modes = section_of(result).tables
    none = ((), ()) if count == 0 else (("0 loops, refined",), (f"{50 - count}.0",))
    assert consistency.head[1:-1] == (f"CRT, {words}, refined", "unrefined", *none[0], "its CNN")
    assert consistency.rows[1][1:-1] == ("50.0", "40.0", *none[1], "45.0")
    assert f"CRT, {words}, refined +0.0, the claim" in consistency.caption[0]
    first = "48.0" if count == 2 else "50.0"  # up to one loop there is one pass
    assert modes.rows[0][1:-1] == ("50.0", first, "40.0", *none[1])
    assert twins.rows == (("CNN + transformer", "45.0", "40.0", "25.0"),)
    names = [line.name for line in section_of(result).charts[0].lines]
    assert names == [f"refined, {words}", *(["refined, 0 loops"] if count else []), f"unrefined, {words}", "its CNN"]


def test_branches_with_crops_of_different_sizes_are_named():
    pair = row("twins", "CNN + transformer", 0, **crt(60)) | trained("overlap", 224, 160)
    twins = row("twins", "the same CNN twice", 0, crt_cnn=44, resnet=43) | trained("overlap", 224)
    (table,) = section_of(ablation(pair, twins)).tables
    assert table.caption[1].endswith("of different sizes in training: CNN + transformer: 160 and 224 px.")
    (table,) = section_of(ablation(pair | trained("overlap", 224), twins)).tables
    assert len(table.caption) == 1


def test_loops_in_training_are_compared_at_their_own_count(tables):
    summed = tables["loops (Table 3), refined by the sum"]
    assert summed.rows[3] == ("3 in training", *(f"{67.5 - k:.1f} ± 2.5" for k in range(5)), "71.8")
    assert "0: 52.5 ± 2.5, 1: 56.5 ± 2.5, 2: 60.5 ± 2.5, 3: 64.5 ± 2.5, 4: 68.5 ± 2.5" in summed.caption[0]
    assert "three are best does not hold (below zero: 4)" in summed.caption[0]
    assert "three are +12.0 (+12.0 to +12.0) against 0" in summed.caption[0]
    first = tables["the same, refined by the first pass"].caption
    assert "3: 66.0 ± 2.5" in first[0] and "3 loops +1.5 (+1.5 to +1.5)" in first[1]


def test_what_keeps_loops_from_helping_at_test_is_counted(tables):
    change = tables["against test 0, trained with loops"]
    assert [cells[0::3] for cells in change.rows] == [
        ("unrefined", "+3.0 (+3.0 to +3.0)"),
        ("refined by the first pass", "-1.5 (-1.5 to -1.5)"),
        ("refined by the sum", "-3.0 (-3.0 to -3.0)"),
    ]
    assert change.caption[0].startswith(
        "Three loops at test instead of none change the maps by +3.0 unrefined (a gain in 12 of 12 runs), -1.5 refined"
    )
    assert "of each seed: refined by the first pass holds (95 % interval +4.5 to +4.5, 3 seeds)" in change.caption[0]
    assert "refined by the sum holds (95 % interval +6.0 to +6.0, 3 seeds), 6.0 points" in change.caption[0]
    helped = [
        row("loops", "3 in training", seed, **(crt(60 + more) | {"crt_loops_3": 90 + more}))
        for seed, more in enumerate(OFFSETS)
    ]
    says = next(table.caption for table in section_of(ablation(*helped)).tables if table.head[0].startswith("against"))
    assert "refined by the sum does not hold" in says[0]
    says = next(
        table.caption for table in section_of(ablation(helped[0])).tables if table.head[0].startswith("against")
    )
    assert "refined by the sum is inconclusive (1 seed, a verdict needs 3)" in says[0]


def test_the_passes_attention_and_their_similarity(tables):
    attention = tables["attention, 3 loops in training"]
    assert attention.rows[0] == ("test 0", "47.5 ± 2.5", *["67.5 ± 2.5"] * 3)  # one pass, however it is put together
    assert attention.rows[3] == ("test 3", "50.5 ± 2.5", "64.5 ± 2.5", "66.0 ± 2.5", "58.5 ± 2.5")
    assert "that refinement helps holds (95 % interval +14.0 to +14.0, 3 seeds), +14.0" in attention.caption[0]
    assert "that the sum over passes is better than the first pass alone does not hold (95 %" in attention.caption[0]
    assert "mean over passes gives the maps of the sum" in attention.caption[1]
    similar = next(table for name, table in tables.items() if name.startswith("similarity"))
    assert similar.rows[0] == ("0 in training", "60.0 ± 0.0", "90.0 ± 0.0", "95.0 ± 0.0", "99.2 ± 0.2", "99.8")
    reported = (
        "rises with every pass holds (all above zero at 95 %, 3 seeds): trained with loops it is 99.2 to 99.2 % at"
    )
    assert reported in similar.caption[0]


def test_nothing_fails_whatever_is_missing():
    rows = whole()["rows"]
    for some in itertools.chain(([one] for one in rows), (rows[i:] + rows[: i // 2] for i in range(0, len(rows), 3))):
        section = section_of(ablation(*some, missing=("x",)))
        assert "nan" not in markdown(section)
        assert all(line.x for chart in section.charts for line in chart.lines)
    bare = [{**one, "methods": {}, "similarity": []} for one in rows]
    assert "nan" not in markdown(section_of(ablation(*bare)))
    assert section_of(ablation()).tables == () == section_of(ablation()).charts


def test_the_charts_show_what_the_tables_have():
    consistency, trained, by_size, similar = section_of(whole()).charts
    assert consistency.x_labels == ("0", "0.01", "0.1", "0.2") and consistency.lines[0].x == (0, 1, 2, 3)
    assert consistency.lines[0].y[2] == 59.5 and consistency.lines[0].half_range == (2.5, 2.5, 2.5, 6.5)
    assert [line.name for line in trained.lines] == [f"trained with {k}" for k in range(5)]
    assert trained.lines[1].x == (0, 1, 2, 3, 4) and trained.lines[1].half_range == (2.5,) * 5
    assert by_size.lines[0].x == (224, 336, 448, 560) and not by_size.lines[0].half_range
    assert "99.2 to 99.2 %" in similar.caption and "Bars: half the range" in similar.caption
    assert "Bars" not in by_size.caption


def test_a_chart_is_the_same_bytes_every_time():
    many = Chart("A & B", "x", "y", tuple(Line(f"a long name of line {i}", (0, 1), (i, 2)) for i in range(7)), "says")
    for chart in (*section_of(whole()).charts, many):
        drawn = svg(chart)
        assert drawn == svg(chart) and drawn.startswith(b"<?xml") and b"<dc:date>" not in drawn
        assert chart.title.replace("&", "&amp;").encode() in drawn
    assert b">0.01<" in svg(section_of(whole()).charts[0])
