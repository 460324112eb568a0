/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * Telling the compiler what processor the functions of a file are for. A file of kernels
 * includes this and its system headers, says NPU_SIMD_BEGIN(...), and then everything whose
 * functions it wants compiled so. NPU_SIMD_END closes it. Which file may run is decided by
 * npu_exec_kernels().
 */
#ifndef NPU_CARD_SIMD_H
#define NPU_CARD_SIMD_H

#define NPU_PRAGMA(text) _Pragma(#text)

#ifdef __clang__
#define NPU_SIMD_BEGIN(isa) \
	NPU_PRAGMA(clang attribute push(__attribute__((target(isa))), apply_to = function))
#define NPU_SIMD_END NPU_PRAGMA(clang attribute pop)
#else
#define NPU_SIMD_BEGIN(isa) _Pragma("GCC push_options") NPU_PRAGMA(GCC target(isa))
#define NPU_SIMD_END	    _Pragma("GCC pop_options")
#endif

#define NPU_SIMD_AVX2	"avx2,fma"
#define NPU_SIMD_AVX512 "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma"

#endif
