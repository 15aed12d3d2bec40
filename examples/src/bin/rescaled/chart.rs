//! Draws how long records took and how many came, over time, and when workers became more or fewer.
use malstrom::{Error, Moved, Result};
use plotters::coord::ranged1d::ValueFormatter;
use plotters::prelude::*;
use std::path::Path;
use std::time::Duration;

/// When a record came, and how long after it was due.
pub struct Sample {
    came_micros: u32,
    took_micros: u32,
}
impl Sample {
    pub fn new(came: Duration, took: Duration) -> Self {
        let micros = |time: Duration| u32::try_from(time.as_micros()).unwrap_or(u32::MAX);
        Sample { came_micros: micros(came), took_micros: micros(took) }
    }
    /// In milliseconds.
    pub fn took(&self) -> f64 {
        f64::from(self.took_micros) / 1e3
    }
    /// In seconds.
    fn came(&self) -> f64 {
        f64::from(self.came_micros) / 1e6
    }
    /// In seconds.
    fn due(&self) -> f64 {
        f64::from(self.came_micros.saturating_sub(self.took_micros)) / 1e6
    }
}
/// When there were to be more workers or fewer, and what that came to.
pub struct Rescale {
    pub since: Duration,
    pub before: usize,
    pub moved: Moved,
}
/// The value below which such a share of them is, which are in order; 0 if there are none.
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    sorted.get(((sorted.len() as f64 - 1.0) * share) as usize).copied().unwrap_or(0.0)
}

const SIZE: (u32, u32) = (960, 600);
/// Each point of a curve is of so many seconds.
const BUCKET: f64 = 0.05;
const FONT: &str = "sans-serif";
const INK: RGBColor = RGBColor(45, 50, 60);
const GRID: RGBColor = RGBColor(228, 230, 234);
const MOVE: RGBColor = RGBColor(245, 190, 90);
const MEDIAN: RGBColor = RGBColor(20, 110, 190);
const TAIL: RGBColor = RGBColor(200, 60, 50);
const RATE: RGBColor = RGBColor(40, 140, 90);

/// What is drawn.
pub struct Chart<'a> {
    pub title: &'a str,
    pub samples: &'a [Sample],
    pub rescales: &'a [Rescale],
    /// No record was due later.
    pub end: Duration,
}
type Drawn<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;
type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
type Curve = Vec<(f64, f64)>;

impl Chart<'_> {
    /// Writes it to a file.
    ///
    /// # Errors
    /// If that cannot be written.
    pub fn draw(&self, file: &Path) -> Result<()> {
        self.draw_to(file).map_err(|cause| Error::custom(format!("cannot draw to `{}`: {cause}", file.display())))
    }
    fn draw_to(&self, file: &Path) -> Drawn {
        let root = SVGBackend::new(file, SIZE).into_drawing_area();
        // On a background of its own it is the same on white pages and on dark ones.
        root.fill(&WHITE)?;
        let root = root.margin(6, 6, 6, 16).titled(self.title, (FONT, 17).into_font().color(&INK))?;
        let (above, below) = root.split_vertically(330);
        self.latency(&above)?;
        self.throughput(&below)?;
        root.present()?;
        Ok(())
    }
    fn latency(&self, area: &Area<'_>) -> Drawn {
        let (p50, p99) = self.latencies();
        let slowest = p99.iter().map(|(_, ms)| *ms).fold(1.0, f64::max);
        let fastest = p50.iter().map(|(_, ms)| *ms).fold(1.0, f64::min).max(0.001);
        // Whole decades, with room for what is written above.
        let (low, high) = (10f64.powf(fastest.log10().floor()), 10f64.powf((slowest.log10() + 0.7).ceil()));
        let mut chart = ChartBuilder::on(area);
        chart.x_label_area_size(24).y_label_area_size(64);
        let mut chart = chart.build_cartesian_2d(self.span(), (low..high).log_scale())?;
        let mut mesh = chart.configure_mesh();
        mesh.light_line_style(TRANSPARENT).bold_line_style(GRID).axis_style(INK);
        mesh.label_style((FONT, 13).into_font().color(&INK)).axis_desc_style((FONT, 14).into_font().color(&INK));
        mesh.y_desc("latency in ms, logarithmic").y_label_formatter(&|ms| format!("{ms}"));
        mesh.x_label_formatter(&|second| format!("{second:.0}")).draw()?;
        chart.draw_series(bands(self.rescales, (low, high), self.second()))?;
        for (curve, colour, name) in [(p99, TAIL, "99th percentile"), (p50, MEDIAN, "median")] {
            let series = chart.draw_series(LineSeries::new(curve, colour.stroke_width(1)))?;
            series.label(name).legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2)));
        }
        for rescale in self.rescales {
            let (x, y) = chart.backend_coord(&(rescale.since.as_secs_f64(), high));
            for (line, text) in described(rescale).into_iter().enumerate() {
                let font = FontDesc::from((FONT, 13));
                let font = if line == 0 { font.style(FontStyle::Bold) } else { font };
                area.draw(&Text::new(text, (x + 4, y + 6 + 17 * line as i32), font.color(&INK)))?;
            }
        }
        legend(&mut chart, SeriesLabelPosition::UpperLeft)
    }
    fn throughput(&self, area: &Area<'_>) -> Drawn {
        let rates = self.rates();
        let most = rates.iter().map(|(_, rate)| *rate).fold(1.0, f64::max) * 1.1;
        let mut chart = ChartBuilder::on(area);
        chart.x_label_area_size(42).y_label_area_size(64).margin_top(10);
        let mut chart = chart.build_cartesian_2d(self.span(), 0.0..most)?;
        let mut mesh = chart.configure_mesh();
        mesh.light_line_style(TRANSPARENT).bold_line_style(GRID).axis_style(INK).y_labels(6);
        mesh.label_style((FONT, 13).into_font().color(&INK)).axis_desc_style((FONT, 14).into_font().color(&INK));
        mesh.y_desc("thousand records/s").y_label_formatter(&|rate| format!("{:.0}", rate / 1e3));
        mesh.x_desc("time in seconds").x_label_formatter(&|second| format!("{second:.0}")).draw()?;
        chart.draw_series(bands(self.rescales, (0.0, most), self.second()))?;
        let series = chart.draw_series(LineSeries::new(rates, RATE.stroke_width(1)))?;
        let key = |(x, y)| PathElement::new([(x, y), (x + 16, y)], RATE.stroke_width(2));
        series.label("records at the sink").legend(key);
        legend(&mut chart, SeriesLabelPosition::LowerLeft)
    }
    /// From the beginning to the end, in seconds.
    fn span(&self) -> std::ops::Range<f64> {
        0.0..self.end.as_secs_f64()
    }
    /// How many pixels a second has.
    fn second(&self) -> f64 {
        f64::from(SIZE.0 - 80) / self.end.as_secs_f64()
    }
    /// The values of records in order of time, those of each bucket that is whole, and where that is.
    fn buckets(&self, at: impl Fn(&Sample) -> f64) -> Vec<(f64, Vec<f64>)> {
        let whole = (self.end.as_secs_f64() / BUCKET) as usize;
        let mut buckets: Vec<_> = (0..whole).map(|n| ((n as f64 + 0.5) * BUCKET, Vec::new())).collect();
        for sample in self.samples {
            if let Some((_, values)) = buckets.get_mut((at(sample) / BUCKET) as usize) {
                values.push(sample.took());
            }
        }
        buckets
    }
    /// The median and the 99th percentile, by when records were due.
    fn latencies(&self) -> (Curve, Curve) {
        let mut buckets = self.buckets(Sample::due);
        buckets.retain(|(_, values)| !values.is_empty());
        buckets.iter_mut().for_each(|(_, values)| values.sort_unstable_by(f64::total_cmp));
        let curve = |share| buckets.iter().map(|(at, values)| (*at, quantile(values, share).max(0.001))).collect();
        (curve(0.5), curve(0.99))
    }
    /// How many records came per second.
    fn rates(&self) -> Curve {
        self.buckets(Sample::came).into_iter().map(|(at, values)| (at, values.len() as f64 / BUCKET)).collect()
    }
}
/// What a move came to.
fn described(Rescale { before, moved, .. }: &Rescale) -> [String; 3] {
    let ms = |time: Duration| format!("{:.0} ms", time.as_secs_f64() * 1e3);
    [
        format!("{before} → {} workers", moved.workers),
        format!("{} key groups, {:.1} MB, in {}", moved.groups, moved.bytes as f64 / 1e6, ms(moved.took)),
        format!("longest pause of a stage: {}", ms(moved.pause)),
    ]
}
/// A band over a curve for as long as something moved, at least as broad as it takes to be seen.
fn bands<'a>(
    rescales: &'a [Rescale],
    (low, high): (f64, f64),
    second: f64,
) -> impl Iterator<Item = Rectangle<(f64, f64)>> + 'a {
    rescales.iter().map(move |Rescale { since, moved, .. }| {
        let (since, took) = (since.as_secs_f64(), moved.took.as_secs_f64());
        Rectangle::new([(since, low), (since + took.max(3.0 / second), high)], MOVE.filled())
    })
}
fn legend<'a, X, Y>(chart: &mut ChartContext<'a, SVGBackend<'a>, Cartesian2d<X, Y>>, at: SeriesLabelPosition) -> Drawn
where
    X: Ranged<ValueType = f64> + ValueFormatter<f64>,
    Y: Ranged<ValueType = f64>,
{
    let mut labels = chart.configure_series_labels();
    labels.position(at).background_style(WHITE.mix(0.9)).border_style(GRID);
    labels.label_font((FONT, 13).into_font().color(&INK)).draw()?;
    Ok(())
}
