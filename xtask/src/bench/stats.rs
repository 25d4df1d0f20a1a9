//! Middles and spreads of a few runs, and percentiles of many latencies.

#[cfg(test)]
mod tests;

/// The middle value; between the two middle ones when their number is even.
pub(crate) fn median(values: &[f64]) -> f64 {
    quantile(&sorted(values), 0.5)
}

/// The distance between the quartiles.
pub(crate) fn quartile_distance(values: &[f64]) -> f64 {
    let sorted = sorted(values);
    quantile(&sorted, 0.75) - quantile(&sorted, 0.25)
}

/// The smallest of `values` that at least the fraction `rank` of them does not exceed.
pub(crate) fn percentile(values: &mut [u64], rank: f64) -> Option<u64> {
    values.sort_unstable();
    let count = (values.len() as f64 * rank).ceil() as usize;
    values.get(count.max(1) - 1).copied()
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// Linear between neighbours; not a number when there is nothing to choose from.
fn quantile(sorted: &[f64], rank: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let position = rank * last as f64;
    let (below, above) = (sorted[position.floor() as usize], sorted[position.ceil() as usize]);
    below + (above - below) * position.fract()
}
