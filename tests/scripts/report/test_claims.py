"""The claims of the paper as cards: their verdicts are those of the sections, and none has fewer than three seeds."""

import dataclasses
import re
from pathlib import Path

import pytest

from crt.checkpoint import Defaults, read_config
from crt.pass_reductions import PassReduction
from scripts.report.ablation_loops import kind_of
from scripts.report.claim import Claim, Gap, claim
from scripts.report.claims_ablation import ablation_claims
from scripts.report.claims_checkpoint import evaluation_claims, localization_claims, pipeline_claims
from scripts.report.evaluation import with_defaults
from scripts.report.first_sections import claims_section
from scripts.report.overview import Overview, overview
from scripts.report.sections import KINDS, Measured, read_measured
from scripts.report.verdict import LEAST_SEEDS, Paired
from tests.helpers.ablation_sample import ablation, crt, row, whole

ROOT = Path(__file__).parents[3]
VOC = read_config(ROOT / "checkpoints" / "voc")


@pytest.fixture(scope="module")
def claims() -> dict[str, Claim]:
    return {one.id: one for one in ablation_claims(whole())}


@pytest.fixture(scope="module")
def committed() -> Overview:
    names = [path.parent.name for path in sorted((ROOT / "checkpoints").glob("*/config.json"))]
    checkpoints = {name: read_config(ROOT / "checkpoints" / name) for name in names}
    defaults = VOC.defaults
    return overview(read_measured(ROOT / "results", defaults), defaults, checkpoints)


def test_each_claim_has_the_verdict_of_its_differences(claims):
    found = {name: one.verdict for name, one in claims.items()}
    assert found == {
        "consistency-loss": "holds",
        "consistency-weight": "inconclusive",
        "three-loops": "does not hold",
        "refinement": "holds",
        "sum-over-passes": "does not hold",
        "token-similarity": "holds",
        "two-branches": "inconclusive",  # of one seed
        "overlap": "holds",
        "side-by-side": "does not hold",
        "interpolation": "inconclusive",
        "deconvolution": "holds",  # it is below one tile
        "input-size": "inconclusive",
    }
    titles = {table.title for table in KINDS["rows"](whole(), Defaults()).tables if table.title}
    assert {one.section for one in claims.values()} <= titles


def test_a_card_has_the_difference_of_the_paper_and_ours_with_its_interval(claims):
    (helps,) = claims["consistency-loss"].rows
    assert (helps.name, helps.paper, helps.ours, helps.interval, helps.seeds) == (
        "λ = 0.1 minus λ = 0", 10.7, 9.0, (9.0, 9.0), 3
    )  # fmt: skip
    chart = claims["consistency-loss"].chart
    assert chart.x_labels == ("λ = 0.01", "λ = 0.1", "λ = 0.2")
    assert chart.ours[0].y == (3.0, 9.0, 7.0) and chart.paper.y == (6.9, 10.7, 9.8)
    low, high = Paired((3.0, 11.0, 7.0)).interval() or (0, 0)
    assert chart.ours[0].half_range[2] == pytest.approx((high - low) / 2, abs=1e-3)
    similar = claims["token-similarity"].chart
    assert similar.joined and (similar.paper.x, similar.paper.y) == ((4,), (99.8,))
    assert [line.name for line in similar.ours] == [f"trained with {k}" for k in (1, 2, 3, 4)]


def test_the_least_difference_decides(claims):
    loops = claims["three-loops"]
    assert [one.label for one in loops.rows] == ["0", "1", "2", "4"]
    assert loops.rows[loops.decides].name == "3 loops minus 4 loops" and loops.rows[loops.decides].ours == -4.0


def test_fewer_than_three_seeds_give_no_verdict_and_the_reason():
    two = [one for one in whole()["rows"] if one["seed"] < 2]
    for one in ablation_claims(ablation(*two)):
        assert one.verdict == "inconclusive" and one.reason.endswith("a verdict needs 3"), one.id
        assert one.rows[one.decides].interval is None
    unmeasured = claim("x", "X.", {"a": Gap(Paired(()), 1.0)}, source="", subject="", command="")
    assert (unmeasured.verdict, unmeasured.reason) == ("inconclusive", "0 seeds, a verdict needs 3")
    assert unmeasured.chart.ours == () and unmeasured.chart.paper.y == (1.0,)
    part = claim("x", "X.", {"a": Gap(Paired((1, 2, 1))), "b": Gap(Paired(()))}, source="", subject="", command="")
    assert (part.verdict, part.reason, part.decides) == ("inconclusive", "0 seeds, a verdict needs 3", 0)


def test_claims_without_rows_are_left_out():
    only = ablation(*(row("consistency", "λ = 0.1", seed, **crt(60)) for seed in (0, 1, 2)))
    assert ablation_claims(only) == []
    assert evaluation_claims({"methods": {}, "classification_map": {}, "protocol": {}}, Defaults(), "x") == []
    assert pipeline_claims({"stages": [{"stage": "seeds", "measure": "animals", "miou": 1.0}]}, Defaults(), "x") == []
    assert localization_claims({"methods": {"crt": {"gt_known": 1.0}}}, Defaults(), "x") == []


def test_the_committed_claims_keep_to_the_rules(committed):
    assert len({one.id for one in committed.claims}) == len(committed.claims) > 10
    subjects = {one.name for one in committed.setups}
    for one in committed.claims:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", one.id)
        assert one.sentence.endswith(".") and one.sentence.count(". ") == 0
        assert len(re.findall(r"\d+(?:\.\d+)?", one.sentence)) <= 2
        assert one.subject in subjects and one.command.startswith("python -m scripts.")
        if min(compared.seeds for compared in one.rows) < LEAST_SEEDS:
            assert one.verdict == "inconclusive"
        for compared in one.rows:
            assert (compared.interval is None) == (compared.seeds < LEAST_SEEDS)


def test_the_claims_become_a_table_of_the_page(committed):
    table, every = claims_section(committed).tables
    assert len(table.rows) == len(committed.claims) and every.folded
    assert len(every.rows) == sum(len(one.rows) for one in committed.claims)
    text = (ROOT / "docs/results.md").read_text(encoding="utf-8")
    headings = set(re.findall(r"^#+ (.+)$", text, re.MULTILINE))
    for cells, one in zip(table.rows, committed.claims, strict=True):
        assert " | ".join(cells) in text and one.section in headings


def test_a_verdict_has_its_mark_and_a_link():
    found = Overview((), tuple(ablation_claims(whole())), (), None, None)
    rows = {row[0]: row for row in claims_section(found).tables[0].rows}
    helps = rows["The CAM consistency loss, at λ = 0.1, raises the mIoU."]
    assert helps[3:] == (
        "+10.7",
        "+9.0",
        "+9.0 to +9.0",
        "3",
        "✔ holds",
        "[CAM consistency loss](#cam-consistency-loss)",
    )
    assert rows["Three loops, in training and at test, give the highest mIoU."][7] == "✘ does not hold"
    assert rows["Interpolating the map of one tile raises the mIoU."][7] == "inconclusive"


def test_of_several_evaluations_the_first_makes_the_claim():
    one = next(made for made in evaluations() if "crt" in with_defaults(made.result, VOC.defaults)["methods"])
    again = Measured("methods", one.result, dataclasses.replace(one.section, title="another"))
    found = overview([one, again], VOC.defaults, {"voc": VOC})
    assert [made.subject for made in found.claims] == [one.section.title]
    assert [made.name for made in found.setups] == [one.section.title, "another"]


def evaluations() -> list[Measured]:
    """The evaluations of the repository, those of `val` first."""
    return [one for one in read_measured(ROOT / "results", VOC.defaults) if one.kind == "methods"]


def test_the_headline_has_every_network_and_refinement_once(committed):
    pairs = [(one.network, one.refinement) for one in committed.headline]
    assert len(set(pairs)) == len(pairs) and committed.shown in pairs
    first = evaluations()[0]
    stored = first.result["methods"]
    shown = next(one for one in committed.headline if one.network == f"CRT, {first.section.title}")
    kind = {"sum over passes": "", "none": "_unrefined", "first pass": "_first", "last pass": "_last"}[shown.refinement]
    ours = next(line for line in shown.lines if line.name == "CRT")
    assert ours.y == tuple(stored[kind_of(k, kind)]["miou_best"] for k in map(int, ours.x))
    level = next(line for line in shown.lines if line.name == "ResNet")
    assert set(level.y) == {stored["resnet"]["miou_best"]}
    trained = next(one for one in committed.headline if one.network == "CRT trained with 3 loops")
    assert trained.lines[0].half_range


def test_the_table_of_classes_is_the_evaluations(committed):
    found = committed.per_class
    first = next(one for one in evaluations() if "crt" in with_defaults(one.result, VOC.defaults)["methods"])
    stored = with_defaults(first.result, VOC.defaults)["methods"]
    assert found is not None and found.networks == ("ResNet", "TS-CAM", "CRT's CNN", "CRT")
    for label, values in zip(found.classes, found.values, strict=True):
        assert values[0] == stored["resnet"]["per_class"][label]
        assert values[3] == stored["crt"]["per_class"][label]


def test_an_overview_of_one_result_has_what_that_holds():
    section = KINDS["rows"](whole(), Defaults())
    found = overview([Measured("rows", whole(), section)], Defaults(), {})
    assert found.per_class is None and {one.name for one in found.setups} == {"Ablations", "Input size"}
    assert found.shown is not None and found.shown[1] == "sum over passes"


@pytest.mark.parametrize(
    ("reduction", "refinement"),
    [("sum", "sum over passes"), ("mean", "sum over passes"), ("first", "first pass"), ("last", "last pass"),
     ("tile_normalized", "first pass, per-tile normalized")],
)  # fmt: skip
def test_the_headline_begins_with_the_default_reduction(reduction: PassReduction, refinement: str):
    row = {"miou_best": 1.0, "miou_at_0.15": 1.0, "threshold_best": 0.2, "per_class": {"cat": 1.0}}
    ends = ("", "_unrefined", "_first", "_last", "_tile_normalized", "_mean")
    methods = {f"crt_loops_{k}{end}": row for k in range(4) for end in ends if k > 1 or end in ends[:2]}
    protocol = {"split": "val", "classes": "all", "scales": [1.0], "flip": True, "stride": 1, "mode": "overlap",
                "precision": "x", "command": "c"}  # fmt: skip
    result = {"protocol": protocol, "images": 3, "methods": methods}
    defaults = Defaults(loops=3, pass_reduction=reduction)
    found = overview([Measured("methods", result, KINDS["methods"](result, defaults))], defaults, {})
    assert found.shown is not None and found.shown[1] == refinement
    shown = next(one for one in found.headline if one.refinement == refinement)
    assert shown.lines[0].x == ((2, 3) if reduction == "tile_normalized" else (0, 1, 2, 3))
    unrefined = overview([Measured("methods", result, KINDS["methods"](result, defaults))], Defaults(refined=False), {})
    assert unrefined.shown is not None and unrefined.shown[1] == "none"
