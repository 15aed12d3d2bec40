//! The metrics that operators keep by themselves, and how workers' copies add up.
use std::cell::RefCell;
use std::fmt;

/// What one metric has come to.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub enum Metric {
    /// A number that only grows.
    Counter(u64),
    /// A number that goes up and down.
    Gauge(f64),
    /// Many numbers.
    Histogram {
        /// How many.
        count: u64,
        /// Their sum.
        sum: f64,
        /// The least of them.
        min: f64,
        /// The greatest of them.
        max: f64,
    },
}

impl Metric {
    /// Adds another worker's figures for the same metric.
    pub(crate) fn merge(&mut self, other: &Metric) {
        match (self, other) {
            (Metric::Counter(a), Metric::Counter(b)) => *a += b,
            (Metric::Gauge(a), Metric::Gauge(b)) => *a += b,
            (
                Metric::Histogram { count, sum, min, max },
                Metric::Histogram { count: c, sum: s, min: least, max: most },
            ) => {
                *count += c;
                *sum += s;
                *min = min.min(*least);
                *max = max.max(*most);
            }
            (mine, other) => *mine = *other,
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Metric::Counter(n) => write!(f, "{n}"),
            Metric::Gauge(x) => write!(f, "{x}"),
            Metric::Histogram { count: 0, .. } => write!(f, "none"),
            Metric::Histogram { count, sum, min, max } => {
                write!(f, "{count} values, mean {:.3}, {min:.3} to {max:.3}", sum / *count as f64)
            }
        }
    }
}

/// The metrics of one operator on one worker.
#[derive(Debug, Default)]
pub struct Registry(RefCell<Vec<(&'static str, Metric)>>);

impl Registry {
    fn update(&self, name: &'static str, fresh: Metric) {
        let mut metrics = self.0.borrow_mut();
        match metrics.iter_mut().find(|(known, _)| *known == name) {
            // A gauge is replaced, the others add up.
            Some((_, metric @ Metric::Gauge(_))) => *metric = fresh,
            Some((_, metric)) => metric.merge(&fresh),
            None => metrics.push((name, fresh)),
        }
    }
    pub(crate) fn count(&self, name: &'static str, n: u64) {
        self.update(name, Metric::Counter(n));
    }
    pub(crate) fn set(&self, name: &'static str, value: f64) {
        self.update(name, Metric::Gauge(value));
    }
    pub(crate) fn record(&self, name: &'static str, value: f64) {
        self.update(name, Metric::Histogram { count: 1, sum: value, min: value, max: value });
    }
    pub(crate) fn read(&self) -> Vec<(&'static str, Metric)> {
        self.0.borrow().clone()
    }
}
