#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# Runs in the guest (tests/vm/run.sh --script), twice. In the first kernel it starts the same one again by
# kexec, with the same user space, while the card is busy; in the second it looks whether the card works.

case $(cat /proc/cmdline) in
*npu_kexec=*)
	exec test_kexec second
	;;
esac
# What is mounted is not of it.
(cd / && find . -xdev ! -path ./test/bzImage | cpio -o -H newc) >/tmp/initramfs || exit
exec test_kexec first /test/bzImage /tmp/initramfs
