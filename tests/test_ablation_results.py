"""The ablations as tables: what is written under them follows from their numbers, whatever is missing."""

import itertools

import pytest

from crt.checkpoint import Defaults
from crt.results import KINDS
from crt.results.base import Chart, Line, Table
from crt.results.charts import svg
from crt.results.claims import Compared, listed, verdict_of_best
from crt.results.spread import Paired
from scripts.report import markdown
from tests.ablation_sample import ablation, crt, row, whole


def section_of(result: dict):
    return KINDS["rows"](result, Defaults())


@pytest.fixture(scope="module")
def tables() -> dict[str, Table]:
    return {table.head[0]: table for table in section_of(whole()).tables}


def test_ablations_become_tables_with_a_spread_and_the_papers_numbers_apart():
    section = section_of(
        ablation(
            row("coupling", "λ = 0.1", 0, crt_loops_3=50, crt_loops_3_unrefined=40, crt_cnn=45),
            row("coupling", "λ = 0.1", 1, crt_loops_3=53, crt_loops_3_unrefined=40, crt_cnn=45),
            row("coupling", "λ = 0", 0, crt_loops_3=41.5, crt_loops_3_unrefined=42, crt_cnn=45),
            row("twins", "CNN + transformer", 0, crt_cnn=45, crt_loops_3=50, crt_loops_3_unrefined=40),
            row("twins", "the same CNN twice", 0, crt_cnn=44, resnet=43),
            missing=("one",),
        )
    )
    coupling, twins = section.tables
    assert coupling.head[-1] == "paper: seeds, 21 classes"
    assert coupling.rows == (
        ("λ = 0", "41.5", "42.0", "–", "45.0", "40.8"),
        ("λ = 0.1", "51.5 ± 1.5", "40.0 ± 0.0", "–", "45.0 ± 0.0", "51.5"),
    )
    helps, *best = coupling.says  # seed against the same seed, held against the larger spread of the two rows
    assert (
        "(paper +10.7): CRT, 3 loops, refined +8.5 in one run, the claim holds beyond the spread of 2 seeds (±" in helps
    )
    assert "unrefined -2.0 in one run, the claim does not hold: the opposite shows" in helps
    assert best == []  # nothing else to be the best of
    assert twins.rows == (("CNN + transformer", "45.0", "40.0", "25.0"), ("the same CNN twice", "44.0", "43.0", "75.0"))
    assert "This holds here: correlation 75.0 and 25.0 %, a difference in the one run of each" in twins.says[0]
    assert "1 runs of the list are still to do" in section.notes[0] and "336 pixels" in section.notes[0]
    assert section.notes[1].startswith("30 minutes of training in all")
    assert section.command == "python -m scripts.ablate --root VOC2012 --out ablate"


def compared(*gaps: float, half: float, seeds: int = 2) -> Compared:
    return Compared(Paired(gaps), half, seeds)


def test_a_difference_within_the_seeds_spread_settles_nothing():
    assert compared(3, 4, half=2).verdict() == "holds beyond the spread of 2 seeds (± 2.0)"
    assert (
        compared(-3, -4, half=2).verdict() == "does not hold: the opposite shows beyond the spread of 2 seeds (± 2.0)"
    )
    assert compared(-3, -4, half=2).verdict(-1).startswith("holds")
    assert compared(3, 4, half=3.5).verdict() == "is not settled: no difference beyond the spread of 2 seeds (± 3.5)"
    assert compared(0.1, half=0, seeds=1).verdict() == "holds in the one run of each"
    assert str(compared(3, 5, half=9)) == "+4.0 (+3.0 to +5.0)" and str(compared(3, half=0)) == "+3.0 in one run"
    first = [row("coupling", "a", seed, crt_loops_3=50 + seed) for seed in (0, 1)]
    other = [row("coupling", "b", seed, crt_loops_3=40 + 4 * seed) for seed in (0, 1, 2)]
    gap = Compared.between(first, "crt_loops_3", other)
    assert gap == Compared(Paired((10, 7)), 4, 3)  # of seeds 0 and 1; the spread of all three
    assert Compared.between(first, "crt_loops_3", other[2:]) is None  # no seed in common


def test_the_best_is_above_every_other_one():
    over, level, under = compared(5, half=1), compared(0.5, half=1), compared(-5, half=2)
    assert verdict_of_best({"a": over, "b": over}) == "holds beyond the spread of 2 seeds (± 1.0)"
    assert verdict_of_best({"a": over, "b": level, "c": level}).startswith("is not settled: no difference from b and c")
    assert verdict_of_best({"a": under, "b": level}).startswith("does not hold: a came out above it")
    assert listed(["a"]) == "a" and listed(["a", "b", "c"]) == "a, b and c"


def test_every_table_says_whether_the_claim_holds(tables):
    assert len(tables) == 10
    for name, table in tables.items():
        assert table.says, name
        assert all(sentence.endswith(".") and "nan" not in sentence for sentence in table.says)
    helps, best = tables["coupling (Table 1)"].says
    assert "refined +9.0 (+9.0 to +9.0), the claim holds beyond the spread of 2 seeds (± 2.5)" in helps
    assert (
        "is not settled: no difference from λ = 0.2 beyond" in best
        and "+2.0 (+2.0 to +2.0) against λ = 0.2 (paper +0.9)" in best
    )
    modes = tables["cut and merge (Table 2)"].says[0]
    assert "overlap, 336 +6.0 (+6.0 to +6.0) (paper +6.1), the claim holds" in modes
    assert "side by side, 448 -6.0 (-6.0 to -6.0) (paper +6.4), the claim does not hold" in modes
    assert "interpolated, trained so +1.0 (+1.0 to +1.0) (paper +1.7), the claim is not settled" in modes
    assert "deconvolution to 28 × 28 -20.0 (-20.0 to -20.0) (paper -22.3), the claim holds" in modes
    size = tables["input size (Fig. 5), shipped checkpoint"].says[0]
    assert "holds here: CRT is best at 448 px (+6.0 over 224 px, -3.0 from there to 560 px)" in size


def test_loops_in_training_are_compared_at_their_own_count(tables):
    summed = tables["loops (Table 3), refined by the sum"]
    assert summed.rows[3] == ("3 in training", *(f"{67.5 - k:.1f} ± 2.5" for k in range(5)), "71.8")
    assert "0: 52.5 ± 2.5, 1: 56.5 ± 2.5, 2: 60.5 ± 2.5, 3: 64.5 ± 2.5, 4: 68.5 ± 2.5" in summed.says[0]
    assert "three are best does not hold: 4 came out above it beyond" in summed.says[0]
    assert "three are +12.0 (+12.0 to +12.0) against 0" in summed.says[0]
    first = tables["the same, refined by the first pass"].says
    assert "3: 66.0 ± 2.5" in first[0] and "3 loops +1.5 (+1.5 to +1.5, above zero in 8 of 8 runs)" in first[1]


def test_what_keeps_loops_from_helping_at_test_is_counted(tables):
    change = tables["against test 0, trained with loops"]
    assert [cells[0::3] for cells in change.rows] == [
        ("unrefined", "+3.0 (+3.0 to +3.0)"),
        ("refined by the first pass", "-1.5 (-1.5 to -1.5)"),
        ("refined by the sum", "-3.0 (-3.0 to -3.0)"),
    ]
    assert change.says[0].startswith(
        "Three loops at test instead of none change the maps by +3.0 unrefined (a gain in 8 of 8 runs), -1.5 refined by"
    )
    assert "So refinement is what keeps loops from helping: it costs 6.0 points, something in 8 of 8" in change.says[0]
    assert "25 % less where the first pass" in change.says[0]
    helped = [row("loops", "3 in training", 0, **(crt(60) | {"crt_loops_3": 90}))]
    says = next(table.says for table in section_of(ablation(*helped)).tables if table.head[0].startswith("against"))
    assert says[0].endswith("So refinement does not keep loops from helping.")
    lost = [row("loops", "3 in training", 0, **(crt(60) | {"crt_loops_3_unrefined": 39}))]
    says = next(table.says for table in section_of(ablation(*lost)).tables if table.head[0].startswith("against"))
    assert (
        "Unrefined they do not help on the mean either, but refinement makes it worse: it costs 2.0 points" in says[0]
    )


def test_the_passes_attention_and_their_similarity(tables):
    attention = tables["attention, 3 loops in training"]
    assert attention.rows[0] == ("test 0", "47.5 ± 2.5", *["67.5 ± 2.5"] * 3)  # one pass, however it is put together
    assert attention.rows[3] == ("test 3", "50.5 ± 2.5", "64.5 ± 2.5", "66.0 ± 2.5", "58.5 ± 2.5")
    assert "that refinement helps holds, +14.0" in attention.says[0]
    assert "that the sum over passes is better than the first pass alone does not hold, -1.5" in attention.says[0]
    assert "mean over passes gives the maps of the sum" in attention.says[1]
    similar = next(table for name, table in tables.items() if name.startswith("similarity"))
    assert similar.rows[0] == ("0 in training", "60.0 ± 0.0", "90.0 ± 0.0", "95.0 ± 0.0", "99.1 ± 0.1", "99.8")
    assert "holds here in its direction: trained with loops it is 99.1 to 99.1 % there" in similar.says[0]


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
    coupling, trained, by_size, similar = section_of(whole()).charts
    assert coupling.places == ("0", "0.01", "0.1", "0.2") and coupling.lines[0].x == (0, 1, 2, 3)
    assert coupling.lines[0].y[2] == 59.5 and coupling.lines[0].half == (2.5,) * 4
    assert [line.name for line in trained.lines] == [f"trained with {k}" for k in range(5)]
    assert trained.lines[1].x == (0, 1, 2, 3, 4) and trained.lines[1].half == (2.5,) * 5
    assert by_size.lines[0].x == (224, 336, 448, 560) and not by_size.lines[0].half
    assert "99.1 to 99.1 %" in similar.says and "Bars: half the range" in similar.says
    assert "Bars" not in by_size.says


def test_a_chart_is_the_same_bytes_every_time():
    many = Chart("A & B", "x", "y", tuple(Line(f"a long name of line {i}", (0, 1), (i, 2)) for i in range(7)), "says")
    for chart in (*section_of(whole()).charts, many):
        drawn = svg(chart)
        assert drawn == svg(chart) and drawn.startswith(b"<?xml") and b"<dc:date>" not in drawn
        assert chart.title.replace("&", "&amp;").encode() in drawn
    assert b">0.01<" in svg(section_of(whole()).charts[0])
