#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# Usage: run.sh [OPTION...] [--] COMMAND [ARGUMENT...]
#        run.sh --interactive [OPTION...]
#
# Boots a VM with npu cards and npu.ko, runs COMMAND in it (a line for the guest's shell, in /test)
# and judges the end. What the command says is streamed with a prefix.
#
#   --kernel 6.12|7.x|debug|debug-7.x  Debian's kernel, or one that checks itself
#   --file HOST[:GUEST] put a file or folder into the guest, as /test/NAME or GUEST; programs bring
#                       their libraries. May be repeated
#   --script FILE       the command is this shell script; arguments after -- are its own
#   --cards N           cards, each behind a root port of its own (1)
#   --device PROPS      properties of every card, as in -device npu,PROPS
#   --module KO|none    the driver (build/kernel/SERIES/npu.ko); loaded before the command, unloaded
#                       after it
#   --parameters WORDS  module parameters of npu.ko
#   --modprobe NAME     load a module of the kernel's. May be repeated
#   --iommu             put an IOMMU (intel-iommu) between the cards and memory
#   --nvme              add QEMU's nvme disk over null-co, as /dev/nvme0n1
#   --qmp               let the guest inject faults: lines "npu0 inject-lost-irq 3" on /dev/ttyS2 (qmp.sh);
#                       the cards want inject=on. Hot-plug is native then, so that the guest sees removals
#   --out DIR           what the guest writes to /out is in DIR, at once
#   --share DIR         run the command in DIR, read-only on the host and writable for the guest in
#                       memory; / gives a full user space
#   --timeout S         end the VM after S seconds (120; debug 600)
#   --memory SIZE       memory, as QEMU writes it (2G; debug 4G)
#   --smp N             processors (2)
#   --one-thread        emulate them by one thread: slower, but safe where BARs come and go
#                       (docs/testing.md, The VM)
#   --bzimage           boot through the BIOS instead of straight into vmlinux; S3 needs it
#   --append WORDS      more of the kernel's command line
#   --qemu WORDS        more of QEMU's command line. May be repeated
#   --allow REGEX       lines of the kernel's log that match are no complaint
#   --name NAME         the name of the logs (vm-SERIES): build/logs/NAME.{kernel,console}
#   --interactive       a shell instead of a command
#
# Exit codes: 0 all well; 121 the kernel complained (WARN, BUG, KASAN, UBSAN, lockdep, kmemleak,
# DMA-API, a call trace), whatever the command said; 122 the VM ended without a verdict (a panic);
# 123 it could not be started; 124 timeout; otherwise the command's own code.
#
# The QEMU is $QEMU or build/qemu/qemu-system-x86_64. The machine's own is never taken: before 8.1,
# TCG loses a race with kernels that patch their own code (an int3 oops in one boot of a hundred).
# KVM is used where the processor has vmx or svm and a VM really starts with it, TCG otherwise.

set -euo pipefail
. "$(dirname "$0")/../../tools/dev/lib.sh"

top=$(cd "$(dirname "$0")/../.." && pwd -P)
here=$top/tests/vm

usage() {
	sed -n '5,/^$/s/^# \{0,1\}//p' "$0" >&2
	exit 123
}

kernel=6.12 cards=1 device='' module='' parameters='' iommu='' nvme='' qmp='' out='' share='' limit=''
memory='' smp=2 threads=multi image=vmlinux append='' allow='' name='' interactive='' script=''
files=() modprobe=() extra=()
while [ $# != 0 ]; do
	case $1 in
	--iommu)	iommu=yes; shift; continue ;;
	--nvme)		nvme=yes; shift; continue ;;
	--qmp)		qmp=yes; shift; continue ;;
	--one-thread)	threads=single; shift; continue ;;
	--bzimage)	image=bzImage; shift; continue ;;
	--interactive)	interactive=yes; shift; continue ;;
	--)		shift; break ;;
	-*)		[ $# -ge 2 ] || usage ;;
	*)		break ;;
	esac
	case $1 in
	--kernel)	kernel=$2 ;;
	--file)		files+=(--file "$2") ;;
	--script)	script=$2 ;;
	--cards)	cards=$2 ;;
	--device)	device=$2 ;;
	--module)	module=$2 ;;
	--parameters)	parameters=$2 ;;
	--modprobe)	modprobe+=(--modprobe "$2") ;;
	--out)		out=$2 ;;
	--share)	share=$2 ;;
	--timeout)	limit=$2 ;;
	--memory)	memory=$2 ;;
	--smp)		smp=$2 ;;
	--append)	append=$2 ;;
	--qemu)		read -ra words <<<"$2"; extra+=("${words[@]}") ;;
	--allow)	allow=$2 ;;
	--name)		name=$2 ;;
	*)		say "unknown option $1"; usage ;;
	esac
	shift 2
done
[ -n "$interactive" ] || [ -n "$script" ] || [ $# != 0 ] || usage
name=${name:-vm-$kernel}
# A kernel that checks itself is slower and larger. It boots in 20 seconds where others do in 4.
case $kernel in
debug*)	limit=${limit:-600} memory=${memory:-4G} boot_limit=400 ;;
*)	limit=${limit:-120} memory=${memory:-2G} boot_limit=180 ;;
esac
module=${module:-$top/build/kernel/$kernel/npu.ko}
[ "$module" != none ] || module=

refuse() {
	say "$@"
	exit 123
}

# What the machine has.
qemu=${QEMU:-$top/build/qemu/qemu-system-x86_64}
[ -x "$qemu" ] || refuse "no QEMU with the card at $qemu: run make qemu"
[ -z "$module" ] || [ -e "$module" ] || refuse "no $module: run make module KVER=$kernel"
[ -z "$script" ] || [ -r "$script" ] || refuse "no script $script"
"$top/tools/dev/deps.sh" vm || refuse "the VM lacks packages"

# Firmware and option ROMs come from the distribution's packages.
firmware=(-L /usr/share/seabios -L /usr/share/qemu)

kvm_works() {
	grep -qwE 'vmx|svm' /proc/cpuinfo && [ -w /dev/kvm ] &&
		echo quit | timeout 10 "$qemu" "${firmware[@]}" -nodefaults -display none \
			-machine q35,accel=kvm -S -monitor stdio >/dev/null 2>&1
}

if kvm_works; then
	accel=kvm cpu=host
else
	accel=tcg,thread=$threads cpu=max
fi

work=$(mktemp -d)
vm_pid='' qmp_pid=''
cleanup() {
	[ -z "$vm_pid" ] || kill "$vm_pid" 2>/dev/null || true
	[ -z "$qmp_pid" ] || kill "$qmp_pid" 2>/dev/null || true
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# What goes into the guest.
mkdir -p "$work/vm" "$top/build/logs"
for setting in interactive out share parameters limit; do
	printf '%s=%q\n' "$setting" "${!setting}"
done >"$work/vm/settings"
if [ -n "$script" ]; then
	cp "$script" "$work/script"
	files+=(--file "$work/script:/test/.script")
	set -- sh /test/.script "$@"
	printf '%q ' "$@" >"$work/command"
else
	# A line for the shell, not words: a test may want a pipe or two commands.
	printf '%s\n' "$*" >"$work/command"
fi
files+=(--file "$work/vm:/etc/vm" --file "$work/command:/test/.command")

[ -z "$nvme" ] || modprobe+=(--modprobe nvme)
[ -z "$out$share" ] || modprobe+=(--modprobe virtio_pci --modprobe 9p --modprobe 9pnet_virtio)
[ -z "$share" ] || modprobe+=(--modprobe overlay)
"$here/initramfs.sh" "$work/initramfs" "$kernel" ${module:+--module "$module"} "${modprobe[@]}" \
	"${files[@]}" || refuse "could not make the initramfs"

# The machine.
machine=q35
boot="console=ttyS0 loglevel=7 panic=-1 watchdog_thresh=60 rcupdate.rcu_cpu_stall_timeout=120"
devices=()
if [ -n "$iommu" ]; then
	machine+=,kernel-irqchip=split
	devices+=(-device intel-iommu,intremap=on,caching-mode=on)
	boot+=" intel_iommu=on"
fi
for ((i = 0; i < cards; i++)); do
	devices+=(-device "pcie-root-port,id=port$i,chassis=$((i + 1)),slot=$((i + 1))"
		  -device "npu,id=npu$i,bus=port$i${device:+,$device}")
done
if [ -n "$nvme" ]; then
	devices+=(-blockdev driver=null-co,node-name=null0,size=1073741824,read-zeroes=on
		  -device nvme,drive=null0,serial=null0)
fi
# The third serial line has an interrupt of its own: by itself it would share the first one's, which edges
# do not allow.
if [ -n "$qmp" ]; then
	mkfifo "$work"/{guest,qmp}.{in,out}
	devices+=(-global ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off
		  -chardev "pipe,id=qmp,path=$work/qmp" -mon chardev=qmp,mode=control
		  -chardev "pipe,id=guest,path=$work/guest"
		  -device isa-serial,chardev=guest,index=2,iobase=0x3e8,irq=5)
fi
if [ -n "$out" ]; then
	mkdir -p "$out"
	devices+=(-fsdev "local,id=out,path=$out,security_model=none"
		  -device virtio-9p-pci,fsdev=out,mount_tag=out)
fi
if [ -n "$share" ]; then
	devices+=(-fsdev "local,id=share,path=$share,security_model=none,readonly=on,multidevs=remap"
		  -device virtio-9p-pci,fsdev=share,mount_tag=share)
fi

klog=$top/build/logs/$name.kernel
console=$top/build/logs/$name.console
vm=("$qemu" "${firmware[@]}" -nodefaults -no-user-config -display none -no-reboot
    -machine "$machine" -accel "$accel" -cpu "$cpu" -smp "$smp" -m "$memory"
    -kernel "$("$top/tools/dev/kernel.sh" path "$kernel" "$image")" -initrd "$work/initramfs"
    -append "$boot $append" -serial "file:$klog"
    -device isa-debug-exit,iobase=0xf4,iosize=4 "${devices[@]}" "${extra[@]}")
: >"$klog"

if [ -n "$interactive" ]; then
	say "Linux $kernel under ${accel%%,*}; Ctrl-A X ends it; the kernel's log is ${klog#"$top"/}"
	status=0
	"${vm[@]}" -serial mon:stdio || status=$?
	# The guest's own end, or the user's.
	[ "$status" = 65 ] || [ "$status" = 0 ] || refuse "QEMU ended with $status"
	exit 0
fi

prefix="[$kernel${iommu:+ iommu}] "
start=$SECONDS

# Runs the VM once; sets `status'.
attempt() {
	rm -f "$work/console"
	mkfifo "$work/console"
	: >"$klog"
	: >"$console"
	sed -u 's/\r//g' <"$work/console" | tee "$console" |
		sed -u "/^vm: user space$/d; s/^/$prefix/" &
	stream_pid=$!
	timeout --foreground -k 10 "$limit" "${vm[@]}" -serial stdio \
		</dev/null >"$work/console" 2>"$work/qemu" &
	vm_pid=$!
	if [ -n "$qmp" ]; then
		"$here/qmp.sh" "$work" >/dev/null 2>&1 &
		qmp_pid=$!
	fi
	# A boot that hangs need not wait for the whole of the test's time.
	{
		for ((i = 0; i < boot_limit; i++)); do
			sleep 1
			! in_user_space || exit 0
		done
		kill "$vm_pid"
	} >/dev/null 2>&1 &
	watch_pid=$!
	status=0
	wait "$vm_pid" || status=$?
	vm_pid=
	kill "$watch_pid" 2>/dev/null || true
	wait "$watch_pid" 2>/dev/null || true
	if [ -n "$qmp_pid" ]; then
		kill "$qmp_pid" 2>/dev/null || true
		wait "$qmp_pid" 2>/dev/null || true
		qmp_pid=
	fi
	wait "$stream_pid" || true
}

# The guest's first process says so before it does anything, npu.ko included.
in_user_space() {
	grep -q '^vm: user space$' "$console"
}

# Emulated processors race with a kernel that patches its own code while it boots: an int3 oops, or
# a clock that does not tick, in one boot of a hundred or so. Nothing of ours has run by then, so such a boot
# does not count; one that fails three times does.
for try in 1 2 3; do
	attempt
	if in_user_space || [ "$accel" = kvm ] || [ ! -s "$klog" ] || [ "$try" = 3 ]; then
		break
	fi
	printf '%sthe kernel did not come up under emulation; booting again\n' "$prefix"
	cp "$klog" "$klog.$try"
done
took=$((SECONDS - start))

verdict() {
	printf '%s%s\n' "$prefix" "$*"
}

show() {
	sed "s/\r//g; s/^/${prefix}| /"
}

last_lines() {
	tail -n 20 "$klog" | show
}

# Words of a kernel that is not well. The mitigations' own advice at boot says WARNING too.
complaints='WARNING:|BUG:|Oops|KASAN|UBSAN|KCSAN|DMA-API|Call Trace|Kernel panic|general protection'
complaints+='|kmemleak: [0-9]+ new suspected|unreferenced object|INFO: task .* blocked'
complaints+='|(circular|recursive|irq) lock.* (dependency|detected)|inconsistent lock state'
complaints+='|suspicious RCU usage|possible (circular|recursive)|rcu.*detected.*stall|bad unlock'
complaints+='|held lock freed|lock held when returning|scheduling while atomic|refcount_t:'
complaints+='|list_(add|del) corruption|soft lockup|nobody cared'
benign='Spectre V2 ?: WARNING: Unprivileged eBPF|RETBleed: WARNING|MDS: WARNING'
benign+='|DMA-API: preallocated [0-9]+ debug entries|DMA-API: debugging enabled by kernel config'
# What was asked for when time ran out is no complaint.
found=$(sed '/vm: nearly out of time/,$d' "$klog" | grep -nE "$complaints" | grep -vE "$benign" |
	{ if [ -n "$allow" ]; then grep -vE "$allow"; else cat; fi; } || true)

result=0
case $status in
65 | 67)
	result=$(sed -n 's/^vm: exit \([0-9]*\)$/\1/p' "$console" | tail -n 1)
	[ -n "$result" ] || result=122
	[ "$status" = 65 ] || [ "$result" != 0 ] || result=122
	;;
124 | 137)
	verdict "no end after $limit s"
	[ -n "$found" ] || last_lines
	sed -n '/vm: nearly out of time/,$p' "$klog" | head -n 100 | show
	result=124
	;;
*)
	verdict "the VM ended without a verdict (QEMU's exit code $status)"
	[ -n "$found" ] || last_lines
	result=122
	# QEMU itself refused: nothing ran.
	[ "$status" = 0 ] || [ -s "$klog" ] || result=123
	;;
esac
[ ! -s "$work/qemu" ] || show <"$work/qemu"
if [ -n "$found" ]; then
	first=${found%%:*}
	verdict "the kernel complained $(wc -l <<<"$found") times; the first, from line $first of ${klog#"$top"/}:"
	sed -n "$((first > 3 ? first - 3 : 1)),$((first + 30))p" "$klog" | show
	[ "$result" != 0 ] || result=121
fi
verdict "Linux $kernel under ${accel%%,*}: exit code $result after $took s"
exit "$result"
