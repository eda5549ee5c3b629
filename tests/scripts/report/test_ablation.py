"""The ablations as tables and charts, whatever is missing, and the rules of their verdicts."""

import itertools

import numpy as np
import pytest
from scipy import stats

from crt.checkpoint import Defaults
from scripts.report.ablation_rows import ONE_TILE
from scripts.report.base import SETUP_HEAD, Table
from scripts.report.markdown import markdown
from scripts.report.sections import KINDS
from scripts.report.verdict import CONFIDENCE, LEAST_SEEDS, Paired, difference, judge_all, listed
from tests.helpers.ablation_sample import OFFSETS, ablation, crt, row, trained, whole
from tests.helpers.tables import as_dict


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
            row("branches", "CNN + transformer", 0, crt_cnn=45, crt_loops_3=50, crt_loops_3_unrefined=40),
            row("branches", "the same CNN twice", 0, crt_cnn=44, resnet=43),
            missing=("one",),
        )
    )
    consistency, branches, setup = section.tables
    assert consistency.head[-1] == "paper: seeds, 21 classes"
    assert consistency.rows == (
        ("λ = 0", "41.5", "42.0", "–", "45.0", "40.8"),
        ("λ = 0.1", "51.5 ± 1.5", "40.0 ± 0.0", "–", "45.0 ± 0.0", "51.5"),
    )
    assert branches.rows == (
        ("CNN + transformer", "45.0", "40.0", "25.0"),
        ("the same CNN twice", "44.0", "43.0", "75.0"),
    )
    facts = as_dict(setup)
    assert facts["not measured"] == "one" and "336 pixels" in facts["measured images"]
    assert facts["minutes of training"] == "30" and facts["machine"] == "2 cores"
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
        return judge_all(others)[0] != "inconclusive"

    assert false_findings(3, rule, rows=5, trials=2000) < 0.065


def test_the_best_is_above_every_other_one():
    over, level, under = Paired((5, 5.1, 5.2)), Paired((0.5, -0.5, 0.4)), Paired((-5, -5.1, -5.2))
    assert judge_all({"a": over, "b": over}) == ("holds", "all above zero at 95 %, 3 seeds")
    reported = ("inconclusive", "not above zero at 95 %: b and c; 3 seeds")
    assert judge_all({"a": over, "b": level, "c": level}) == reported
    assert judge_all({"a": under, "b": level}) == ("does not hold", "below zero: a")
    assert judge_all({"a": over, "b": Paired((5, 5.1))}) == ("inconclusive", "2 seeds, a verdict needs 3")
    assert listed(["a"]) == "a" and listed(["a", "b", "c"]) == "a, b and c" and LEAST_SEEDS == 3


def test_every_table_has_a_heading_or_follows_one_and_a_chart():
    section = section_of(whole())
    *tables, setup = section.tables
    assert setup.head == SETUP_HEAD and len(tables) == 12
    assert [table.head[0] for table in tables if not table.title] == ["3 loops at test against none"]
    titles = [table.title for table in tables if table.title]
    assert len(set(titles)) == len(titles)
    beside = {chart.beside for chart in section.charts}
    assert beside == {table.head[0] for table in tables if table.title} and len(section.charts) == len(beside)
    for table in tables:
        assert all(sentence.endswith(".") and "nan" not in sentence for sentence in table.caption)


def test_a_row_trained_in_another_way_than_it_is_tested_is_marked_and_counts_for_no_claim():
    run = row("modes", "overlap, 336", 0, **crt(60)) | {"mode": "overlap", "size": 336}
    base = row("modes", "one tile of 224", 0, **crt(55)) | {"mode": "overlap", "size": 224} | trained("overlap", 224)
    other = section_of(ablation(base, run | trained("overlap", 224)))
    table, _ = other.tables
    assert table.rows[1][0] == "overlap, 336, trained with overlap at 224 px" and table.rows[1][-1] == "–"
    assert "none of the paper's" in table.caption[0]
    assert other.charts[0].x_labels == ("one tile of 224",)
    alike = section_of(ablation(base, run | trained("overlap", 336)))
    table, _ = alike.tables
    assert table.rows[1][0] == "overlap, 336" and table.rows[1][-1] == "57.6" and table.caption == ()
    assert alike.charts[0].x_labels == ("one tile of 224", "overlap, 336") and not alike.charts[0].joined
    assert alike.charts[0].lines[-1].y == (51.5, 57.6)


@pytest.mark.parametrize(("count", "words"), [(0, "0 loops"), (1, "1 loop"), (2, "2 loops")])
def test_the_loop_count_is_that_of_the_schedule(count, words):
    best = {f"crt_loops_{count}": 50, f"crt_loops_{count}_unrefined": 40, "crt_loops_0": 50 - count, "crt_cnn": 45}
    best |= {"crt_loops_2_first": 48} if count == 2 else {}
    rows = [row("consistency", name, 0, **best) for name in ("λ = 0", "λ = 0.1")]
    rows += [row("modes", ONE_TILE, 0, **best) | {"mode": "overlap", "size": 224} | trained("overlap", 224)]
    rows += [row("branches", "CNN + transformer", 0, **best) | {"correlation": {"crt": [0.0] * count + [0.25]}}]
    result = ablation(*rows)
    result["protocol"]["schedule"] = result["protocol"]["schedule"] | {"loops": count}
    consistency, branches, modes, _ = section_of(result).tables
    none = ((), ()) if count == 0 else (("0 loops, refined",), (f"{50 - count}.0",))
    assert consistency.head[1:-1] == (f"CRT, {words}, refined", "unrefined", *none[0], "its CNN")
    assert consistency.rows[1][1:-1] == ("50.0", "40.0", *none[1], "45.0")
    first = "48.0" if count == 2 else "50.0"  # up to one loop there is one pass
    assert modes.rows[0][1:-1] == ("50.0", first, "40.0", *none[1])
    assert branches.rows == (("CNN + transformer", "45.0", "40.0", "25.0"),)
    names = [line.name for line in section_of(result).charts[0].lines]
    assert names == [f"refined, {words}", *(["refined, 0 loops"] if count else []), f"unrefined, {words}", "its CNN"]


def test_branches_with_crops_of_different_sizes_are_named():
    pair = row("branches", "CNN + transformer", 0, **crt(60)) | trained("overlap", 224, 160)
    second = row("branches", "the same CNN twice", 0, crt_cnn=44, resnet=43) | trained("overlap", 224)
    table, _ = section_of(ablation(pair, second)).tables
    assert table.caption == ("The branches of CNN + transformer had crops of different sizes in training.",)
    table, _ = section_of(ablation(pair | trained("overlap", 224), second)).tables
    assert table.caption == ()


def test_loops_in_training_are_compared_at_their_own_count(tables):
    summed = tables["loops (Table 3), refined by the sum"]
    assert summed.rows[3] == ("3 in training", *(f"{67.5 - k:.1f} ± 2.5" for k in range(5)), "71.8")
    alike = tables["loops in training and at test"]
    assert alike.head[1:] == ("refined by the sum", "refined by the first pass", "unrefined")
    assert [cells[1] for cells in alike.rows] == [f"{mean} ± 2.5" for mean in (52.5, 56.5, 60.5, 64.5, 68.5)]
    assert alike.rows[3][:3] == ("3", "64.5 ± 2.5", "66.0 ± 2.5")


def test_what_keeps_loops_from_helping_at_test_is_counted(tables):
    change = tables["against test 0, trained with loops"]
    assert [cells[0::3] for cells in change.rows] == [
        ("unrefined", "+3.0 (+3.0 to +3.0)"),
        ("refined by the first pass", "-1.5 (-1.5 to -1.5)"),
        ("refined by the sum", "-3.0 (-3.0 to -3.0)"),
    ]
    lost = {cells[0]: cells[1:] for cells in tables["3 loops at test against none"].rows}
    assert lost["unrefined"] == ("+3.0", "12 of 12", "–", "–")
    assert lost["refined by the first pass"][2:] == ("+4.5", "✔ holds (95 % interval +4.5 to +4.5, 3 seeds)")
    assert lost["refined by the sum"] == ("-3.0", "0 of 12", "+6.0", "✔ holds (95 % interval +6.0 to +6.0, 3 seeds)")
    helped = [
        row("loops", "3 in training", seed, **(crt(60 + more) | {"crt_loops_3": 90 + more}))
        for seed, more in enumerate(OFFSETS)
    ]

    def verdict(*runs: dict) -> str:
        table = next(one for one in section_of(ablation(*runs)).tables if one.head[0].startswith("3 loops"))
        return table.rows[-1][-1]

    assert verdict(*helped).startswith("✘ does not hold (95 %")
    assert verdict(helped[0]) == "inconclusive (1 seed, a verdict needs 3)"


def test_the_passes_attention_and_their_similarity(tables):
    attention = tables["attention, 3 loops in training"]
    assert attention.rows[0] == ("test 0", "47.5 ± 2.5", *["67.5 ± 2.5"] * 3)  # one pass, however it is put together
    assert attention.rows[3] == ("test 3", "50.5 ± 2.5", "64.5 ± 2.5", "66.0 ± 2.5", "58.5 ± 2.5")
    assert "mean over passes gives the maps of the sum" in attention.caption[0]
    similar = next(table for name, table in tables.items() if name.startswith("similarity"))
    assert similar.rows[0] == ("0 in training", "60.0 ± 0.0", "90.0 ± 0.0", "95.0 ± 0.0", "99.2 ± 0.2", "99.8")


def test_rows_of_an_earlier_version_say_so():
    counts = {"data": ["VOC2012:train"], "train_stride": 1, "images": 3, "images_per_class": {"cat": 3}}
    for known, more in ((False, {}), (True, counts)):
        result = ablation(row("consistency", "λ = 0", 0, **crt(50)))
        result["protocol"] |= more
        facts = as_dict(section_of(result).tables[-1])
        assert facts.get("version", "").startswith("before 0.2.0") != known


def test_nothing_fails_whatever_is_missing():
    rows = whole()["rows"]
    for some in itertools.chain(([one] for one in rows), (rows[i:] + rows[: i // 2] for i in range(0, len(rows), 3))):
        section = section_of(ablation(*some, missing=("x",)))
        assert "nan" not in markdown(section)
        assert all(line.x for chart in section.charts for line in chart.lines)
    bare = [{**one, "methods": {}, "similarity": []} for one in rows]
    assert "nan" not in markdown(section_of(ablation(*bare)))
    assert len(section_of(ablation()).tables) == 1 and section_of(ablation()).charts == ()  # the set-up alone


def test_the_charts_show_what_the_tables_have():
    found = {chart.title: chart for chart in section_of(whole()).charts}
    consistency, trained_with = found["Consistency"], found["Loops at test"]
    assert consistency.x_labels == ("0", "0.01", "0.1", "0.2") and consistency.lines[0].x == (0, 1, 2, 3)
    assert consistency.lines[0].y[2] == 59.5 and consistency.lines[0].half_range == (2.5, 2.5, 2.5, 6.5)
    assert [line.name for line in trained_with.lines] == [f"trained with {k}" for k in range(5)]
    assert trained_with.lines[1].x == (0, 1, 2, 3, 4) and trained_with.lines[1].half_range == (2.5,) * 5
    first = found["Loops at test, first pass"]
    assert first.lines[0].x == (2, 3, 4)
    assert found["Input size"].lines[0].x == (224, 336, 448, 560) and not found["Input size"].lines[0].half_range
    assert "Bars: half the range" in found["What a pass still changes"].caption
    assert "Bars" not in found["Input size"].caption
    alike, change = found["The same loops in both"], found["Change by loops at test"]
    assert alike.lines[0].y == (52.5, 56.5, 60.5, 64.5, 68.5)
    assert [line.y[2] for line in change.lines] == [3.0, -1.5, -3.0]
    assert found["Attention of the passes"].lines[2].y[3] == 66.0
    assert found["Two branches"].lines[0].y == (25.0, 75.0) and not found["Two branches"].joined
    assert all(chart.x and chart.y for chart in found.values())
