import json
import math
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import matplotlib
import pytest

from llama_jax.errors import InputError
from llama_jax.report import RunFiles, plots, write_report
from llama_jax.report.page import page
from llama_jax.report.samples import picked

LOG = [{"step": s, "loss": 9.0 / s, "seconds": 1.0} for s in range(1, 40)]
LOG[19]["validation_loss"] = 2.5
VOID = {"meta", "br"}


class Page(HTMLParser):
    """Checks that tags nest, and collects ids, attributes and text."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.links, self.text = [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value)
            if name in ("src", "href", "xlink:href", "action", "data"):
                self.links.append(value)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.text.append(data)


@pytest.fixture
def runs(write_run, results):
    return [RunFiles.read(write_run("a"), "a"), RunFiles.read(write_run("b"), "b & <c>")]


def test_the_page_is_well_formed_and_loads_nothing(runs):
    text = page(runs, LOG)
    parsed = Page(text)
    assert len(parsed.ids) == len(set(parsed.ids)) > 0
    assert all(link.startswith("#") for link in parsed.links)
    references = re.findall(r"url\(([^)]*)\)", text) + parsed.links
    assert all(reference[1:] in parsed.ids for reference in references)
    assert "@import" not in text and "<script" not in text and "<link" not in text
    # The only addresses are the names of XML namespaces.
    assert set(re.findall(r"https?://[^\"\s]+", text)) <= {"http://www.w3.org/2000/svg"}


def test_the_page_says_where_its_numbers_come_from(runs):
    told = " ".join(Page(page(runs, LOG)).text)
    for fact in ("15,191,712", "0123456789abcdef" * 4, "jax 0.10.2", "float32", "39 lines"):
        assert fact in told
    assert "12.5 seconds" not in told
    assert "b & <c>" in told  # escaped in the source, whole for the reader
    assert "<c>" not in page(runs, LOG)


def test_the_samples_show_choices_outputs_and_what_is_left_out(runs):
    told = " ".join(Page(page(runs)).text)
    assert "is <it>?" in told and "yes <b>&" in told
    assert "-1.50\N{NO-BREAK SPACE}◂" in told and "log-probability; ✓ gold, ◂ picked by acc" in told
    assert "200 characters before this are in the sample file." in told
    assert "the first of 2 outputs" in told and "extracted: 4; stop_reason: stop" in told
    assert "Training loss" not in told


def test_runs_that_asked_otherwise_get_their_own_block(runs, results, sample_lines):
    asked = [dict(line, prompt="really?") for line in sample_lines["boolq"]]
    other = RunFiles.parse(results, label="other", samples={"boolq": asked})
    told = " ".join(Page(page([runs[0], other])).text)
    assert told.count("really?") == 5 and told.count("is <it>?") == 3


def test_runs_that_decide_otherwise_get_their_own_block(runs, results, sample_lines):
    """The other protocol has no unconditional log-probabilities, and needs none."""
    one, two = json.loads(json.dumps(results)), json.loads(json.dumps(results))
    one["tasks"] = {"boolq": one["tasks"]["boolq"] | {"primary": "acc_unconditional"}}
    metrics = one["tasks"]["boolq"]["metrics"]
    metrics["acc_unconditional"] = metrics["acc"]
    two["tasks"] = {"boolq": two["tasks"]["boolq"]}
    more = [{**c, "unconditional_logprob": -9.0} for c in sample_lines["boolq"][0]["choices"]]
    with_more = [{**sample_lines["boolq"][0], "choices": more}]
    runs = [
        RunFiles.parse(one, label="one", samples={"boolq": with_more}),
        RunFiles.parse(two, label="two", samples={"boolq": sample_lines["boolq"][:1]}),
    ]
    told = " ".join(Page(page(runs)).text)
    assert "picked by acc_unconditional" in told and "picked by acc " in f"{told} "


def test_what_the_evaluation_says_was_predicted_is_marked(results, sample_lines):
    """A metric over some of the choices only, which `picked` does not know."""
    line = {**sample_lines["boolq"][0], "predicted": 1}
    run = RunFiles.parse(results, label="one", samples={"boolq": [line]})
    told = " ".join(Page(page([run])).text)
    assert "-2.00\N{NO-BREAK SPACE}◂" in told and "-1.50\N{NO-BREAK SPACE}◂" not in told


def test_both_figures_are_xml(runs):
    for svg in (plots.scores_svg(runs, "Llama 2 7B"), plots.loss_svg(LOG)):
        root = ET.fromstring(svg)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert root.get("role") == "img" and root.get("aria-label")
        assert "<metadata" not in svg and "currentColor" in svg and plots._INK not in svg


def test_the_figures_name_their_axes_and_benchmarks(runs):
    scores = "".join(ET.fromstring(plots.scores_svg(runs, "Llama 2 7B")).itertext())
    for text in ("score (%)", "gsm8k", "math ‡", "boolq †"):
        assert text in scores
    assert "perplexity" not in scores  # no place on an axis of percent
    loss = "".join(ET.fromstring(plots.loss_svg(LOG)).itertext())
    assert "training step" in loss and "loss (nats per token)" in loss


def test_the_figure_draws_scores_errors_chance_and_the_paper(runs, monkeypatch):
    drawn = []
    monkeypatch.setattr(plots, "_svg", lambda figure, *_: drawn.append(figure.axes[0]) or "")
    plots.scores_svg(runs[:1], "Llama 2 7B")
    (axes,) = drawn
    assert [bar.get_width() for bar in axes.patches] == pytest.approx([14.25, 25.0, 50.0])
    lines = {tuple(line.get_xdata()) for line in axes.lines}
    assert {(14.6,), (2.5,), (77.4,)} <= lines  # the paper's diamonds
    assert (50.0, 50.0) in lines  # chance of boolq
    ends = [c.get_segments()[0][:, 0].tolist() for c in axes.collections]
    assert ends == [pytest.approx(pair) for pair in ([13.29, 15.21], [20.0, 30.0], [37.5, 62.5])]


def test_the_same_inputs_give_the_same_bytes_whatever_the_users_style(runs, tmp_path):
    first = write_report(runs, tmp_path / "1", LOG)
    with matplotlib.rc_context({"font.size": 20, "svg.hashsalt": None, "lines.linewidth": 9}):
        second = write_report(runs, tmp_path / "2", LOG)
    assert first.name == "index.html"
    assert first.read_bytes() == second.read_bytes()
    markdown = [(tmp_path / n / "report.md").read_bytes() for n in "12"]
    assert markdown[0] == markdown[1] and markdown[0].startswith(b"## Table 3")


def test_what_differs_from_run_to_run_does_not_reach_the_page(runs):
    slower = RunFiles(**(vars(runs[0]) | {"run": {**runs[0].run, "seconds": 99.0}}))
    assert page([slower]) == page([runs[0]])


def test_labels_are_not_markup_for_the_plots(results):
    results["tasks"]["_$x_1$ <&"] = results["tasks"]["gsm8k"] | {"paper": None}
    svg = plots.scores_svg([RunFiles.parse(results, label="_a$")], "Llama 2 7B")
    assert "_$x_1$ <&" in "".join(ET.fromstring(svg).itertext())


def test_without_any_percent_there_is_no_bar(results):
    results["tasks"] = {"perplexity": results["tasks"]["perplexity"]}
    run = RunFiles.parse(results, label="a")
    assert plots.scores_svg([run], "Llama 2 7B") == ""
    assert "<figure>" not in page([run])


def test_losses_that_are_not_finite_are_counted(runs):
    told = page(runs, [*LOG, {"step": 40, "loss": math.nan}, {"step": 41, "loss": math.inf}])
    assert "2 losses are not finite and not drawn." in told


@pytest.mark.parametrize(
    ("log", "message"),
    [
        ([{"step": 1, "loss": 2.0}, {"loss": 1.0}], "training log, line 2: no step"),
        ([{"step": 1}], "training log: none of 1 lines has a loss"),
    ],
)
def test_nothing_is_written_when_refused(runs, tmp_path, log, message):
    with pytest.raises(InputError, match=message):
        write_report(runs, tmp_path / "out", log)
    assert not (tmp_path / "out").exists()


def test_picked_follows_the_metric():
    #                     sum   per char  per byte  per token
    choices = [
        {"text": "a", "logprob": -4.0, "chars": 2, "bytes": 2, "tokens": 1},  # -4 -2    -2   -4
        {"text": "b", "logprob": -6.0, "chars": 6, "bytes": 6, "tokens": 1},  # -6 -1    -1   -6
        {"text": "c", "logprob": -6.4, "chars": 6, "bytes": 8, "tokens": 4},  # -6.4 -1.07 -0.8 -1.6
    ]
    for choice, without in zip(choices, (-4.0, -7.0, -6.0), strict=True):  # gains 0, 1, -0.4
        choice["unconditional_logprob"] = without
    metrics = ("acc", "acc_norm", "acc_bytes", "acc_tokens", "acc_unconditional")
    assert [picked(choices, metric) for metric in metrics] == [0, 1, 2, 2, 1]
    del choices[1]["chars"]
    with pytest.raises(InputError, match="choice 'b' has no chars, which acc_norm needs"):
        picked(choices, "acc_norm")
