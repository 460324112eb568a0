#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
"""Trains the demo's network on Fashion-MNIST, quantises it to int8, writes fmnist.npuw.

This script is how tools/demo/fmnist.npuw was made; the demo itself needs no Python. It owns the
writing side of the weight format (docs/demo-weights.md; the reading side is weights.c) and the
definition of the network. It needs Debian's python3-torch and dataset-fashion-mnist.

Quantisation is after training and is that of ONNX QLinearConv and QLinearMatMul: activations int8
with one scale and zero point a tensor, weights int8 symmetric with one scale an output channel (one
for all in the last layer, so that its int32 sums can be compared with each other), bias int32.
Activations are measured on training images; the test images are only used to count.

The file carries the number of test images answered rightly and a CRC of all their logits, both
from the integer arithmetic of this script, so that the C reference can be held against it.
The seed and the number of threads are fixed; another CPU or library version may still sum in
another order and so arrive at slightly different weights.
"""

import argparse
import gzip
import os
import struct
import sys
import zlib

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

SEED = 20260101
THREADS = 2
EPOCHS = 12
BATCH = 128
CALIBRATION_IMAGES = 4000
REQUIRED_PERCENT = 90.5

MAGIC = b"NPUW"
VERSION = 1
CONV, MAXPOOL, FC = 1, 2, 3
INT8, INT32 = 1, 2
HEADER = struct.Struct("<4s3I4Ifi3I3I")
RECORD = struct.Struct("<12s2I14Ififi1I")
ALIGN = 16

PIXEL_SCALE = np.float32(1) / np.float32(255)
PIXEL_ZERO = -128  # a pixel p, 0 to 255, is the int8 value p - 128


def read_idx(path):
    """One IDX file of unsigned bytes, gzipped."""
    with gzip.open(path, "rb") as f:
        data = f.read()
    dims = data[3]
    if data[:3] != b"\0\0\x08" or not 1 <= dims <= 3:
        sys.exit(f"{path}: not an IDX file of unsigned bytes")
    shape = struct.unpack_from(f">{dims}I", data, 4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * dims).reshape(shape)


class Net(nn.Module):
    """Three 3x3 convolutions (the third with stride 2), two max poolings, one linear layer."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1, bias=False)
        self.conv3 = nn.Conv2d(32, 64, 3, stride=2, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(16)
        self.norm2 = nn.BatchNorm2d(32)
        self.norm3 = nn.BatchNorm2d(64)
        self.fc = nn.Linear(3 * 3 * 64, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.norm1(self.conv1(x))), 2)
        x = F.relu(self.norm2(self.conv2(x)))
        x = F.max_pool2d(F.relu(self.norm3(self.conv3(x))), 2)
        # Flattened as NHWC, the order of the int8 tensors.
        return self.fc(x.permute(0, 2, 3, 1).flatten(1))


def train(net, images, labels, epochs):
    steps = epochs * ((len(images) + BATCH - 1) // BATCH)
    opt = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=1e-2)
    plan = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=8e-3, total_steps=steps)
    for epoch in range(epochs):
        net.train()
        total = 0.0
        for index in torch.randperm(len(images)).split(BATCH):
            x, y = images[index], labels[index]
            flip = torch.rand(len(x)) < 0.5
            x = torch.where(flip[:, None, None, None], x.flip(3), x)
            loss = F.cross_entropy(net(x), y, label_smoothing=0.02)
            opt.zero_grad()
            loss.backward()
            opt.step()
            plan.step()
            total += loss.item() * len(x)
        print(f"epoch {epoch + 1}/{epochs}: loss {total / len(images):.4f}", flush=True)


def folded(conv, norm):
    """Weights and bias of a convolution with its batch normalisation folded in."""
    gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    return conv.weight * gain[:, None, None, None], norm.bias - norm.running_mean * gain


class Layer:
    """One layer as the file knows it. Shapes are (h, w, c); scales are numpy float32."""

    def __init__(self, kind, name, kernel, stride, pad):
        self.kind, self.name = kind, name
        self.kernel, self.stride, self.pad = kernel, stride, pad
        self.weight = self.bias = None  # float, as trained: [cout][cin][kh][kw] or [n][k]
        self.q_weight = self.q_bias = self.multiplier = None

    def run_float(self, x):
        """The float layer on NCHW."""
        if self.kind == CONV:
            return F.relu(F.conv2d(x, self.weight, self.bias, self.stride, self.pad))
        if self.kind == MAXPOOL:
            return F.max_pool2d(x, self.kernel, self.stride)
        return F.linear(x.permute(0, 2, 3, 1).flatten(1), self.weight, self.bias)

    def set_shapes(self, before, after):
        self.in_shape = (before.shape[2], before.shape[3], before.shape[1])
        if self.kind == FC:
            self.out_shape = (1, 1, after.shape[1])
        else:
            self.out_shape = (after.shape[2], after.shape[3], after.shape[1])

    def quantise(self, in_scale, in_zero, out_max):
        self.in_scale, self.in_zero = in_scale, in_zero
        self.out_type = INT8
        if self.kind == MAXPOOL:
            self.out_scale, self.out_zero = in_scale, in_zero
            return
        w = self.weight.numpy()
        if self.kind == CONV:
            w_scale = np.abs(w).max(axis=(1, 2, 3)).astype(np.float32) / np.float32(127)
            # ReLU leaves nothing below 0, so 0 is the lowest int8 value and saturation is ReLU.
            self.out_scale, self.out_zero = np.float32(out_max) / np.float32(255), -128
        else:
            w_scale = np.full(w.shape[0], np.abs(w).max(), np.float32) / np.float32(127)
            self.out_scale, self.out_zero, self.out_type = in_scale * w_scale[0], 0, INT32
        per_channel = w_scale.reshape((-1,) + (1,) * (w.ndim - 1))
        self.q_weight = np.clip(np.rint(w / per_channel), -127, 127).astype(np.int8)
        bias_scale = in_scale * w_scale
        self.q_bias = np.rint(self.bias.numpy() / bias_scale).astype(np.int32)
        if self.kind == CONV:
            self.multiplier = (bias_scale / self.out_scale).astype(np.float32)

    def run_int(self, q):
        """The int8 layer on NCHW. Sums are made in double, where these integers are exact."""
        if self.kind == MAXPOOL:
            return F.max_pool2d(q.double(), self.kernel, self.stride).to(torch.int8)
        x = q.double() - self.in_zero
        w = torch.from_numpy(self.q_weight.astype(np.float64))
        b = torch.from_numpy(self.q_bias.astype(np.float64))
        if self.kind == FC:
            return F.linear(x.permute(0, 2, 3, 1).flatten(1), w, b).to(torch.int32)
        acc = F.conv2d(x, w, b, self.stride, self.pad).numpy().astype(np.int32)
        scaled = np.rint(acc.astype(np.float32) * self.multiplier[:, None, None])
        return torch.from_numpy(np.clip(scaled + self.out_zero, -128, 127).astype(np.int8))

    def record(self):
        body = b""
        if self.kind != MAXPOOL:
            if self.kind == CONV:
                w = self.q_weight.transpose(2, 3, 1, 0)  # [kh][kw][cin][cout]
            else:
                w = self.q_weight.transpose(1, 0)  # [k][n]
            body += padded(np.ascontiguousarray(w).tobytes())
            body += padded(self.q_bias.astype("<i4").tobytes())
        if self.kind == CONV:
            body += padded(self.multiplier.astype("<f4").tobytes())
        return RECORD.pack(
            self.name.encode(), self.kind, RECORD.size + len(body),
            *self.in_shape, *self.out_shape, self.kernel, self.kernel, self.stride, self.stride,
            self.pad, self.pad, self.pad, self.pad, self.in_scale, self.in_zero,
            self.out_scale, self.out_zero, self.out_type) + body

    def macs(self):
        h, w, c = self.out_shape
        return 0 if self.kind == MAXPOOL else h * w * c * (self.q_weight.size // c)

    def parameters(self):
        return 0 if self.kind == MAXPOOL else self.q_weight.size + self.q_bias.size


def padded(data):
    return data + bytes(-len(data) % ALIGN)


def build_layers(net):
    layers = [
        Layer(CONV, "conv1", 3, 1, 1),
        Layer(MAXPOOL, "pool1", 2, 2, 0),
        Layer(CONV, "conv2", 3, 1, 1),
        Layer(CONV, "conv3", 3, 2, 1),
        Layer(MAXPOOL, "pool2", 2, 2, 0),
        Layer(FC, "fc", 1, 1, 0),
    ]
    layers[0].weight, layers[0].bias = folded(net.conv1, net.norm1)
    layers[2].weight, layers[2].bias = folded(net.conv2, net.norm2)
    layers[3].weight, layers[3].bias = folded(net.conv3, net.norm3)
    layers[5].weight, layers[5].bias = net.fc.weight, net.fc.bias
    return layers


def quantise(layers, images):
    """Runs the float network on calibration images and gives each layer its int8 form."""
    x, scale, zero = images, PIXEL_SCALE, PIXEL_ZERO
    for layer in layers:
        y = layer.run_float(x)
        layer.set_shapes(x, y)
        layer.quantise(scale, zero, y.max().item())
        x, scale, zero = y, layer.out_scale, layer.out_zero


def run_int(layers, pixels):
    """int32 logits [image][class] of uint8 images."""
    out = []
    for chunk in np.array_split(pixels, 20):
        q = torch.from_numpy((chunk.astype(np.int16) + PIXEL_ZERO).astype(np.int8))[:, None]
        for layer in layers:
            q = layer.run_int(q)
        out.append(q.numpy())
    return np.concatenate(out)


def write_file(path, layers, images, correct, logits):
    body = b"".join(layer.record() for layer in layers)
    size = HEADER.size + len(body)
    rest = HEADER.pack(
        MAGIC, VERSION, size, 0, len(layers), *layers[0].in_shape, PIXEL_SCALE, PIXEL_ZERO,
        images, correct, zlib.crc32(logits.astype("<i4").tobytes()), 0, 0, 0)[16:] + body
    with open(path, "wb") as f:
        f.write(struct.pack("<4s3I", MAGIC, VERSION, size, zlib.crc32(rest)) + rest)
    return size


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description="train and quantise the demo's network")
    parser.add_argument("--dataset", default="/usr/share/datasets/fashion-mnist",
                        help="folder of the IDX files (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--output", default=os.path.join(here, "fmnist.npuw"))
    args = parser.parse_args()

    torch.manual_seed(SEED)
    torch.set_num_threads(THREADS)
    torch.use_deterministic_algorithms(True)

    def load(part, kind):
        return read_idx(os.path.join(args.dataset, f"{part}-{kind}-ubyte.gz"))

    def as_float(pixels):
        return torch.from_numpy(pixels.astype(np.float32) * PIXEL_SCALE)[:, None]

    images = as_float(load("train", "images-idx3"))
    labels = torch.from_numpy(load("train", "labels-idx1").astype(np.int64))
    test_pixels = load("t10k", "images-idx3")
    test_labels = load("t10k", "labels-idx1")

    net = Net()
    train(net, images, labels, args.epochs)
    net.eval()
    with torch.no_grad():
        chunks = as_float(test_pixels).split(500)
        answers = np.concatenate([net(x).argmax(1).numpy() for x in chunks])
        layers = build_layers(net)
        quantise(layers, images[:CALIBRATION_IMAGES])
        logits = run_int(layers, test_pixels)
    # argmax takes the lowest index among equals, as the C reference does.
    correct = int((logits.argmax(1) == test_labels).sum())
    float_correct = int((answers == test_labels).sum())

    for layer in layers:
        shape = "{}x{}x{} -> {}x{}x{}".format(*layer.in_shape, *layer.out_shape)
        print(f"{layer.name:6} {shape:24} {layer.parameters():6} parameters {layer.macs():7} MACs")
    print(f"total: {sum(l.parameters() for l in layers)} parameters, "
          f"{sum(l.macs() for l in layers)} MACs")
    count = len(test_labels)
    print(f"float: {float_correct} of {count} test images right")
    print(f"int8:  {correct} of {count} test images right")
    if correct * 100 < REQUIRED_PERCENT * count:
        sys.exit(f"int8 accuracy is below {REQUIRED_PERCENT} %: nothing written")
    size = write_file(args.output, layers, count, correct, logits)
    print(f"{args.output}: {size} bytes")


if __name__ == "__main__":
    main()
