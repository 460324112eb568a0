#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
"""Trains the demo's network on Fashion-MNIST and writes fmnist.onnx, in float.

This script is how tools/demo/fmnist.onnx was made; the demo itself needs no Python. It owns the
definition of the network (docs/demo.md). It needs Debian's python3-torch and
dataset-fashion-mnist. Quantising is not done here: that is npucc's.

The seed is fixed and one thread computes; another CPU or library version may still sum in another
order and so arrive at slightly different weights.
"""

import argparse
import gzip
import os
import struct
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

SEED = 20260101
THREADS = 1
EPOCHS = 12
BATCH = 128
OPSET = 13
REQUIRED_PERCENT = 91

PIXEL_SCALE = np.float32(1) / np.float32(255)


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
        # Flattened channels last, as images lie on the card.
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


def write_onnx(net, shape, path):
    """In evaluation mode the exporter folds each normalisation into its convolution."""
    net.eval()
    torch.onnx.export(net, torch.zeros(1, *shape), path, opset_version=OPSET,
                      input_names=["image"], output_names=["logits"],
                      dynamic_axes={"image": {0: "batch"}, "logits": {0: "batch"}})


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description="train the demo's network")
    parser.add_argument("--dataset", default="/usr/share/datasets/fashion-mnist",
                        help="folder of the IDX files (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--output", default=os.path.join(here, "fmnist.onnx"))
    args = parser.parse_args()

    torch.manual_seed(SEED)
    torch.set_num_threads(THREADS)
    torch.use_deterministic_algorithms(True)

    def images(part):
        pixels = read_idx(os.path.join(args.dataset, f"{part}-images-idx3-ubyte.gz"))
        return torch.from_numpy(pixels.astype(np.float32) * PIXEL_SCALE)[:, None]

    def labels(part):
        values = read_idx(os.path.join(args.dataset, f"{part}-labels-idx1-ubyte.gz"))
        return torch.from_numpy(values.astype(np.int64))

    net = Net()
    train(net, images("train"), labels("train"), args.epochs)
    net.eval()
    test, truth = images("t10k"), labels("t10k")
    with torch.no_grad():
        correct = sum(int((net(x).argmax(1) == y).sum())
                      for x, y in zip(test.split(500), truth.split(500)))
    print(f"{correct} of {len(truth)} test images right")
    if correct * 100 < REQUIRED_PERCENT * len(truth):
        sys.exit(f"accuracy is below {REQUIRED_PERCENT} %: nothing written")
    write_onnx(net, test.shape[1:], args.output)
    print(f"{args.output}: {os.path.getsize(args.output)} bytes")


if __name__ == "__main__":
    main()
