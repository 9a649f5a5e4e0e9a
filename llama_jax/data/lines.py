r"""Plain text files whose line N belongs to line N of the files beside them (translations).

Lines end with "\n" and with nothing else: U+2028, a form feed or a lone carriage return are text.
"""

from pathlib import Path

from llama_jax.errors import InputError


def text_lines(path: Path) -> list[str]:
    """Returns the lines of a UTF-8 file; a blank one is an InputError.

    A last line needs no newline. A byte-order mark stays in the first line, as sacrebleu leaves it.
    """
    data = path.read_bytes()
    try:
        lines = data.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}:{line}: not UTF-8: byte 0x{data[error.start]:02x}") from None
    if lines[-1] == "":
        lines.pop()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            raise InputError(f"{path}:{number}: the line is blank; put the authors' file there")
    return lines


def parallel_lines(path: Path, beside: tuple[str, ...]) -> dict[str, list[str]]:
    """Returns the lines of `path` and of the files beside it, by file name.

    Raises:
        InputError: a file is missing, or they have not the same number of lines.
    """
    found = {path.name: text_lines(path)}
    for name in beside:
        other = path.with_name(name)
        if not other.is_file():
            raise InputError(f"{other}: it belongs to {path.name} and is missing; put it there")
        found[name] = text_lines(other)
        if len(found[name]) != len(found[path.name]):
            raise InputError(
                f"{other}: {len(found[name])} lines, {path.name} has {len(found[path.name])}; "
                "line N of both must belong together"
            )
    return found
