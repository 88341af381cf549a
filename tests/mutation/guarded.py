"""Arrays behind which memory ends: to read or write past their last number ends the process."""

from __future__ import annotations

import ctypes
import math
import mmap

import numpy as np

PAGE = mmap.PAGESIZE
_protect = ctypes.CDLL(None, use_errno=True).mprotect


def empty(shape, dtype):
    """An array of what is no number, or no small one, behind which no memory may be touched."""
    dtype = np.dtype(dtype)
    size = math.prod(shape) * dtype.itemsize
    room = -(-size // PAGE) * PAGE
    memory = mmap.mmap(-1, room + PAGE)
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    if _protect(ctypes.c_void_p(start + room), ctypes.c_size_t(PAGE), 0):
        raise OSError(ctypes.get_errno(), "mprotect")
    bits = np.frombuffer(memory, np.uint8, size, room - size)
    bits[...] = 0xFF  # of a float, NaN
    return bits.view(dtype).reshape(shape)


def copied(array):
    """The same numbers, behind which no memory may be touched."""
    made = empty(array.shape, array.dtype)
    made[...] = array
    return made
