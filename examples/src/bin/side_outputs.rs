//! An operator may have outputs beside its main one: it asks for an `Output`, and the pipeline binds a stream for it.
use malstrom::prelude::*;

#[derive(Clone, Debug)]
struct Alarm(String);

#[operator]
fn watch(celsius: f64, alarms: Output<'_, Alarm>, #[arg] limit: f64) -> i64 {
    if celsius > limit {
        alarms.push(Alarm(format!("{celsius} is above {limit}")));
    }
    celsius.round() as i64
}

pipeline! {
    fn oven(readings: Vec<f64>) {
        let (rounded, alarms) = source(readings) -> watch(230.0);
        rounded -> sink(stdout()) as rounded;
        alarms -> map(|Alarm(text)| format!("ALARM {text}")) -> sink(stdout()) as alarms;
    }
}

fn main() -> malstrom::Result<()> {
    eprintln!("{}", malstrom::run(|| oven(vec![180.4, 228.9, 231.5, 229.2]))?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_function_is_tested_without_a_pipeline() {
        let bench = Bench::new();
        assert_eq!(watch(200.6, bench.output(), 230.0), 201);
        assert!(bench.pushed::<Alarm>().is_empty());
        assert_eq!(watch(240.0, bench.output(), 230.0), 240);
        assert_eq!(bench.pushed::<Alarm>().len(), 1);
    }
}
