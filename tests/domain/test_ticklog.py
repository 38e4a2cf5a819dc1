"""The recorded day as bytes: what is written is read back, and damage costs its own block alone."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from alphapanda_desktop.domain.ticklog import (
    INDEX_MAGIC,
    MAGIC,
    Block,
    Damage,
    Frame,
    KnownTokens,
    blocks,
    frames_of,
    frames_parts,
    index_entry,
    names_block,
    names_of,
    read_index,
    repacked,
    tokens_in,
)
from alphapanda_desktop.kite.packets import encode_frame
from tests.writtenblocks import frames_block

SOME = [(1_000, b"one"), (2_000, b""), (3_000, b"three" * 50)]


def read(data: bytes, damage: Damage | None = None) -> list[Frame]:
    return [frame for block in blocks(data, damage) for frame in frames_of(data, block)]


frames = st.lists(st.tuples(st.integers(0, 2**63), st.binary(max_size=300)), min_size=1, max_size=8)


@given(st.lists(st.tuples(frames, st.booleans()), max_size=5))
def test_frames_come_back_as_they_were_written(parts: list[tuple[list[Frame], bool]]) -> None:
    data = MAGIC + b"".join(frames_block(part, pack=pack) for part, pack in parts)
    damage = Damage()
    assert read(data, damage) == [frame for part, _ in parts for frame in part]
    assert not damage
    assert damage.text() == ""


def test_a_block_tells_its_count_and_span_without_being_read() -> None:
    data = MAGIC + names_block({408065: "NSE:INFY"}, 500) + frames_block(SOME)
    names, held = blocks(data)
    assert names_of(data, names) == {408065: "NSE:INFY"}
    assert list(frames_of(data, names)) == []
    assert names_of(data, held) == {}
    assert (held.count, held.first_ns, held.last_ns, held.packed) == (3, 1_000, 3_000, False)
    assert held == Block(names.at + names.size, len(data) - names.at - names.size, 1, False, 3, 1_000, 3_000)


def test_compressing_a_block_keeps_its_frames_and_makes_it_smaller() -> None:
    data = MAGIC + frames_block(SOME * 20)
    (block,) = blocks(data)
    packed = MAGIC + repacked(data, block)
    assert read(packed) == SOME * 20
    assert len(packed) < len(data) / 2
    assert next(blocks(packed)).packed


@given(st.integers(0, 10_000))
def test_a_cut_loses_the_block_that_it_hits_and_none_before(where: int) -> None:
    parts = [[(n, bytes([n]) * 40)] for n in range(1, 6)]
    whole = MAGIC + b"".join(frames_block(part) for part in parts)
    cut = len(MAGIC) + where % (len(whole) - len(MAGIC))
    ends = [block.at + block.size for block in blocks(whole)]
    damage = Damage()
    assert read(whole[:cut], damage) == [parts[n][0] for n, end in enumerate(ends) if end <= cut]
    assert bool(damage) == (cut not in (len(MAGIC), *ends))


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_changed_byte_loses_its_own_block_alone(where: int, flip: int) -> None:
    parts = [[(n, bytes([n]) * 40)] for n in range(1, 6)]
    whole = bytearray(MAGIC + b"".join(frames_block(part) for part in parts))
    at = len(MAGIC) + where % (len(whole) - len(MAGIC))
    hit = next(n for n, block in enumerate(blocks(bytes(whole))) if block.at <= at < block.at + block.size)
    whole[at] ^= flip
    damage = Damage()
    assert read(bytes(whole), damage) == [part[0] for n, part in enumerate(parts) if n != hit]
    assert len(damage.lost) == 1
    assert f"{damage.lost[0][1]:,} damaged bytes were left out" in damage.text()


def test_tokens_are_read_off_a_frame_as_far_as_it_goes() -> None:
    frame = encode_frame([(408065).to_bytes(4, "big") + bytes(4), (256265).to_bytes(4, "big") + bytes(24)])
    assert list(tokens_in(frame)) == [408065, 256265]
    assert list(tokens_in(frame[:16])) == [408065]
    assert list(tokens_in(b"\x00")) == []


def test_tokens_that_are_new_are_found_in_equal_and_in_mixed_frames() -> None:
    def packet(token: int, size: int) -> bytes:
        return token.to_bytes(4, "big") + bytes(size - 4)

    equal = encode_frame([packet(token, 184) for token in (408065, 738561, 408065)])
    mixed = encode_frame([packet(4_294_967_295, 8), packet(256265, 32)])
    frames = [(1, equal), (2, mixed), (3, b"\x00"), (4, b"\x00\x01\x00\x00")]
    assert frames_parts(frames, KnownTokens())[1] == [256265, 408065, 738561, 4_294_967_295]
    assert frames_parts(frames, KnownTokens([256265, 500000]))[1] == [408065, 738561, 4_294_967_295]


@given(st.binary(max_size=200), st.lists(st.integers(0, 2**32 - 1), max_size=5))
def test_new_tokens_are_those_of_the_walk_whatever_the_bytes(data: bytes, known: list[int]) -> None:
    assert frames_parts([(1, data)], KnownTokens(known))[1] == sorted(set(tokens_in(data)) - set(known))


@given(st.integers(0, 400), st.integers(1, 255))
def test_a_spoilt_index_is_believed_up_to_the_spoilt_entry(where: int, flip: int) -> None:
    data = MAGIC + b"".join(frames_block([(n, bytes([n]) * 40)]) for n in range(1, 6))
    held = list(blocks(data))
    index = bytearray(INDEX_MAGIC + b"".join(map(index_entry, held)))
    assert read_index(bytes(index), len(data)) == held
    assert read_index(bytes(index), len(data) - 1) == held[:-1]
    index[where % len(index)] ^= flip
    believed = read_index(bytes(index), len(data))
    assert believed == held[: len(believed)] != held


@given(frames)
def test_a_block_in_pieces_is_the_same_block(held: list[Frame]) -> None:
    assert b"".join(frames_parts(held, KnownTokens())[0]) == frames_block(held)


@given(st.lists(st.integers(0, 2**32 - 1)), st.lists(st.integers(0, 2**32 - 1)))
def test_tokens_that_share_a_slot_are_told_apart(known: list[int], asked: list[int]) -> None:
    twins = [token ^ 0x8000_0000 for token in known]  # alike in their middle bytes
    kept = KnownTokens(known)
    found = np.array([*asked, *twins, *known], np.uint32)
    assert kept.new_in(found) == sorted({*asked, *twins} - set(known))
    kept.add(twins)
    assert kept.new_in(found) == sorted(set(asked) - {*known, *twins})
