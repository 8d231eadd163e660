"""Random numbers of other libraries' arrays, and what is done in each chunk of Dask's when it is computed."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import Any
from zlib import crc32

import numpy as np

from minigrad.other_arrays.foreign import beside, is_chunked


def draw(rng: Any, like: Any) -> Any:
    """rng.random(like.shape) as an array of the kind of `like`; in chunks, drawn where each is computed.

    The generator of each chunk skips what lies before it, so the numbers do not depend on the chunks, nor on
    how often or where one is computed; `rng` is left as if it had drawn all of them.

    Raises: TypeError for a generator that cannot skip: only PCG64, default_rng's, and PCG64DXSM can.
    """
    if not is_chunked(like):
        return beside(rng.random(like.shape), like)
    from dask.array import map_blocks

    bits = getattr(rng, "bit_generator", None)
    if not isinstance(bits, np.random.PCG64 | np.random.PCG64DXSM):
        raise TypeError(
            f"a draw in chunks needs a generator that can skip: rng=np.random.default_rng(seed), not {rng}"
        )
    before = dict(bits.state)
    numbers = map_blocks(
        _draw_block,
        type(bits),
        before,
        like.shape,
        chunks=like.chunks,
        dtype=float,
        meta=np.empty((0,) * like.ndim),
    )
    bits.advance(prod(like.shape))
    after: Any = {**before, "state": bits.state["state"]}  # with the half of a number that may be left
    bits.state = after
    return numbers


def check(array: Any, low: float, high: float, message: str) -> Any:
    """The same array; to compute a chunk with values out of range is a ValueError with this message."""
    from dask.array import map_blocks

    return map_blocks(_check_block, array, low, high, message, dtype=array.dtype, meta=array._meta)


def checksums(array: Any) -> np.ndarray:
    """A checksum of the contents of each chunk, which are not all in memory at once."""
    ones = tuple((1,) * k for k in array.numblocks)
    meta = np.empty((0,) * array.ndim, np.uint32)
    return np.asarray(array.map_blocks(_checksum_block, chunks=ones, dtype=np.uint32, meta=meta))


def _checksum_block(block: Any) -> np.ndarray:
    return np.full((1,) * block.ndim, crc32(np.ascontiguousarray(block).tobytes()), np.uint32)


def rows(array: Any, places: Any) -> Any:
    """array[places] of places that are whole numbers in chunks themselves: each chunk of them takes its own.

    Raises: IndexError for places that do not exist, when they are computed.
    """
    from dask.array import blockwise

    taken = tuple(range(places.ndim))
    rest = tuple(range(places.ndim, places.ndim + array.ndim))
    whole = array.rechunk({0: -1})
    return blockwise(
        _rows_of_block,
        (*taken, *rest[1:]),
        whole,
        rest,
        places,
        taken,
        concatenate=True,
        dtype=array.dtype,
        meta=np.empty((0,) * (places.ndim + array.ndim - 1), array.dtype),
    )


def _rows_of_block(block: Any, places: Any) -> Any:
    return block[places]


def add_up(values: Any, places: Any, n: int) -> Any:
    """Zeros of length n along the first axis with the slices of the values added at the places, repeated or
    not: each chunk adds up its own, and then the sums are added."""
    from dask.array import asarray, blockwise

    rest = tuple(range(2, values.ndim + 1))
    sums = blockwise(
        _add_block,
        (0, 1, *rest),
        values,
        (0, *rest),
        asarray(places).rechunk((values.chunks[0],)),
        (0,),
        n=n,
        new_axes={1: n},
        adjust_chunks={0: 1},
        dtype=values.dtype,
        meta=np.empty((0,) * (values.ndim + 1), values.dtype),
    )
    return sums.sum(axis=0)


def _add_block(values: Any, places: np.ndarray, n: int) -> Any:
    sums = np.zeros((1, n, *values.shape[1:]), values.dtype)
    np.add.at(sums[0], places, values)
    return sums


def _draw_block(kind: Any, state: dict[str, Any], shape: tuple[int, ...], block_info: Any = None) -> Any:
    """The numbers of a chunk: skip and draw for each of its runs that are one in the whole array."""
    place = block_info[None]["array-location"]
    split = next((i for i in reversed(range(len(shape))) if place[i] != (0, shape[i])), 0)
    run = prod(high - low for low, high in place[split:])
    numbers = np.empty([high - low for low, high in place])
    bits = kind()
    for at in product(*(range(*bounds) for bounds in place[:split])):
        bits.state = state
        start = (*at, *(low for low, _ in place[split:]))
        bits.advance(sum(i * prod(shape[axis + 1 :]) for axis, i in enumerate(start)))
        within = tuple(i - low for i, (low, _) in zip(at, place, strict=False))
        numbers[within] = np.random.Generator(bits).random(run).reshape(numbers[within].shape)
    return numbers


def _check_block(block: Any, low: float, high: float, message: str) -> Any:
    if block.size and not (block.min() >= low and block.max() <= high):
        raise ValueError(message)
    return block
