#!/usr/bin/env bash
# How long `cargo check` takes after an edit in the body of one operator, for pipelines of 10, 20, 50 and 100 stages.
#
#   benches/compile_time.sh [STAGES..]      default: 10 20 50 100
#
# MALSTROM  the crate to depend on     (default: ../malstrom, seen from here)
# RUNS      edits per size             (default: 5; the median is printed)
#
# Each size is a crate of its own in a temporary directory: so many operators, and one pipeline that chains them all.
# "first" is the check of that crate alone, with Malstrom already checked.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
malstrom=$(cd "${MALSTROM:-$here/../malstrom}" && pwd)
runs=${RUNS:-5}
sizes=("$@")
[ ${#sizes[@]} -gt 0 ] || sizes=(10 20 50 100)

crate=$(mktemp -d)
trap 'rm -rf "$crate"' EXIT
export CARGO_TARGET_DIR=$crate/target CARGO_TERM_COLOR=never
mkdir "$crate/src"
# what the repository builds with
[ ! -f "$malstrom/../Cargo.lock" ] || cp "$malstrom/../Cargo.lock" "$crate"
[ ! -f "$malstrom/../rust-toolchain.toml" ] || cp "$malstrom/../rust-toolchain.toml" "$crate"
cat >"$crate/Cargo.toml" <<END
[workspace]

[package]
name = "stages"
version = "0.1.0"
edition = "2024"

[dependencies]
malstrom = { path = "$malstrom" }
END

generate() { # STAGES EDIT: the operator in the middle contains EDIT
    local stages=$1 edit=$2 stage constant
    echo "use malstrom::connect::for_each;"
    echo "use malstrom::prelude::*;"
    for ((stage = 0; stage < stages; stage++)); do
        constant=$((stage == stages / 2 ? edit : stage))
        echo "#[operator]"
        echo "fn s$stage(x: u64) -> u64 {"
        echo "    x.wrapping_mul(31).rotate_left(7) ^ $constant"
        echo "}"
    done
    echo "pipeline! {"
    echo "    fn stages(n: u64) {"
    echo "        source(0..n)"
    for ((stage = 0; stage < stages; stage++)); do
        echo "            -> s$stage"
    done
    echo "            -> sink(for_each(|x: u64| { std::hint::black_box(x); }));"
    echo "    }"
    echo "}"
    echo "fn main() -> malstrom::Result<()> {"
    echo "    malstrom::Runtime::builder().workers(1).build()?.run(|| stages(10))?;"
    echo "    Ok(())"
    echo "}"
}

check() { # prints the milliseconds it took
    local begin end
    begin=$(date +%s%N)
    if ! cargo check --quiet --manifest-path "$crate/Cargo.toml" >"$crate/log" 2>&1; then
        cat "$crate/log" >&2
        exit 1
    fi
    end=$(date +%s%N)
    echo $(((end - begin) / 1000000))
}

median() { sort -n | awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'; }

# Malstrom itself, which is not measured
echo "use malstrom as _; fn main() {}" >"$crate/src/main.rs"
check >/dev/null

printf '| %6s | %8s | %25s |\n' stages "first ms" "after an edit, ms"
printf '|-------:|---------:|--------------------------:|\n'
for stages in "${sizes[@]}"; do
    generate "$stages" 1000 >"$crate/src/main.rs"
    first=$(check)
    times=()
    for ((run = 1; run <= runs; run++)); do
        generate "$stages" $((1000 + run)) >"$crate/src/main.rs"
        time=$(check)
        times+=("$time")
    done
    sorted=$(printf '%s\n' "${times[@]}" | sort -n)
    summary="$(median <<<"$sorted") ($(head -1 <<<"$sorted")..$(tail -1 <<<"$sorted"))"
    printf '| %6s | %8s | %25s |\n' "$stages" "$first" "$summary"
done
