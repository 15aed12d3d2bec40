#!/bin/sh
# How peers change the number of workers of a running job: builds them, runs each and prints what was measured. See README.md.
#
#   benches/rescale/run.sh [PEER..]     default: malstrom flink-adaptive flink-savepoint original original-published
#
# OUT      a folder for what is downloaded, built and written; what is there is used again  (default: a new one in the temporary folder)
# RATE     records per second                                    (default: 100000)
# KEYS     of so many keys                                       (default: 1000000)
# PHASE    seconds for each number of workers                    (default: 10)
# WORKERS  the numbers of workers                                (default: 2,4,2)
# HEAP     of Flink                                              (default: 4g)
# FLINK    more `name=value` for Flink's configuration           (default: none)
# OPTIONS  `snapshots` has the original write some               (default: none)
set -eu

here=$(cd "$(dirname "$0")" && pwd)
rate=${RATE:-100000}
keys=${KEYS:-1000000}
phase=${PHASE:-10}
workers=${WORKERS:-2,4,2}
out=${OUT:-$(mktemp -d)}
mkdir -p "$out"
out=$(cd "$out" && pwd)
export CARGO_TARGET_DIR="$out/target"
[ $# -gt 0 ] || set -- malstrom flink-adaptive flink-savepoint original original-published

build() { # CRATE: the toolchain is that of the repository
    (cd "$here/$1" && cargo build --release --quiet)
}

prepare_flink() {
    if [ ! -d "$out/flink/pyflink/lib" ]; then
        python3 -m pip download --quiet --no-deps -d "$out/wheel" apache-flink-libraries==2.3.0
        python3 -m zipfile -e "$out"/wheel/apache_flink_libraries-2.3.0-*.whl "$out/flink"
        rm -r "$out/wheel"
    fi
    mkdir -p "$out/classes"
    javac -cp "$out/flink/pyflink/lib/*" -d "$out/classes" "$here"/flink/*.java
    cp "$here/flink/log4j2.properties" "$out/classes"
}

flink() { # MODE FOLDER
    # What it warns of are checkpoints that a change interrupts.
    # shellcheck disable=SC2086
    java "-Xms${HEAP:-4g}" "-Xmx${HEAP:-4g}" -XX:+UseG1GC -cp "$out/classes:$out/flink/pyflink/lib/*" Rescale \
        mode="$1" rate="$rate" keys="$keys" seconds="$phase" workers="$workers" out="$2" state="$2/state" ${FLINK:-} \
        2>"$2/log" || grep -v '^[[:space:]]' "$2/log" | tail -n 5
}

original() { # FOLDER OPTION..
    folder=$1
    shift
    # shellcheck disable=SC2086
    timeout $((phase * 4 + 120)) "$out/target/release/rescale-original" "$folder" "$rate" "$keys" "$phase" "$workers" "$@" ${OPTIONS:-} \
        2>"$folder/log" || echo "it did not end"
    grep -A 1 panicked "$folder/log" || true
}

# It has the program that reports all.
build original
for peer in "$@"; do
    folder="$out/$peer-$rate-$keys-$workers"
    rm -rf "$folder"
    mkdir "$folder"
    # Of the last minute: others disturb what is measured.
    before=$(cut -d ' ' -f 1 /proc/loadavg)
    case $peer in
    flink-*)
        prepare_flink
        flink "${peer#flink-}" "$folder"
        ;;
    original) original "$folder" ;;
    original-published) original "$folder" published ;;
    malstrom)
        build malstrom
        "$out/target/release/rescale-malstrom" "$folder" "$rate" "$keys" "$phase" "$workers"
        ;;
    *)
        echo "there is no peer $peer" >&2
        exit 1
        ;;
    esac
    if [ -f "$folder/run.txt" ]; then
        "$out/target/release/report" "$folder"
    else
        echo "$peer wrote nothing"
    fi
    echo "load before: $before"
done
