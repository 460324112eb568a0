// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * libnpu as a C++ program uses it: all headers as they are, no wrappers of ours, objects that release themselves,
 * exceptions of its own. Products on several threads, each compared with plain arithmetic; errors come as they do in C.
 * The device is NPU_DEVICE's, else a simulated card. Also compiled by tests/packaging against what is installed.
 */
#include <npu/graph.h>
#include <npu/image.h>
#include <npu/npu.h>
#include <npu/ops.h>
#include <npu/stream.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace
{

struct deleter {
	void operator()(struct npu_device *dev) const
	{
		npu_close(dev);
	}
	void operator()(struct npu_buffer *buffer) const
	{
		npu_buffer_release(buffer);
	}
	void operator()(struct npu_queue *queue) const
	{
		npu_queue_release(queue);
	}
	void operator()(struct npu_fence *fence) const
	{
		npu_fence_release(fence);
	}
};

using device = std::unique_ptr<struct npu_device, deleter>;
using queue = std::unique_ptr<struct npu_queue, deleter>;
using fence = std::unique_ptr<struct npu_fence, deleter>;
using buffer = std::unique_ptr<struct npu_buffer, deleter>;

void must(int ret, const char *what)
{
	if (ret)
		throw std::runtime_error(std::string(what) + ": " + npu_error());
}

device open_device(const char *name)
{
	struct npu_device *dev;

	must(npu_open(&dev, name), "npu_open");
	return device(dev);
}

template <typename T> buffer make_buffer(struct npu_device *dev, const std::vector<T> &data, unsigned int flags)
{
	struct npu_buffer *raw;

	must(npu_buffer_create(dev, data.size() * sizeof(T), flags, &raw), "npu_buffer_create");
	buffer b(raw);
	must(npu_buffer_write(raw, 0, data.data(), data.size() * sizeof(T)), "npu_buffer_write");
	return b;
}

/* m x k by k x n, of numbers that depend on @seed. Throws on the first element that differs. */
void multiply(struct npu_device *dev, uint32_t m, uint32_t n, uint32_t k, uint32_t seed)
{
	std::vector<int8_t> a(m * k), b(k * n);
	std::vector<int32_t> out(m * n), want(m * n);
	struct npu_matmul op = {};
	struct npu_product_args args = {};
	struct npu_queue *raw_queue;
	struct npu_fence *raw_fence;

	for (auto *v : { &a, &b })
		for (auto &x : *v)
			x = static_cast<int8_t>((seed = seed * 1664525u + 1013904223u) >> 24);
	for (uint32_t i = 0; i < m; i++)
		for (uint32_t j = 0; j < n; j++)
			for (uint32_t l = 0; l < k; l++)
				want[i * n + j] += a[i * k + l] * b[l * n + j];

	buffer da = make_buffer(dev, a, NPU_BUFFER_LOCAL);
	buffer db = make_buffer(dev, b, NPU_BUFFER_LOCAL);
	buffer dout = make_buffer(dev, out, NPU_BUFFER_HOST);

	op.m = m;
	op.n = n;
	op.k = k;
	op.epilogue.out_type = NPU_S32;
	args.a.buffer = da.get();
	args.b.buffer = db.get();
	args.out.buffer = dout.get();

	must(npu_queue_create(dev, nullptr, &raw_queue), "npu_queue_create");
	queue q(raw_queue);
	must(npu_matmul(q.get(), &op, &args, nullptr, 0, &raw_fence), "npu_matmul");
	fence done(raw_fence);
	must(npu_fence_wait(done.get(), NPU_WAIT_FOREVER), "npu_fence_wait");
	must(npu_buffer_read(dout.get(), 0, out.data(), out.size() * sizeof(out[0])), "npu_buffer_read");
	for (size_t i = 0; i < out.size(); i++)
		if (out[i] != want[i])
			throw std::runtime_error("element " + std::to_string(i) + ": " + std::to_string(out[i]) + ", not " +
						 std::to_string(want[i]));
}

void threads(struct npu_device *dev)
{
	std::vector<std::thread> all;
	std::vector<std::string> wrong(4);

	for (uint32_t t = 0; t < wrong.size(); t++)
		all.emplace_back([=, &wrong] {
			try {
				multiply(dev, 17 + t, 33, 65 + t, t + 1);
			} catch (const std::exception &e) {
				wrong[t] = e.what();
			}
		});
	for (auto &thread : all)
		thread.join();
	for (const auto &w : wrong)
		if (!w.empty())
			throw std::runtime_error(w);
}

void errors()
{
	struct npu_device *dev = nullptr;

	if (npu_open(&dev, "sim:cores=none") != -EINVAL || dev || !*npu_error())
		throw std::runtime_error("a bad option of a device is no error");
}

} // namespace

int main()
{
	const char *name = std::getenv("NPU_DEVICE");

	try {
		device dev = open_device(name ? name : "sim:");

		multiply(dev.get(), 5, 7, 9, 1);
		threads(dev.get());
		errors();
	} catch (const std::exception &e) {
		std::fprintf(stderr, "%s\n", e.what());
		return 1;
	}
	std::puts("C++: products of five shapes, four of them on threads, are right");
	return 0;
}
