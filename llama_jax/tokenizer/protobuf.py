"""The protobuf wire format, as far as SentencePiece's messages need it: fields in, fields out.

SentencePiece ships generated protobuf classes, but they insist on a protobuf runtime at least as
new as the one they were generated with, which other packages may pin lower. The wire format itself
is stable and small: https://protobuf.dev/programming-guides/encoding/.
"""

import functools
import struct
from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


class WireError(ValueError):
    """The bytes are not a sequence of protobuf fields; says at which byte."""


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of `message` in their order, as (number, value).

    A value is an int for a varint and bytes for everything else (nested messages and strings as
    they are, fixed32 and fixed64 as 4 and 8 little-endian bytes).

    Raises:
        WireError: the message is cut off, or holds a tag that protobuf does not have.
    """
    position, end = 0, len(message)
    while position < end:
        tag, position = _varint(message, position)
        number, wire = tag >> 3, tag & 7
        if number == 0:
            raise WireError(f"no field has number 0 (byte {position})")
        if wire == VARINT:
            value, position = _varint(message, position)
            yield number, value
            continue
        if wire == BYTES:
            size, position = _varint(message, position)
        elif wire in (FIXED32, FIXED64):
            size = 4 if wire == FIXED32 else 8
        else:
            raise WireError(f"unknown wire type {wire} (byte {position})")
        if position + size > end:
            raise WireError(f"field {number} needs {size} bytes, {end - position} are left")
        yield number, message[position : position + size]
        position += size


def _varint(message: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while position < len(message) and shift < 70:
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise WireError(f"a number is cut off (byte {position})")


def signed(value: int) -> int:
    """A varint read as int32 or int64: negative numbers are written as 64-bit two's complement."""
    return value - (1 << 64) if value >= 1 << 63 else value


def varint_field(number: int, value: int) -> bytes:
    """An int, bool or enum field."""
    return _encode_varint(number << 3 | VARINT) + _encode_varint(value & ((1 << 64) - 1))


def bytes_field(number: int, value: bytes) -> bytes:
    """A string, bytes or message field."""
    return _encode_varint(number << 3 | BYTES) + _encode_varint(len(value)) + value


def float_field(number: int, value: float) -> bytes:
    """A 32-bit float field."""
    return _encode_varint(number << 3 | FIXED32) + struct.pack("<f", value)


@functools.lru_cache  # tags, lengths and kinds are the same few numbers, tens of thousands of times
def _encode_varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
