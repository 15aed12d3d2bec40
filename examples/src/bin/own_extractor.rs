//! A parameter of one's own that any operator may ask for, and the metrics that operators keep: they appear in the
//! report, under the operator's id.
use malstrom::prelude::*;
use malstrom::{Context, Extract};

/// Which operator is at work, for messages.
struct Operator(String);

impl<'a> Extract<'a> for Operator {
    fn extract(context: &'a Context<'a>) -> Self {
        Operator(context.operator().to_owned())
    }
}

#[operator]
fn check(amount: f64, operator: Operator, metrics: Metrics<'_>) -> Option<String> {
    if amount.is_finite() {
        metrics.histogram("amount").record(amount);
        return None;
    }
    metrics.counter("impossible").add(1);
    Some(format!("{} met {amount}", operator.0))
}

pipeline! {
    fn ledger(amounts: Vec<f64>) {
        source(amounts) -> check as check_amounts -> sink(stdout());
    }
}

fn main() -> malstrom::Result<()> {
    eprintln!("{}", malstrom::run(|| ledger(vec![2.0, f64::INFINITY, 4.0]))?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use malstrom::metrics::Metric;

    #[test]
    fn the_function_is_tested_without_a_pipeline() {
        let bench = Bench::new();
        let met = check(f64::NAN, Operator("here".into()), bench.metrics());
        assert_eq!(met.as_deref(), Some("here met NaN"));
        assert_eq!(bench.metric("impossible"), Some(Metric::Counter(1)));
    }
}
