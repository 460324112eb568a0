#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# Usage: test_trace.sh NPUCTL JSON_KEYS CHECK_TRACE MAKE_IMAGE
#
# npuctl trace without a card: a recorded machine's events (snapshots/machine/trace), a model's commands, and what is
# refused. The timelines are judged by check_trace, which is judged first, the pictures by xmllint.

npuctl=$(realpath "$1")
json_keys=$(realpath "$2")
check_trace=$(realpath "$3")
make_image=$(realpath "$4")
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/npuctl/lib.sh
. "$here/lib.sh"
unset NPU_DEVICE
cd "$work" || exit 1
: >out
: >err

golden() {
	check "$1" diff "$here/golden/$1" "${2:-out}"
}

keys() {
	"$json_keys" <out >keys 2>>err || true
	check "keys of $1" diff "$here/golden/$1.keys" keys
}

# valid FILE: a timeline; its counts are in $work/counts.
valid() {
	code=0
	"$check_trace" "$1" >counts 2>err || code=$?
	check "$1 is no timeline" [ "$code" = 0 ]
}

# count WHAT: of the last valid timeline.
count() {
	sed -n "s/^$1 //p" counts
}

# ---- Who judges ----
cat >good.json <<'END'
{"traceEvents":[
{"ph":"M","name":"process_name","pid":1,"args":{"name":"p"}},
{"ph":"M","name":"thread_name","pid":1,"tid":2,"args":{"name":"t"}},
{"ph":"M","name":"thread_name","pid":1,"tid":3,"args":{"name":"u"}},
{"ph":"X","name":"outer","pid":1,"tid":2,"ts":1.0,"dur":5.5},
{"ph":"X","name":"inner","pid":1,"tid":2,"ts":2,"dur":3,"args":{"n":1}},
{"ph":"X","name":"next","pid":1,"tid":2,"ts":6.5,"dur":0.0},
{"ph":"X","name":"other","pid":1,"tid":3,"ts":0,"dur":9},
{"ph":"s","name":"f","cat":"c","id":4,"pid":1,"tid":2,"ts":1.5},
{"ph":"t","name":"f","cat":"c","id":4,"pid":1,"tid":3,"ts":2.5},
{"ph":"f","name":"f","cat":"c","id":4,"pid":1,"tid":2,"ts":6.5,"bp":"e"},
{"ph":"C","name":"k","pid":1,"ts":0,"args":{"a":1,"b":2.5}},
{"ph":"C","name":"k","pid":1,"ts":3,"args":{"a":0,"b":1}}
]}
END
valid good.json
check "what it counts" [ "$(tr '\n' ' ' <counts)" = "processes 1 threads 2 slices 4 flows 1 counters 1 points 2 " ]
# bad WHAT SED: it is not taken for one any more.
bad() {
	sed -e "$2" good.json >bad.json
	check "sed $2" sh -c '! cmp -s good.json bad.json'
	check "$1 is not seen" sh -c "! '$check_trace' bad.json >out 2>err"
}
bad "an unknown phase" 's/"ph":"C"/"ph":"Q"/'
bad "a field that is not known" 's/"dur":9/"dur":9,"length":9/'
bad "a duration that is missing" 's/,"dur":9//'
bad "a duration below 0" 's/"dur":9/"dur":-1/'
bad "a time that is a text" 's/"ts":2,/"ts":"2",/'
bad "a pid that is a text" 's/"tid":3,"ts":0/"tid":"3","ts":0/'
bad "a process without a name" '/process_name/d'
bad "a thread without a name" '/"name":"u"/d'
bad "a thread with two names" 's/"tid":3,"args":{"name":"u"}/"tid":2,"args":{"name":"u"}/'
bad "a name that is missing" 's/"name":"outer",//'
bad "slices that overlap" 's/"ts":2,"dur":3/"ts":2,"dur":5/'
bad "slices out of order" 's/"ts":6.5,"dur":0.0/"ts":0.5,"dur":0.1/'
bad "a flow without an end" '/"ph":"f"/d'
bad "a flow without a beginning" '/"ph":"s"/d'
bad "a flow that goes on after its end" 's/"ph":"t"/"ph":"f"/'
bad "a flow back in time" 's/"ph":"t",\(.*\)"ts":2.5/"ph":"t",\1"ts":0.5/'
bad "a flow beside slices" 's/"tid":2,"ts":6.5,"bp"/"tid":2,"ts":7.5,"bp"/'
bad "a counter's value that is a text" 's/"b":1}/"b":"1"}/'
bad "a counter with another series" 's/"a":0,"b":1/"a":0,"c":1/'
bad "a counter without series" 's/{"a":0,"b":1}/{}/'
bad "a counter back in time" 's/"ph":"C","name":"k","pid":1,"ts":0/"ph":"C","name":"k","pid":1,"ts":4/'
# shellcheck disable=SC2016 # the last line, for sed
bad "half a file" '$d'
bad "no events" 's/traceEvents/events/'

# ---- A recording ----
export NPUCTL_ROOT=$work/machine
machine() {
	rm -rf machine
	cp -r "$here/snapshots/machine" machine
}
machine
ends 0 "trace" trace --seconds 1 -o jobs.json --svg jobs.svg
golden trace.txt
says "12 events came too fast and are lost"
valid jobs.json
golden trace.json jobs.json
drawn jobs.svg
golden trace.svg jobs.svg
ends 0 "trace --json" trace --seconds 1 --json
keys trace
check "the default file" cmp npu-trace.json jobs.json
check "jobs" [ "$(value jobs)" = 13 ]
check "failed" [ "$(value failed)" = 2 ]
check "unfinished" [ "$(value unfinished)" = 3 ]
check "flows: of jobs that were seen from end to end" [ "$(count flows)" = 5 ]
check "no draft is left" [ -z "$(find . -name '*.tmp')" ]

# What a recording may have beside: nothing at all, lines that are none, names like lines.
: >machine/trace
ends 0 "nothing was recorded" trace --seconds 1 -o none.json --svg none.svg
tells ": 0 jobs"
valid none.json
check "counters are there all the same" [ "$(count points)" -gt 4 ]
drawn none.svg
machine
cat >>machine/trace <<'END'
something else
          npuctl-176     (    176) [001] .....   101.960000: npu_job_submit: queue=22 first=x count=1
          npuctl-176     (    176) [001] .....   101.960000: npu_job_submit: queue=22 first=6 count=1 more=2
          npuctl-176     (    176) [001] .....   101960000: npu_job_submit: queue=22 first=6 count=1
          npuctl (    176) [001] .....   101.960000: npu_job_submit: queue=22 first=6 count=1
          npuctl-176     (    176) 001 .....   101.960000: npu_job_submit: queue=22 first=6 count=1
          npuctl-176     (    176) [001] .....   101.960000: npu_job_wait: queue=22 first=6 count=1
: npu_job_submit: queue=22 first=6 count=1
: 
END
{
	head -c 300 /dev/zero | tr '\0' x
	echo ": npu_job_submit: queue=1 first=1 count=1"
} >>machine/trace
ends 0 "lines that are none" trace --seconds 1 -o odd.json
says "10 events of the kernel's were not understood"
check "nothing was made of them" cmp odd.json jobs.json
machine
cat >>machine/trace <<'END'
   a: b-1 [0] x)-180     (    180) [001] .....   101.960000: npu_job_submit: queue=23 first=1 count=1
   (9) [001] 1.0-181     [001] .....   101.960000: npu_job_submit: queue=24 first=1 count=1
        <&"\'>-182     (    182) [001] .....   101.960000: npu_job_submit: queue=25 first=1 count=1
END
printf '       \033[2J\377-183     (    183) [001] .....   101.960000: npu_job_submit: queue=26 first=1 count=1\n' >>machine/trace
ends 0 "names" trace --seconds 1 -o names.json --svg names.svg
check "all is understood" [ "$(grep -c understood err)" = 0 ]
valid names.json
drawn names.svg
# named PID NAME: so is the process called.
named() {
	check "process $1 is not $2" grep -q "^{.*\"name\":\"process_name\",\"pid\":$1,\"args\":{\"name\":\"$2\"}" names.json
}
named 180 'a: b-1 \[0\] x)'
named 181 '(9) \[001\] 1.0'
named 183 '?\[2J?'
check "no control characters" sh -c "! LC_ALL=C grep -q '[^ -~]' names.json names.svg"

# Two cards: whose rings are whose is known of processes that have but one open.
machine
cp -r machine/sys/bus/pci/devices/0000:01:00.0 machine/sys/bus/pci/devices/0000:02:00.0
mv machine/sys/bus/pci/devices/0000:02:00.0/accel/accel0 machine/sys/bus/pci/devices/0000:02:00.0/accel/accel1
cp machine/dev/accel/accel0 machine/dev/accel/accel1
sed -i 's/0000:01:00.0/0000:02:00.0/' machine/proc/176/fdinfo/*
sed -i 's/ring=4/ring=5/' machine/trace
rm -r machine/later
ends 0 "two cards" trace --seconds 1 -o two.json --json
valid two.json
check "rings of both" [ "$(value rings)" = 2 ]
check "two cards" [ "$(grep -c '"name":"card accel' two.json)" = 2 ]
ends 0 "one of two cards" trace --seconds 1 -o two.json --json --device 0000:02:00.0
valid two.json
check "its jobs, and one of nobody's" [ "$(value jobs)" = 6 ]
sed 's/^drm-client-id:.*/drm-client-id:	99/' machine/proc/176/fdinfo/3 >machine/proc/170/fdinfo/77
ends 0 "a process with both open" trace --seconds 1 -o two.json --json --device 0000:02:00.0
valid two.json
check "its jobs may be that card's" [ "$(value jobs)" = 13 ]
rm machine/proc/*/fdinfo/*
ends 0 "two cards, of which nothing is known" trace --seconds 1 -o two.json --json
valid two.json
check "one ring" [ "$(value rings)" = 1 ]
tells '"jobs": 13'
machine

# ---- What is refused ----
refuses 2 "what is to be traced" trace
refuses 2 "what is to be traced" trace --seconds 1 model.npu
refuses 2 "what is to be traced" trace model.npu -- true
refuses 2 "which command" trace --
refuses 2 "a snapshot runs no command" trace -- true
refuses 2 'what is "more"' trace model.npu more
refuses 2 "is not in 1 .. 3600" trace --seconds 0
refuses 2 "is not in 10 .." trace --interval 1 --seconds 1
refuses 2 "no driver whose events" trace --seconds 1 --device sim:
export NPU_DEVICE=sim:
refuses 2 "no driver whose events" trace -- true
unset NPU_DEVICE
refuses 2 "do not both go to stdout" trace --seconds 1 --json -o -
refuses 2 "two files" trace --seconds 1 -o - --svg -
refuses 1 "No such file" trace --seconds 1 -o none/x.json
refuses 1 "No such file" trace --seconds 1 --svg none/x.svg
refuses 3 "npuctl list tells" trace --seconds 1 --device accel7
mkdir folder.json
refuses 1 "folder.json" trace --seconds 1 -o folder.json
rm machine/trace
refuses 1 "machine/trace: No such file" trace --seconds 1
rm -r machine/sys/bus/pci/devices/*
refuses 3 "no NPU card" trace --seconds 1
check "no draft is left" [ -z "$(find . -name '*.tmp')" ]
unset NPUCTL_ROOT
if [ ! -e /dev/accel ]; then
	refuses 3 "no NPU card" trace --seconds 1
	refuses 3 "no NPU card" trace -- touch "$work/ran"
	check "the command was not begun" [ ! -e ran ]
fi

# ---- A model ----
check "make_image" "$make_image" two.npu
ends 0 "info" info two.npu --device sim: --json
cycles=$(value cycles | head -n1)
commands=$(value commands | head -n1)
ends 0 "trace of a model" trace two.npu --device sim: -o engines.json --svg engines.svg --json
keys trace-model
check "its cycles" [ "$(value cycles)" = "$cycles" ]
check "its commands" [ "$(value commands)" = "$commands" ]
valid engines.json
golden trace-model.json engines.json
drawn engines.svg
golden trace-model.svg engines.svg
check "a slice a command" [ "$(count slices)" = "$commands" ]
check "the last one's end is the job's" \
	[ "$(sed -n 's/.*"end_cycle":\([0-9]*\).*/\1/p' engines.json | sort -n | tail -n1)" = "$cycles" ]
ends 0 "trace of a model" trace two.npu --device sim: -o -
check "to stdout" cmp out engines.json
ends 0 "its picture" trace two.npu --device sim: --svg -
check "to stdout" cmp out engines.svg
# begin FILE: of each command, in thousandths of a microsecond.
begin() {
	sed -n 's/.*"ph":"X".*"ts":\([0-9.]*\).*/\1/p' "$1" | awk -v by="$2" '{ printf "%.0f\n", by * 1000 * $1 }'
}
ends 0 "half as fast" trace two.npu --device sim:clock-mhz=500 -o slow.json
valid slow.json
begin slow.json 1 >slow
begin engines.json 2 >fast
check "takes twice as long" diff slow fast
refuses 1 "none.npu" trace none.npu
refuses 1 "not a .npu image" trace "$json_keys"
refuses 1 "needs 2 cores, the card has 1" trace two.npu --device sim:cores=1
refuses 2 "cores" trace two.npu --device sim:cores=x
refuses 3 "accel199" trace two.npu --device accel199
[ ! -w /dev/full ] || refuses 1 "/dev/full" trace two.npu --device sim: -o /dev/full

finish
