import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llama_jax.tokenizer import protobuf
from llama_jax.tokenizer.protobuf import WireError, fields


def test_the_examples_of_the_format_description():
    # https://protobuf.dev/programming-guides/encoding/: a varint 150, "testing", a nested message.
    assert list(fields(bytes.fromhex("089601"))) == [(1, 150)]
    assert list(fields(bytes.fromhex("120774657374696e67"))) == [(2, b"testing")]
    assert list(fields(bytes.fromhex("1a03089601"))) == [(3, bytes.fromhex("089601"))]
    assert protobuf.varint_field(1, 150) == bytes.fromhex("089601")
    assert protobuf.bytes_field(2, b"testing") == bytes.fromhex("120774657374696e67")


def test_fixed_width_fields():
    assert list(fields(b"\x0d" + struct.pack("<f", 1.5))) == [(1, struct.pack("<f", 1.5))]
    assert list(fields(b"\x09" + bytes(range(8)))) == [(1, bytes(range(8)))]
    assert protobuf.float_field(1, 1.5) == b"\x0d" + struct.pack("<f", 1.5)


@given(st.integers(-(2**63), 2**63 - 1), st.integers(1, 2**29 - 1))
def test_a_varint_comes_back(value, number):
    ((read_number, raw),) = fields(protobuf.varint_field(number, value))
    assert (read_number, protobuf.signed(raw)) == (number, value)


def test_minus_one_is_ten_bytes():
    assert protobuf.varint_field(43, -1) == b"\xd8\x02" + b"\xff" * 9 + b"\x01"


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b"\x12\x07test", "field 2 needs 7 bytes, 4 are left"),
        (b"\x08\x96", "a number is cut off"),
        (b"\x0d\x00\x00", "field 1 needs 4 bytes, 2 are left"),
        (b"\x00\x01", "no field has number 0"),
        (b"\x0b", "unknown wire type 3"),
        (b"\x08" + b"\xff" * 11, "a number is cut off"),
    ],
)
def test_what_is_not_a_message_is_refused(message, reason):
    with pytest.raises(WireError, match=reason):
        list(fields(message))
