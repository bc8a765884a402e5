#!/usr/bin/env bash
# The campaigns at length: mutated files, kills, races, a full disk. Each says how many
# runs it made and how many failed; the exit code is 0 if none did.
#
#   tests/soak.sh [SHARE]      SHARE of the full length, 1 by default; CI runs 0.02
#
# Full length: 10,000 mutants over all readers, 1,000 kills over audit, compare and train,
# 200 races, a full disk. Needs bash, timeout and, for the full disk, the right to mount.
# MODSCOPE=PATH takes a program that is built already, and leaves the mutants out.
set -uo pipefail
cd "$(dirname "$0")/.."
share=${1:-1}
part() { awk -v n="$1" -v s="$share" 'BEGIN { n = int(n * s + 0.5); print n < 1 ? 1 : n }'; }

modscope=${MODSCOPE:-}
if [ -z "$modscope" ]; then
    cargo build --locked --release --quiet || exit 2
    modscope=$PWD/target/release/modscope
fi
net=$PWD/fixtures/broken/good/bimt
data=$PWD/fixtures/broken/good/data.safetensors
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

told() { # name, runs, failures
    printf '%-28s %6d runs, %d failures\n' "$1" "$2" "$3"
    failed=$((failed + $3))
}

# --- mutants -----------------------------------------------------------------------------
mutants=$(part 1200)
if [ -n "${MODSCOPE:-}" ]; then
    echo "mutants                      not run"
elif MODSCOPE_FUZZ=$mutants cargo test --locked --release --quiet --test suite no_reader_panics >"$work/fuzz" 2>&1; then
    told "mutants, nine readers" $((9 * mutants)) 0
else
    cat "$work/fuzz"
    told "mutants, nine readers" $((9 * mutants)) 1
fi

# --- kills -------------------------------------------------------------------------------
# A result that is replaced is the old or the new one, whenever the process is killed, and
# the next run leaves nothing beside it.
audit() { "$modscope" audit "$net" --data "$data" --null layer:1 --quiet --out "$1" "${@:2}"; }
whole() { # a folder that a report is in, whole
    [ -s "$1/index.html" ] && tail -c 16 "$1/index.html" | grep -q '</html>' \
        && "$modscope" report "$1/audit.json" --json >/dev/null
}
kills=$(part 400) wrong=0
mkdir "$work/kills"
audit "$work/kills/r" || wrong=$((wrong + 1))
for ((i = 0; i < kills; i++)); do
    after=$(awk -v r=$RANDOM 'BEGIN { print 0.002 + 0.4 * r / 32768 }')
    timeout -s KILL "$after" "$modscope" audit "$net" --data "$data" --null layer:1 --quiet \
        --out "$work/kills/r" --force 2>/dev/null
    whole "$work/kills/r" || { wrong=$((wrong + 1)); audit "$work/kills/r" --force; }
done
audit "$work/kills/r" --force
[ "$(ls -A "$work/kills")" = r ] || wrong=$((wrong + 1))
told "kills of audit --force" "$kills" "$wrong"

kills=$(part 300) wrong=0
cp -r "$net" "$work/n-l1-s1"; cp -r "$net" "$work/n-bimt-s1"
compare() {
    "$modscope" compare "$work/n-l1-s1" "$work/n-bimt-s1" --data "$data" --null layer:1 \
        --method exact --control-draws 1 --quiet --threads 1 --out "$1"
}
same() { # comparison.json without the command line and times
    sed -e '/"command"/,/\]/d' -e '/seconds/d' -e '/peak_memory/d' "$1/compare.json"
}
compare "$work/c0"
for ((i = 0; i < kills; i++)); do
    after=$(awk -v r=$RANDOM 'BEGIN { print 0.01 + 1.0 * r / 32768 }')
    export -f compare; export modscope work data
    timeout -s KILL "$after" bash -c "compare '$work/c1'" 2>/dev/null
    [ ! -e "$work/c1" ] || [ -s "$work/c1/index.html" ] || wrong=$((wrong + 1))
    if [ -e "$work/c1" ]; then
        [ "$(same "$work/c0")" = "$(same "$work/c1")" ] || wrong=$((wrong + 1))
        rm -rf "$work/c1"
    fi
done
told "kills of compare" "$kills" "$wrong"

kills=$(part 300) wrong=0
train() { "$modscope" train two_moon --steps 3000 --threads 1 --quiet --out "$1"; }
train "$work/t0"
for ((i = 0; i < kills; i++)); do
    signal=$([ $((i % 3)) = 0 ] && echo KILL || echo INT)
    after=$(awk -v r=$RANDOM 'BEGIN { print 0.01 + 1.0 * r / 32768 }')
    export -f train
    timeout -s "$signal" "$after" "$modscope" train two_moon --steps 3000 --threads 1 --quiet \
        --out "$work/t1" 2>/dev/null
    if [ -e "$work/t1" ]; then
        cmp -s "$work/t0/model.safetensors" "$work/t1/model.safetensors" || wrong=$((wrong + 1))
        cmp -s "$work/t0/curve.csv" "$work/t1/curve.csv" || wrong=$((wrong + 1))
        rm -rf "$work/t1"
    fi
done
train "$work/t1" || wrong=$((wrong + 1))
cmp -s "$work/t0/model.safetensors" "$work/t1/model.safetensors" || wrong=$((wrong + 1))
told "interruptions of train" "$kills" "$wrong"

# --- races -------------------------------------------------------------------------------
# Of several commands with one place for their result, one succeeds.
races=$(part 200) wrong=0
for ((i = 0; i < races; i++)); do
    for k in 1 2 3; do
        (audit "$work/race" 2>/dev/null; echo $? >"$work/code$k") &
    done
    wait
    [ "$(sort "$work"/code? | tr '\n' ' ')" = "0 2 2 " ] || wrong=$((wrong + 1))
    whole "$work/race" || wrong=$((wrong + 1))
    rm -rf "$work/race"
done
told "races for one --out" "$races" "$wrong"

# --- a full disk -------------------------------------------------------------------------
mkdir "$work/disk"
if mount -t tmpfs -o size=400k none "$work/disk" 2>/dev/null; then
    fills=$(part 20) wrong=0
    for ((i = 0; i < fills; i++)); do
        audit "$work/disk/r" 2>"$work/said"
        [ $? = 2 ] && grep -q 'No space left' "$work/said" || wrong=$((wrong + 1))
        [ -z "$(ls -A "$work/disk")" ] || wrong=$((wrong + 1))
    done
    umount "$work/disk"
    told "a full disk" "$fills" "$wrong"
else
    echo "a full disk                  not run: no right to mount one"
fi
exit $((failed > 0))
