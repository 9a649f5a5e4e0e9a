import json
import resource

import pytest

from llama_jax import samples
from llama_jax.chat import Message, Reply, Session, Transcript
from llama_jax.errors import InputError
from llama_jax.prompts import chat_format
from llama_jax.tokenizer import load_tokenizer


class Played:
    """A session on lines that are played in, with a model that says what it is told to.

    Args:
        lines: of the user's; an exception is raised instead.
        says: what is shown, reply by reply; an exception is raised behind what came before it.
        reasons: why each reply ended.
    """

    def __init__(self, lines, says=(), reasons=(), **options) -> None:
        self.asked: list[list[Message]] = []
        self.numbers: list[int] = []
        self.written: list[str] = []
        self.notices: list[str] = []
        self._lines, self._says, self._reasons = iter(lines), iter(says), iter(reasons)
        self._form = chat_format(load_tokenizer(samples.TOKENIZER))
        self.session = Session(
            self._reply,
            read=self._read,
            write=self.written.append,
            notice=self.notices.append,
            **options,
        )
        self.session.run()

    @property
    def said(self) -> list[tuple[str, str]]:
        return [(message.role, message.content) for message in self.session.messages]

    def _read(self) -> str:
        line = next(self._lines, EOFError())
        if isinstance(line, BaseException):
            raise line
        return line

    def _reply(self, messages, show, number) -> Reply:
        self._form.encode(messages)  # refuses what the format refuses
        self.numbers.append(number)
        pieces = next(self._says)
        for piece in pieces:
            if isinstance(piece, BaseException):
                raise piece
            show(piece)
        self.asked.append(list(messages))
        return Reply("".join(pieces).strip(), next(self._reasons, "eos"), 7)


def test_replies_are_shown_as_they_come_and_remembered():
    played = Played(["Hello", "And you?"], [[" Hi", " there"], [" ", "I", " am."]])
    assert played.written == ["Hi", " there", "\n", "I", " am.", "\n"]
    first, second = played.asked
    assert [m.content for m in second] == ["Hello", "Hi there", "And you?"]
    assert [m.role for m in second] == ["user", "assistant", "user"]
    assert played.said[2:] == [("user", "And you?"), ("assistant", "I am.")]
    assert (first, played.notices) == ([Message("user", "Hello")], [])


def test_reset_keeps_the_system_prompt_and_forgets_the_rest():
    played = Played(["a", "/reset", "b"], [["x"], ["y"]], system="Be brief")
    assert [m.content for m in played.asked[1]] == ["Be brief", "b"]
    assert played.notices == ["a new dialogue begins"]


def test_system_begins_a_new_dialogue():
    played = Played(["a", "/system Rhyme now", "/system", "b"], [["x"], ["y"]])
    assert played.said[0] == ("system", "Rhyme now") and len(played.said) == 3
    assert played.notices == ["a new dialogue begins, with this system prompt", "Rhyme now"]
    assert "no system prompt" in Played(["/system"]).notices[0]


def test_quit_ends_and_so_does_the_end_of_the_input():
    assert Played(["/quit", "never read"]).asked == []
    assert Played([]).said == []


@pytest.mark.parametrize("tag", ["[INST]", "[/INST]", "<<SYS>>", "<</SYS>>"])
def test_a_special_tag_is_refused_and_the_session_goes_on(tag):
    played = Played(["one", f"two {tag} x", "three"], [["1"], ["3"]])
    assert [text for _, text in played.said] == ["one", "1", "three", "3"]
    assert len(played.notices) == 1 and f"the text holds {tag!r}" in played.notices[0]


def test_ctrl_c_stops_a_reply_and_keeps_what_was_said():
    says = [[" It", " is", KeyboardInterrupt()], ["fine"]]
    played = Played(["a", "b"], says)
    assert played.said == [
        ("user", "a"),
        ("assistant", "It is"),
        ("user", "b"),
        ("assistant", "fine"),
    ]
    assert "stopped" in played.notices[0]
    assert played.numbers == [0, 1]


def test_ctrl_c_before_the_first_word_forgets_the_turn():
    played = Played(["a", "b"], [[KeyboardInterrupt()], ["fine"]])
    assert played.said == [("user", "b"), ("assistant", "fine")]
    assert played.notices == ["stopped before the reply began; your text is forgotten"]


def test_ctrl_c_at_the_prompt_says_how_to_end():
    played = Played([KeyboardInterrupt(), "a"], [["x"]])
    assert played.notices == ["/quit or Ctrl-D ends the session"] and len(played.said) == 2


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("stop", "a tag of the chat format"),
        ("length", "cut at --max-new-tokens 5"),
        ("context", "context is full; begin a new dialogue with /reset"),
    ],
)
def test_a_reply_that_was_cut_is_said(reason, said):
    played = Played(["a"], [["x"]], [reason], max_new_tokens=5)
    assert len(played.notices) == 1 and said in played.notices[0]
    assert played.said[1] == ("assistant", "x")


def test_an_empty_reply_is_said():
    played = Played(["a"], [[]])
    assert played.notices == ["the reply is empty"] and played.written == []


def test_lines_are_joined_and_empty_ones_say_nothing():
    played = Played(
        ["", "  ", "one\\", "", "two\\", "three", " /etc is a folder"], [["x"], ["y"], ["z"]]
    )
    assert [text for role, text in played.said if role == "user"] == [
        *("one\n", "two\nthree", " /etc is a folder")
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("/rest", "no command /rest; /help lists them"),
        ("/save", "name a file"),
        ("/save {folder}", "is a folder"),
        ("/save {folder}/none/x", "there is no folder"),
    ],
)
def test_wrong_commands_are_said_and_the_session_goes_on(tmp_path, line, said):
    played = Played([line.format(folder=tmp_path), "a"], [["x"]])
    assert len(played.notices) == 1 and said in played.notices[0]
    assert len(played.said) == 2


def test_help_names_every_command():
    notice = Played(["/help"]).notices[0]
    assert all(name in notice for name in ("/reset", "/system", "/save", "/quit", "Ctrl-D"))


def test_save_writes_the_dialogue_and_never_over_a_file(tmp_path):
    file = tmp_path / "talk.jsonl"
    played = Played(["a", f"/save {file}", "b", f"/save {file}"], [["\u00e9"], ["y"]], system="s")
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert [(line["role"], line["content"]) for line in lines] == played.said[:3]
    assert played.notices == [f"{file}: 3 messages", f"{file}: exists already; name another file"]


def test_the_transcript_grows_turn_by_turn(tmp_path):
    file = tmp_path / "all.jsonl"
    file.write_text('{"before": 1}\n')
    grown = []

    class Watched(Transcript):
        def add(self, lines):
            super().add(lines)
            grown.append(len(file.read_text(encoding="utf-8").splitlines()))

    says = [["x"], ["y", KeyboardInterrupt()]]
    Played(["a", "[INST]", "/reset", "b"], says, system="s", transcript=Watched(file))
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    begin = [{"event": "begin"}, {"role": "system", "content": "s"}]
    assert lines == [
        {"before": 1},
        *begin,
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "x", "stop_reason": "eos"},
        *begin,
        {"role": "user", "content": "b"},
        {"role": "assistant", "content": "y", "stop_reason": "interrupted"},
    ]
    assert grown == [3, 5, 7, 9]


@pytest.fixture
def short_disk():
    """Files can be no longer than so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_transcript_is_not_left_with_half_a_turn(tmp_path, short_disk):
    file = tmp_path / "all.jsonl"
    transcript = Transcript(file)
    transcript.add([{"a": 1}])
    whole = file.read_bytes()
    short_disk(len(whole) + 3)
    with pytest.raises(OSError, match="No space left"):
        transcript.add([{"b": 2}])
    assert file.read_bytes() == whole


def test_a_dialogue_is_not_saved_in_part(tmp_path, short_disk):
    file = tmp_path / "talk.jsonl"
    short_disk(10)
    played = Played(["a", f"/save {file}", "b"], [["x"], ["y"]])
    assert played.notices == [f"{file}: cannot be written: File too large"]
    assert not file.exists() and len(played.said) == 4


def test_a_transcript_that_cannot_be_written_is_refused_at_once(tmp_path):
    with pytest.raises(InputError, match="is a folder; name a file"):
        Transcript(tmp_path)
    with pytest.raises(InputError, match="there is no folder"):
        Transcript(tmp_path / "none" / "x.jsonl")
    assert list(tmp_path.iterdir()) == []
