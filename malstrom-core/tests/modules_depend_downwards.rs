//! Modules of this crate use each other in one direction only, so that each can be read, tested and replaced by itself.
#![allow(clippy::unwrap_used, missing_docs)]
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Each module and what it may use, downstream first. `error`, `metrics` and `failpoint` are words that everybody knows.
const MAY_USE: &[(&str, &[&str])] = &[
    // Drives what the runtime drives, without its threads.
    (
        "sim",
        &["runtime", "coordinator", "snapshot", "worker", "graph", "exchange", "state", "stream", "contract", "error"],
    ),
    (
        "runtime",
        &[
            "coordinator",
            "net",
            "net",
            "snapshot",
            "worker",
            "graph",
            "exchange",
            "state",
            "stream",
            "contract",
            "connect",
            "error",
            "failpoint",
            "metrics",
        ],
    ),
    ("coordinator", &["exchange", "state", "contract"]),
    ("net", &["exchange", "error"]),
    ("snapshot", &["contract", "error", "failpoint"]),
    ("worker", &["graph", "exchange", "state", "stream", "contract", "error", "failpoint", "metrics"]),
    ("schema", &["graph", "contract", "error"]),
    ("graph", &["exchange", "state", "stream", "check", "contract", "error", "failpoint"]),
    ("exchange", &["state", "stream", "contract", "error"]),
    ("stream", &["state", "contract", "error", "failpoint", "metrics"]),
    ("connect", &["check", "contract", "error"]),
    ("testing", &["contract", "metrics"]),
    ("check", &["contract", "error"]),
    ("state", &["contract", "error"]),
    ("contract", &["error", "metrics"]),
    ("error", &[]),
    ("metrics", &[]),
    ("failpoint", &[]),
];

/// The modules that a file names as `crate::module`, outside of its own tests and of its documentation.
fn used(text: &str) -> BTreeSet<String> {
    let mut code = String::new();
    for line in text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")) {
        if !line.trim_start().starts_with("//") {
            code.push_str(line);
            code.push('\n');
        }
    }
    let mut names = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        let name = |rest: &str| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
        match rest.strip_prefix('{') {
            // `use crate::{a::X, b::{Y, Z}};`
            Some(list) => {
                let (mut depth, mut begins) = (0, true);
                for (at, c) in list.char_indices() {
                    match c {
                        '}' if depth == 0 => break,
                        '{' => depth += 1,
                        '}' => depth -= 1,
                        ',' if depth == 0 => begins = true,
                        c if begins && !c.is_whitespace() => {
                            names.insert(name(&list[at..]));
                            begins = false;
                        }
                        _ => {}
                    }
                }
            }
            None => {
                names.insert(name(rest));
            }
        }
    }
    names
}

fn files(module: &Path, into: &mut Vec<std::path::PathBuf>) {
    let file = module.with_extension("rs");
    if file.is_file() {
        into.push(file);
    }
    if module.is_dir() {
        for entry in fs::read_dir(module).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { files(&path, into) } else { into.push(path) }
        }
    }
}

#[test]
fn no_arrow_points_up() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let modules: BTreeSet<String> = MAY_USE.iter().map(|(module, _)| (*module).to_owned()).collect();
    let mut wrong = Vec::new();
    for (at, (module, allowed)) in MAY_USE.iter().enumerate() {
        // The list itself has no circle.
        for used in *allowed {
            assert!(MAY_USE[at + 1..].iter().any(|(below, _)| below == used), "`{used}` is not below `{module}`");
        }
        let mut paths = Vec::new();
        files(&src.join(module), &mut paths);
        assert!(!paths.is_empty(), "module `{module}` is gone");
        for path in paths {
            for name in used(&fs::read_to_string(&path).unwrap()) {
                if modules.contains(&name) && name != *module && !allowed.contains(&name.as_str()) {
                    wrong.push(format!("{} uses `crate::{name}`", path.strip_prefix(&src).unwrap().display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "these arrows point up:\n{}", wrong.join("\n"));
}

#[test]
fn every_module_has_its_place() {
    let lib = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let declared =
        lib.lines().filter_map(|line| line.strip_prefix("pub mod ").or(line.strip_prefix("mod "))?.strip_suffix(';'));
    for module in declared {
        assert!(MAY_USE.iter().any(|(known, _)| *known == module), "say in `MAY_USE` what `{module}` may use");
    }
}

#[test]
fn uses_are_found() {
    let text = "use crate::a::B;\nuse crate::{c::D, e::{F, G},\n h};\n// crate::not\nfn f() { crate::i::j() }\n#[cfg(test)]\nuse crate::k;";
    assert_eq!(used(text).into_iter().collect::<Vec<_>>(), ["a", "c", "e", "h", "i"]);
}
