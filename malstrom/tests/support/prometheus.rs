//! Reads the text format of Prometheus, from its description, and refuses what is not quite right.
use std::collections::{BTreeMap, BTreeSet};

/// A sample: its name and its labels.
pub type Series = (String, BTreeMap<String, String>);
/// What was read.
#[derive(Debug, Default)]
pub struct Scrape {
    pub samples: BTreeMap<Series, f64>,
    /// The kinds of families.
    pub kinds: BTreeMap<String, String>,
}
impl Scrape {
    /// The value of a sample that has these labels.
    pub fn get(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let labels = labels.iter().map(|(label, text)| ((*label).to_owned(), (*text).to_owned())).collect();
        self.samples.get(&(name.to_owned(), labels)).copied()
    }
    /// All that only grow.
    pub fn counters(&self) -> impl Iterator<Item = (&Series, f64)> {
        let counts = |name: &str| {
            let summary = name.strip_suffix("_count").and_then(|family| self.kinds.get(family));
            self.kinds.get(name).is_some_and(|kind| kind == "counter") || summary.is_some_and(|kind| kind == "summary")
        };
        self.samples.iter().filter(move |((name, _), _)| counts(name)).map(|(series, value)| (series, *value))
    }
}

fn is_name(name: &str) -> bool {
    let begins = |c: char| c.is_ascii_alphabetic() || c == '_' || c == ':';
    name.starts_with(begins) && name.chars().all(|c| begins(c) || c.is_ascii_digit())
}

/// Reads a text.
///
/// # Errors
/// The line that is wrong, and why.
pub fn parse(text: &str) -> Result<Scrape, String> {
    if !text.is_empty() && !text.ends_with('\n') {
        return Err("the last line does not end".into());
    }
    let mut scrape = Scrape::default();
    let (mut helped, mut current, mut closed) = (BTreeSet::new(), String::new(), BTreeSet::new());
    for line in text.lines() {
        let wrong = |why: &str| Err(format!("{why}: {line}"));
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap_or((rest, ""));
            if !is_name(name) || help.is_empty() || !helped.insert(name.to_owned()) {
                return wrong("no help, or a second one");
            }
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let Some((name, kind)) = rest.split_once(' ') else { return wrong("no type") };
            if !["counter", "gauge", "histogram", "summary", "untyped"].contains(&kind) || !helped.contains(name) {
                return wrong("a type that is none, or comes without help");
            }
            if scrape.kinds.insert(name.to_owned(), kind.to_owned()).is_some() {
                return wrong("a second type");
            }
            closed.insert(std::mem::replace(&mut current, name.to_owned()));
        } else if line.starts_with('#') || line.is_empty() {
            return wrong("a line that says nothing");
        } else {
            let (series, value) = sample(line).ok_or_else(|| format!("no sample: {line}"))?;
            let kind = scrape.kinds.get(&current).map(String::as_str);
            let of_summary = ["_sum", "_count"].iter().any(|ending| series.0 == format!("{current}{ending}"));
            if series.0 != current && !(kind == Some("summary") && of_summary) {
                return wrong("a sample outside of its family");
            }
            if kind == Some("counter") && !(series.0.ends_with("_total") && value >= 0.0) {
                return wrong("a counter that is none");
            }
            if scrape.samples.insert(series, value).is_some() {
                return wrong("a second value");
            }
        }
    }
    Ok(scrape)
}
fn sample(line: &str) -> Option<(Series, f64)> {
    let end = line.find(['{', ' '])?;
    let (name, mut rest) = line.split_at(end);
    let mut labels = BTreeMap::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        loop {
            let (label, value) = rest.split_once("=\"")?;
            let (mut text, mut escaped, mut closes) = (String::new(), false, None);
            for (at, c) in value.char_indices() {
                match (escaped, c) {
                    (true, 'n') => text.push('\n'),
                    (true, '\\' | '"') => text.push(c),
                    (true, _) => return None,
                    (false, '\\') => {}
                    (false, '"') => {
                        closes = Some(at);
                        break;
                    }
                    (false, c) => text.push(c),
                }
                escaped = !escaped && c == '\\';
            }
            if !is_name(label) || labels.insert(label.to_owned(), text).is_some() {
                return None;
            }
            rest = &value[closes? + 1..];
            match rest.strip_prefix(',') {
                Some(more) => rest = more,
                None => break,
            }
        }
        rest = rest.strip_prefix('}')?;
    }
    let value = match rest.strip_prefix(' ')? {
        "NaN" => f64::NAN,
        "+Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        // `inf` and the like are numbers to Rust and to nobody else.
        number if number.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | 'e' | 'E')) => {
            number.parse().ok()?
        }
        _ => return None,
    };
    is_name(name).then(|| ((name.to_owned(), labels), value))
}
