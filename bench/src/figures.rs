//! The figures: the table and `summary.json`.

use std::path::Path;

use anyhow::Result;
use serde::Serialize;

/// What a figure must reach.
#[derive(Clone, Copy, Debug)]
pub enum Goal {
    /// The ratio to the baseline is at least this.
    RatioAtLeast(f64),
    /// The ratio to the baseline is at most this.
    RatioAtMost(f64),
    /// The value is at most this.
    AtMost(f64),
}

/// One figure, as it is written.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    name: String,
    value: f64,
    unit: &'static str,
    baseline: Option<f64>,
    ratio: Option<f64>,
    target: Option<f64>,
    met: Option<bool>,
    #[serde(skip)]
    sign: &'static str,
}

/// All figures in the order in which they were measured.
#[derive(Debug, Default)]
pub struct Figures(Vec<Figure>);

impl Figures {
    /// Adds a value for information.
    pub fn told(&mut self, name: &str, value: f64, unit: &'static str) {
        self.add(name, value, unit, None, None);
    }

    /// Adds a value with a limit.
    pub fn limited(&mut self, name: &str, value: f64, unit: &'static str, at_most: f64) {
        self.add(name, value, unit, None, Some(Goal::AtMost(at_most)));
    }

    /// Adds a value; `beside` is a baseline of the same run and the ratio to it. A goal that needs a ratio
    /// where there is none is told as not measured.
    pub fn add(
        &mut self,
        name: &str,
        value: f64,
        unit: &'static str,
        beside: Option<(f64, f64)>,
        goal: Option<Goal>,
    ) {
        let ratio = beside.map(|(_, ratio)| ratio);
        let (target, met, sign) = match goal {
            None => (None, None, ""),
            Some(Goal::AtMost(most)) => (Some(most), Some(value <= most), "value ≤"),
            Some(Goal::RatioAtMost(most)) => (Some(most), ratio.map(|r| r <= most), "ratio ≤"),
            Some(Goal::RatioAtLeast(least)) => (Some(least), ratio.map(|r| r >= least), "ratio ≥"),
        };
        self.0.push(Figure {
            name: name.to_owned(),
            value: rounded(value),
            unit,
            baseline: beside.map(|(baseline, _)| rounded(baseline)),
            ratio: ratio.map(rounded),
            target,
            met,
            sign,
        });
    }

    /// Writes `summary.json`.
    pub fn write(&self, file: &Path) -> Result<()> {
        Ok(std::fs::write(
            file,
            serde_json::to_string_pretty(&self.0)? + "\n",
        )?)
    }

    /// Prints the table.
    pub fn print(&self) {
        let text = |n: Option<f64>| n.map_or_else(|| "–".to_owned(), |n| n.to_string());
        let width = self
            .0
            .iter()
            .map(|f| f.name.len())
            .max()
            .unwrap_or_default();
        println!(
            "\n{:width$} {:>10} {:11} {:>10} {:>7}  target",
            "", "value", "", "baseline", "ratio"
        );
        for figure in &self.0 {
            let met = match figure.met {
                Some(true) => "met",
                Some(false) => "MISSED",
                None => "not measured",
            };
            let target = figure
                .target
                .map(|target| format!("{} {target} {met}", figure.sign));
            println!(
                "{:width$} {:>10} {:11} {:>10} {:>7}  {}",
                figure.name,
                figure.value,
                figure.unit,
                text(figure.baseline),
                text(figure.ratio),
                target.unwrap_or_default()
            );
        }
    }
}

/// Three significant decimals below ten, fewer above.
fn rounded(value: f64) -> f64 {
    let scale = match value.abs() {
        v if v < 10.0 => 1000.0,
        v if v < 1000.0 => 10.0,
        _ => 1.0,
    };
    (value * scale).round() / scale
}

/// The middle one; the mean of the two in the middle of an even number.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_unstable_by(f64::total_cmp);
    let at = |i: usize| values.get(i).copied().unwrap_or(f64::NAN);
    let half = values.len() / 2;
    if values.len().is_multiple_of(2) {
        f64::midpoint(at(half.saturating_sub(1)), at(half))
    } else {
        at(half)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert!((median([3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median([4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-9);
    }

    #[test]
    fn a_goal_is_met_by_ratio_or_by_value() {
        let mut figures = Figures::default();
        figures.add(
            "a",
            10.0,
            "x",
            Some((20.0, 0.5)),
            Some(Goal::RatioAtLeast(0.35)),
        );
        figures.limited("b", 30.0, "ms", 25.0);
        let met: Vec<_> = figures.0.iter().map(|f| f.met).collect();
        assert_eq!(met, [Some(true), Some(false)]);
    }
}
