#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# libnpu as Python uses it by ctypes alone, without wrappers of ours: a product of integers and one of float16, compared
# with Python's own arithmetic, and an error in words. Types are written down as npu/ops.h has them.
#
# Usage: use_ctypes.py LIBRARY [DEVICE]

import ctypes
import errno
import random
import struct
import sys
from ctypes import POINTER, Structure, byref, c_char_p, c_float, c_int, c_int32, c_int64, c_size_t, c_uint, c_uint32, \
    c_uint64, c_void_p

S8, S32, FP16, FP32 = 0, 2, 4, 5  # enum npu_type
HOST, LOCAL = 0, 1  # enum npu_buffer_flags
FOREVER = -1


class Ref(Structure):
    _fields_ = [("buffer", c_void_p), ("offset", c_uint64)]


class Epilogue(Structure):
    _fields_ = [("out_type", c_uint32), ("bias", c_uint32), ("scale_per", c_uint32), ("scale", c_float),
                ("residual", c_uint32), ("residual_type", c_uint32), ("residual_scale", c_float),
                ("residual_zp", c_int32), ("mid", c_uint32), ("mid_type", c_uint32), ("mid_zp", c_int32),
                ("mid_scale", c_float), ("activation", c_uint32), ("lo", c_float), ("hi", c_float),
                ("out_scale", c_float), ("out_zp", c_int32), ("reserved", c_uint32)]


class Matmul(Structure):
    _fields_ = [("batch", c_uint32), ("m", c_uint32), ("n", c_uint32), ("k", c_uint32), ("a_type", c_uint32),
                ("b_type", c_uint32), ("b_layout", c_uint32), ("reserved", c_uint32), ("a_stride", c_uint64),
                ("b_stride", c_uint64), ("out_stride", c_uint64), ("residual_stride", c_uint64),
                ("a_batch", c_uint64), ("b_batch", c_uint64), ("out_batch", c_uint64), ("residual_batch", c_uint64),
                ("a_zp_per", c_uint32), ("a_zp", c_int32), ("b_zp_per", c_uint32), ("b_zp", c_int32),
                ("epilogue", Epilogue)]


class ProductArgs(Structure):
    _fields_ = [(name, Ref) for name in ("a", "b", "out", "bias", "scale", "residual", "a_zp", "b_zp")]


def load(path):
    lib = ctypes.CDLL(path)
    for name, result, arguments in (
            ("npu_version", c_char_p, []),
            ("npu_error", c_char_p, []),
            ("npu_open", c_int, [POINTER(c_void_p), c_char_p]),
            ("npu_close", None, [c_void_p]),
            ("npu_buffer_create", c_int, [c_void_p, c_size_t, c_uint, POINTER(c_void_p)]),
            ("npu_buffer_write", c_int, [c_void_p, c_size_t, c_char_p, c_size_t]),
            ("npu_buffer_read", c_int, [c_void_p, c_size_t, c_void_p, c_size_t]),
            ("npu_buffer_release", None, [c_void_p]),
            ("npu_queue_create", c_int, [c_void_p, c_void_p, POINTER(c_void_p)]),
            ("npu_queue_release", None, [c_void_p]),
            ("npu_matmul", c_int, [c_void_p, POINTER(Matmul), POINTER(ProductArgs), c_void_p, c_uint,
                                   POINTER(c_void_p)]),
            ("npu_fence_wait", c_int, [c_void_p, c_int64]),
            ("npu_fence_release", None, [c_void_p])):
        function = getattr(lib, name)
        function.restype = result
        function.argtypes = arguments
    return lib


def must(lib, ret):
    if ret:
        raise OSError(-ret, lib.npu_error().decode())


def make_buffer(lib, dev, data, flags):
    buffer = c_void_p()
    must(lib, lib.npu_buffer_create(dev, len(data), flags, byref(buffer)))
    must(lib, lib.npu_buffer_write(buffer, 0, data, len(data)))
    return buffer


def multiply(lib, dev, op, a, b, size):
    """The bytes of a product of the bytes a and b."""
    args = ProductArgs()
    args.a.buffer = make_buffer(lib, dev, a, LOCAL)
    args.b.buffer = make_buffer(lib, dev, b, LOCAL)
    args.out.buffer = make_buffer(lib, dev, bytes(size), HOST)
    queue, fence = c_void_p(), c_void_p()
    out = ctypes.create_string_buffer(size)

    must(lib, lib.npu_queue_create(dev, None, byref(queue)))
    must(lib, lib.npu_matmul(queue, byref(op), byref(args), None, 0, byref(fence)))
    must(lib, lib.npu_fence_wait(fence, FOREVER))
    must(lib, lib.npu_buffer_read(args.out.buffer, 0, out, size))
    lib.npu_fence_release(fence)
    lib.npu_queue_release(queue)
    for ref in (args.a, args.b, args.out):
        lib.npu_buffer_release(ref.buffer)
    return out.raw


def product(m, n, k, a, b):
    return [sum(a[i * k + l] * b[l * n + j] for l in range(k)) for i in range(m) for j in range(n)]


def integers(lib, dev, rng):
    m, n, k = 19, 23, 70
    a = [rng.randint(-128, 127) for _ in range(m * k)]
    b = [rng.randint(-128, 127) for _ in range(k * n)]
    op = Matmul(m=m, n=n, k=k, a_type=S8, b_type=S8, epilogue=Epilogue(out_type=S32))
    out = multiply(lib, dev, op, struct.pack(f"{m * k}b", *a), struct.pack(f"{k * n}b", *b), 4 * m * n)
    assert list(struct.unpack(f"{m * n}i", out)) == product(m, n, k, a, b), "the product of integers is wrong"


def floats(lib, dev, rng):
    # Small whole numbers: float16 holds them and their sums exactly.
    m, n, k = 9, 11, 30
    a = [rng.randint(-8, 8) for _ in range(m * k)]
    b = [rng.randint(-8, 8) for _ in range(k * n)]
    op = Matmul(m=m, n=n, k=k, a_type=FP16, b_type=FP16, epilogue=Epilogue(out_type=FP32, scale_per=1, scale=0.5))
    out = multiply(lib, dev, op, struct.pack(f"{m * k}e", *a), struct.pack(f"{k * n}e", *b), 4 * m * n)
    want = [v / 2 for v in product(m, n, k, a, b)]
    assert list(struct.unpack(f"{m * n}f", out)) == want, "the product of floats is wrong"


def errors(lib):
    dev = c_void_p()
    assert lib.npu_open(byref(dev), b"sim:cores=none") == -errno.EINVAL, "a bad option is no error"
    assert not dev and lib.npu_error(), "an error without words"


def main():
    lib = load(sys.argv[1])
    dev = c_void_p()
    must(lib, lib.npu_open(byref(dev), (sys.argv[2] if len(sys.argv) > 2 else "sim:").encode()))
    rng = random.Random(1)
    integers(lib, dev, rng)
    floats(lib, dev, rng)
    errors(lib)
    lib.npu_close(dev)
    print(f"ctypes: libnpu {lib.npu_version().decode()}, products of integers and floats are right")


main()
