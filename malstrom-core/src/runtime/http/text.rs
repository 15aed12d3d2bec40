//! The text format of Prometheus, version 0.0.4: families of samples, each with what it is and of which kind.
use std::collections::BTreeSet;
use std::fmt::Write;

/// What the answer says it is.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What a family is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Summary,
}
impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Summary => "summary",
        }
    }
}

/// A text under construction.
#[derive(Debug, Default)]
pub(super) struct Text {
    out: String,
    /// The names of all families.
    names: BTreeSet<String>,
}
impl Text {
    /// Begins a family. Its samples follow.
    pub(super) fn family(&mut self, name: &str, kind: Kind, help: &str) {
        self.names.insert(name.to_owned());
        let _ = writeln!(self.out, "# HELP {name} {}", help.replace('\\', "\\\\").replace('\n', "\\n"));
        let _ = writeln!(self.out, "# TYPE {name} {}", kind.name());
    }
    /// Adds a sample to the family that was begun last.
    pub(super) fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.out.push_str(name);
        for (at, (label, text)) in labels.iter().enumerate() {
            self.out.push(if at == 0 { '{' } else { ',' });
            let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let _ = write!(self.out, "{label}=\"{text}\"");
        }
        if !labels.is_empty() {
            self.out.push('}');
        }
        let _ = match value {
            f64::INFINITY => writeln!(self.out, " +Inf"),
            f64::NEG_INFINITY => writeln!(self.out, " -Inf"),
            value => writeln!(self.out, " {value}"),
        };
    }
    /// A family with one sample.
    pub(super) fn single(&mut self, name: &str, kind: Kind, help: &str, value: f64) {
        self.family(name, kind, help);
        self.sample(name, &[], value);
    }
    /// A name for a family that no other has, nor a sample of another.
    pub(super) fn free(&self, wanted: String, endings: &[&str]) -> String {
        let mut name = wanted;
        while endings.iter().any(|ending| self.names.contains(&format!("{name}{ending}"))) {
            name.push('_');
        }
        name
    }
    /// Nobody else gets this name.
    pub(super) fn reserve(&mut self, name: String) {
        self.names.insert(name);
    }
    pub(super) fn finish(self) -> String {
        self.out
    }
}

/// A name as the format allows it: letters, digits and `_`.
pub(super) fn sanitised(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect()
}
