#!/usr/bin/env bash
# The campaigns at length: mutated files, kills, races, a full disk. Each says how many
# runs it made and how many failed; the exit code is 0 if none did.
#
#   tests/soak.sh [SHARE]      SHARE of the full length, 1 by default; CI runs 0.1
#
# Full length: 10,000 mutants over all readers, 1,100 kills over audit, stability, compare and train,
# 200 races, a full disk. Needs bash, awk, python3 and, for the full disk, the right to
# mount. MODSCOPE=PATH takes a program that is built already, SUITE=PATH its test program.
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

ended() { # signal, seconds, command: ends it after that time, and waits until it is gone
    local signal=$1 after=$2 run
    shift 2
    "$@" 2>/dev/null &
    run=$!
    sleep "$after"
    kill -s "$signal" $run 2>/dev/null
    wait $run 2>/dev/null
}
seconds() { awk -v r=$RANDOM -v least="$1" -v most="$2" 'BEGIN { print least + (most - least) * r / 32768 }'; }

# --- mutants -----------------------------------------------------------------------------
# Results are drawn, and are a fiftieth of the others: nine targets and a bit.
mutants=$(part 1112)
suite() {
    if [ -n "${SUITE:-}" ]; then "$SUITE" "$@"; else
        cargo test --locked --release --quiet --test suite -- "$@"
    fi
}
# A length in a file that is believed asks for more than this at once.
if (ulimit -v 16000000; MODSCOPE_FUZZ=$mutants suite no_reader_panics --nocapture) >"$work/fuzz" 2>&1; then
    told "mutants" "$(awk '/ cases, /{ n += $(NF - 3) } END { print n }' "$work/fuzz")" 0
else
    cat "$work/fuzz"
    told "mutants" "$mutants" 1
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
    ended KILL "$(seconds 0.002 0.4)" "$modscope" audit "$net" --data "$data" --null layer:1 \
        --quiet --out "$work/kills/r" --force
    whole "$work/kills/r" || { wrong=$((wrong + 1)); audit "$work/kills/r" --force; }
done
audit "$work/kills/r" --force
[ "$(ls -A "$work/kills")" = r ] || wrong=$((wrong + 1))
told "kills of audit --force" "$kills" "$wrong"

kills=$(part 100) wrong=0
mkdir "$work/stability"
stability() { "$modscope" stability "$net" --data "$data" --quiet --out "$work/stability/r" "$@"; }
stable() {
    tail -c 16 "$work/stability/r/index.html" | grep -q '</html>' \
        && python3 -m json.tool "$work/stability/r/stability.json" >/dev/null
}
stability || wrong=$((wrong + 1))
for ((i = 0; i < kills; i++)); do
    ended KILL "$(seconds 0.002 0.2)" "$modscope" stability "$net" --data "$data" --quiet \
        --out "$work/stability/r" --force
    stable || { wrong=$((wrong + 1)); stability --force; }
done
stability --force
[ "$(ls -A "$work/stability")" = r ] || wrong=$((wrong + 1))
told "kills of stability --force" "$kills" "$wrong"

kills=$(part 300) wrong=0
cp -r "$net" "$work/n-l1-s1"; cp -r "$net" "$work/n-bimt-s1"
comparing=("$modscope" compare "$work/n-l1-s1" "$work/n-bimt-s1" --data "$data" --null layer:1
    --method exact --control-draws 1 --quiet --threads 1 --out)
compare() { "${comparing[@]}" "$1"; }
same() { # two comparisons, but for the command line and times
    python3 - "$1" "$2" <<'END'
import json, sys

def timeless(value):
    if isinstance(value, dict):
        if "seconds" in str(value.get("info", {}).get("key")): return None
        return {k: timeless(v) for k, v in value.items() if "seconds" not in k and k not in ("command", "costs")}
    return [timeless(v) for v in value] if isinstance(value, list) else value

one, other = (timeless(json.load(open(f"{path}/compare.json"))) for path in sys.argv[1:])
sys.exit(one != other)
END
}
mkdir "$work/c"
compare "$work/c0"
for ((i = 0; i < kills; i++)); do
    signal=$([ $((i % 2)) = 0 ] && echo KILL || echo INT)
    ended "$signal" "$(seconds 0.01 0.6)" "${comparing[@]}" "$work/c/r"
    if [ -e "$work/c/r" ]; then
        same "$work/c0" "$work/c/r" || wrong=$((wrong + 1))
        rm -rf "$work/c/r"
    fi
done
compare "$work/c/r" && same "$work/c0" "$work/c/r" || wrong=$((wrong + 1))
[ "$(ls -A "$work/c")" = r ] || wrong=$((wrong + 1))
told "kills of compare" "$kills" "$wrong"

kills=$(part 300) wrong=0
train() { "$modscope" train two_moon --steps 3000 --threads 1 --quiet --out "$1"; }
train "$work/t0"
for ((i = 0; i < kills; i++)); do
    signal=$([ $((i % 3)) = 0 ] && echo KILL || echo INT)
    ended "$signal" "$(seconds 0.01 1)" "$modscope" train two_moon --steps 3000 --threads 1 \
        --quiet --out "$work/t1"
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
