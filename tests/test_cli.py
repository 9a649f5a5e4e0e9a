import json
import re
import subprocess
import sys

import pytest

from llama_jax import cli


@pytest.fixture
def run(llama_jax_command):
    """Runs `llama-jax ARGS`: (exit status, stdout, stderr)."""
    return llama_jax_command


def test_help_is_light():
    """Neither JAX nor anything else heavy is imported to print a help page."""
    heavy = "jax flax optax orbax tensorflow_datasets matplotlib sentencepiece numpy tyro rich"
    code = (
        "import sys; from llama_jax import cli; sys.argv = ['llama-jax', '--help']; cli.main()\n"
        f"print('HEAVY', [m for m in {heavy!r}.split() if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "generate" in done.stdout and "eval" in done.stdout
    assert done.stdout.splitlines()[-1] == "HEAVY []"


def test_the_overview_says_what_the_subcommands_say():
    from llama_jax.commands import COMMANDS

    # A subcommand of two words is listed under its first.
    told = {n: f.__doc__.splitlines()[0] for n, f in COMMANDS.items() if " " not in n}
    assert told == cli.SUMMARIES


@pytest.mark.parametrize("name", cli.SUMMARIES)
def test_every_subcommand_has_a_help_page(run, name):
    status, out, _ = run(name, "--help")
    assert status == 0 and "--json" in out or name in ("report", "chat", "train")


def test_generate_prints_prompt_and_continuation(run, small_model):
    options = ("--max-new-tokens", "5", "--prompt", "A cat sat")
    status, out, _ = run("generate", small_model, *options)
    assert status == 0
    assert out.startswith("A cat sat")
    status, lines, _ = run("generate", small_model, *options, "--prompt", "The", "--json")
    first, second = map(json.loads, lines.splitlines())
    assert (first["prompt"], second["prompt"]) == ("A cat sat", "The")
    assert out == first["prompt"] + first["text"] + "\n"
    assert len(first["ids"]) == 5 and first["stop_reason"] == "length"
    status, both, _ = run("generate", small_model, *options, "--prompt", "The")
    assert both == f"{out[:-1]}\n\nThe{second['text']}\n\n"


def test_sampling_is_a_function_of_the_seed(run, small_model):
    options = ("--max-new-tokens", "8", "--temperature", "1.5", "--prompt", "The")
    texts = [run("generate", small_model, *options, "--seed", s)[1] for s in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_eval_prints_tables_and_does_nothing_twice(run, small_model, tmp_path):
    args = ("eval", small_model, "--tasks", "hellaswag,arc_challenge", "--limit", "3")
    status, out, err = run(*args, "--out", tmp_path / "out")
    assert status == 0, err
    assert "| Llama 2 70B" in out and "3 of " in out
    assert "data: the samples inside the package (no --data)" in err
    results, work = (
        (tmp_path / "out" / name).read_bytes() for name in ("results.json", "run.json")
    )
    status, again, err = run(*args, "--out", tmp_path / "out")
    assert (status, again) == (0, out)
    assert "hellaswag: complete in" in err and "the model had nothing to do" in err
    assert (tmp_path / "out" / "results.json").read_bytes() == results
    assert (tmp_path / "out" / "run.json").read_bytes() == work
    status, text, _ = run(*args, "--out", tmp_path / "out", "--json")
    assert json.loads(text) == json.loads(results)


def test_report_writes_one_page_for_several_runs(run, small_model, tmp_path):
    for name, protocol in (("a", "paper"), ("b", "lm-eval")):
        options = ("--tasks", "hellaswag", "--limit", "3", "--protocol", protocol)
        assert run("eval", small_model, *options, "--out", tmp_path / name)[0] == 0
    runs = (tmp_path / "a", tmp_path / "b")
    status, out, _ = run("report", *runs, "--out", tmp_path / "page")
    assert status == 0
    assert str(tmp_path / "page" / "index.html") in out
    assert "lm-eval v1, 0-shot" in (tmp_path / "page" / "report.md").read_text()


def test_doctor(run):
    status, out, _ = run("doctor")
    assert status == 0 and "JAX runs on: cpu" in out
    found = json.loads(run("doctor", "--json")[1])
    assert found["backend"] == "cpu" and found["devices"][0]["platform"] == "cpu"


BAD = {
    "no subcommand": (["evaluate"], "no subcommand 'evaluate'; there are: doctor, generate, chat"),
    "no model": (["generate", "nowhere"], "nowhere: no such file or directory"),
    "tokenizer": (["generate", "MODEL", "--tokenizer", "no.model"], "no.model: no such tokenizer"),
    "too long": (
        ["generate", "MODEL", "--prompt", "cat " * 200],
        r"prompt 0: \d+ tokens .* exceed the context of 128",
    ),
    "too many new": (
        ["generate", "MODEL", "--prompt", "The", "--max-new-tokens", "500"],
        "prompt 0: .* 500 new tokens exceed the context of 128 tokens",
    ),
    "temperature": (["generate", "MODEL", "--temperature", "-1"], "temperature -1"),
    "task": (
        ["eval", "MODEL", "--tasks", "hellaswaag"],
        "hellaswaag.*arc_challenge.*hellaswag",
    ),
    "protocol": (
        ["eval", "MODEL", "--tasks", "hellaswag", "--protocol", "mine"],
        "mine.*paper.*lm-eval",
    ),
    "table": (["eval", "MODEL", "--tasks", "table5"], "no table 'table5'; there are: table3"),
    "two numbers of shots": (
        ["eval", "MODEL", "--tasks", "nq_open@1", "--shots", "5"],
        "shots 5: task nq_open@1 says its own",
    ),
    "a wrong name before a missing model": (
        ["eval", "nowhere", "--tasks", "nq_open@many"],
        "task 'nq_open@many': after @ a number of shots is expected",
    ),
    "no task": (["eval", "MODEL", "--tasks", ","], "name at least one"),
    "data": (
        ["eval", "MODEL", "--tasks", "hellaswag", "--data", "nowhere"],
        "hellaswag: .*nowhere",
    ),
    "report": (["report", "nowhere", "--out", "OUT"], "nowhere/results.json: missing"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_status_2_and_nothing_written(run, small_model, tmp_path, case):
    args, message = BAD[case]
    names = {"MODEL": str(small_model), "OUT": str(tmp_path / "out")}
    args = [names.get(a, a) for a in args]
    if args[0] == "eval":
        args += ["--out", str(tmp_path / "out")]
    status, out, err = run(*args)
    assert (status, out) == (2, "")
    assert err.count("\n") == 1, err
    assert re.search(message, err), err
    assert not (tmp_path / "out").exists()


def test_a_platform_that_is_not_there_is_refused_before_the_weights_are_read():
    """In a process of its own: JAX chooses its backend once."""
    code = "import sys; from llama_jax import cli; sys.argv = %r; cli.main()"
    argv = ["llama-jax", "generate", "nowhere", "--platform", "tpu"]
    done = subprocess.run([sys.executable, "-c", code % argv], capture_output=True, text=True)
    assert done.returncode == 2
    last = done.stderr.splitlines()[-1]
    assert "--platform tpu: JAX finds no tpu here" in last and "llama_jax[tpu]" in last


@pytest.mark.shared
@pytest.mark.parametrize(
    "spoil, message",
    [
        (lambda lines: lines[:-1], r"sha256 .* 999 lines; the manifest lists sha256 .*, 1000 rows"),
        (lambda lines: [*lines[:4], lines[4][:50] + b"\n", *lines[5:]], r":5: not a line of JSON"),
        (
            lambda lines: [lines[0].replace(b'"label": 3', b'"label": 7'), *lines[1:]],
            r":1: .*label",
        ),
        (lambda lines: None, "hellaswag: no known examples file in"),
    ],
    ids=["row missing", "malformed line", "wrong label", "absent"],
)
def test_a_spoiled_benchmark_file_is_refused(run, small_model, shared, tmp_path, spoil, message):
    name = "hellaswag_val_1000.jsonl"
    lines = (shared / "benchmarks" / "hellaswag" / name).read_bytes().splitlines(keepends=True)
    folder = tmp_path / "data" / "hellaswag"
    folder.mkdir(parents=True)
    if (spoiled := spoil(lines)) is not None:
        (folder / name).write_bytes(b"".join(spoiled))
    options = ("--tasks", "hellaswag", "--data", folder.parent, "--out", tmp_path / "out")
    status, out, err = run("eval", small_model, *options)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert re.search(message, err), err
    assert not (tmp_path / "out").exists()


def test_perplexity_writes_the_same_file_twice(run, small_model, tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("A cat sat on the mat. It was warm.")
    for name in ("one", "two"):
        where = ("--text", text, "--window", "8", "--out", tmp_path / name)
        status, out, _ = run("perplexity", small_model, *where)
        assert (status, out.splitlines()[1].split()[0]) == (0, "perplexity")
    one, two = ((tmp_path / name / "perplexity.json").read_bytes() for name in ("one", "two"))
    assert one == two
    assert json.loads(one)["metrics"]["perplexity"]["unit"] == "per token"


def test_perplexity_refuses_a_window_that_exceeds_the_context(run, small_model, tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("A cat sat.")
    where = ("--text", text, "--window", "100000", "--out", tmp_path / "out")
    status, out, error = run("perplexity", small_model, *where)
    assert (status, out) == (2, "")
    assert "window 100000 exceeds the model's context" in error
    assert not (tmp_path / "out").exists()


def test_a_judge_is_named_on_the_command_line(run, small_model, tmp_path, monkeypatch):
    (tmp_path / "judge_of_the_cli_test.py").write_text(
        "def judge(example, text):\n    return {'toxic': 0.5}\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    options = ("--tasks", "toxigen", "--limit", 1, "--out", tmp_path / "out", "--json")
    status, out, err = run("eval", small_model, *options)
    assert status == 0 and set(json.loads(out)["tasks"]["toxigen"]["metrics"]) == {"answered"}
    assert "toxigen: no --judge; toxicity, toxic, toxicity_hate, toxicity_neutral: left out" in err
    status, out, err = run("eval", small_model, *options, "--judge", "judge_of_the_cli_test:judge")
    assert status == 0 and "no --judge" not in err
    assert json.loads(out)["tasks"]["toxigen"]["metrics"]["toxicity"]["value"] == 0.5
    status, _, err = run("eval", small_model, *options, "--judge", "judge_of_the_cli_test")
    assert status == 2 and "is not of the form module:function" in err


def test_a_file_that_cannot_be_read_is_one_line(run, tmp_path):
    name = tmp_path / ("n" * 300)
    status, out, err = run("score", "gsm8k", "--predictions", name)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "File name too long" in err


def test_a_reader_that_has_seen_enough_ends_the_program_quietly(small_model):
    code = "from llama_jax import cli; cli.main()"
    command = [sys.executable, "-c", code, "data", "list"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


def test_a_dry_run_for_people_and_for_machines(run, small_model):
    args = ("eval", small_model, "--tasks", "wic,hellaswag", "--limit", "1", "--dry-run")
    status, out, _ = run(*args)
    assert (status, out.split(":")[0], out.count("\n\n")) == (0, "wic", 1)
    status, out, _ = run(*args, "--json")
    assert (status, list(json.loads(out))) == (0, ["wic", "hellaswag"])


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("eval", "--tasks", "boolq", "--bogus"), "Unrecognized options: --bogus"),
        (("eval",), "Missing from llama-jax eval: --tasks"),
        (("eval", "--tasks", "boolq", "--limit", "x"), "--limit"),
        (("eval", "--tasks", "boolq", "--batch-tokens", "0"), "batch_tokens 0: it must be"),
        (("eval", "--tasks", "boolq", "--memory", "1000"), "memory 1000 bytes: the parameters"),
        (("eval", "--tasks", "boolq", "--out", "{file}"), "is a file, not a folder"),
        (("perplexity", "--text", "{file}", "--out", "{file}/x"), "is a file, not a folder"),
    ],
)
def test_wrong_arguments_are_one_line(run, small_model, tmp_path, args, said):
    file = tmp_path / "file"
    file.write_text("text")
    name, *options = (arg.format(file=file) for arg in args)
    status, out, err = run(name, small_model, *options)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert said in err


def test_runs_of_the_same_name_are_told_apart(run, small_model, tmp_path):
    for folder in ("a", "b"):
        out = tmp_path / folder / "run"
        assert run("eval", small_model, "--tasks", "winogrande", "--limit", 1, "--out", out)[0] == 0
    folders = (tmp_path / "a" / "run", tmp_path / "b" / "run")
    status, out, _ = run("report", *folders, "--out", tmp_path / "page")
    assert status == 0 and all(str(folder) in out for folder in folders)
