//! A comparison as a picture: for each task and measure a line, with every contender at how many times better or worse
//! than Norace it is.

use std::fmt::Write as _;

#[cfg(test)]
mod tests;

/// Where a contender stands on a line.
pub(super) struct Mark {
    pub(super) contender: &'static str,
    /// How many times better Norace is.
    pub(super) ratio: f64,
}

/// A line of the picture.
pub(super) struct Line {
    pub(super) what: String,
    pub(super) marks: Vec<Mark>,
}

const TEXT_WIDTH: f64 = 430.0;
const SCALE_WIDTH: f64 = 460.0;
const LINE_HEIGHT: f64 = 18.0;
const HEAD_HEIGHT: f64 = 64.0;

/// The scale ends here on both sides: what is beyond stands at its end.
const RATIO_MAX: f64 = 100.0;

const COLOURS: [&str; 10] = [
    "#0b5fff", "#d1495b", "#2e8540", "#b86e00", "#6b3fa0", "#00838f", "#8d6e63", "#c2185b",
    "#5c6bc0", "#607d8b",
];

/// The picture, as SVG. `own` is the contender that all stand beside.
pub(super) fn svg(title: &str, own: &str, lines: &[Line]) -> String {
    let mut contenders: Vec<&str> = Vec::new();
    for mark in lines.iter().flat_map(|line| &line.marks) {
        if mark.contender != own && !contenders.contains(&mark.contender) {
            contenders.push(mark.contender);
        }
    }
    let (width, height) =
        (TEXT_WIDTH + SCALE_WIDTH + 30.0, HEAD_HEIGHT + LINE_HEIGHT * (lines.len() as f64 + 2.0));
    let title = escaped(title);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"sans-serif\" font-size=\"11\" role=\"img\" aria-label=\"{title}\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n"
    );
    label(&mut text, 8.0, 18.0, "start", &title);
    for (at, contender) in contenders.iter().enumerate() {
        let x = 12.0 + 108.0 * (at % 8) as f64;
        let y = 36.0 + 14.0 * (at / 8) as f64;
        dot(&mut text, x, y - 4.0, COLOURS[at % COLOURS.len()]);
        label(&mut text, x + 8.0, y, "start", contender);
    }
    let bottom = HEAD_HEIGHT + LINE_HEIGHT * lines.len() as f64;
    for ratio in [0.01, 0.1, 0.5, 1.0, 2.0, 10.0, 100.0] {
        let (x, weight) = (place(ratio), if ratio == 1.0 { 2.0 } else { 0.5 });
        let _ok = writeln!(
            text,
            "<line x1=\"{x:.1}\" y1=\"{HEAD_HEIGHT}\" x2=\"{x:.1}\" y2=\"{bottom}\" \
             stroke=\"#9aa0a6\" stroke-width=\"{weight}\"/>"
        );
        label(&mut text, x, bottom + 14.0, "middle", &format!("{ratio}x"));
    }
    label(&mut text, place(1.0) + 8.0, bottom + 30.0, "start", &format!("{own} is ahead →"));
    label(&mut text, place(1.0) - 8.0, bottom + 30.0, "end", &format!("← {own} is behind"));
    for (at, line) in lines.iter().enumerate() {
        let y = HEAD_HEIGHT + LINE_HEIGHT * (at as f64 + 0.7);
        label(&mut text, TEXT_WIDTH - 14.0, y, "end", &escaped(&line.what));
        for mark in &line.marks {
            if let Some(at) = contenders.iter().position(|known| *known == mark.contender) {
                dot(&mut text, place(mark.ratio), y - 4.0, COLOURS[at % COLOURS.len()]);
            }
        }
    }
    text + "</svg>\n"
}

/// Where a ratio stands, on a scale of logarithms.
fn place(ratio: f64) -> f64 {
    let part = ratio.clamp(1.0 / RATIO_MAX, RATIO_MAX).log10() / RATIO_MAX.log10();
    TEXT_WIDTH + SCALE_WIDTH * f64::midpoint(1.0, part)
}

fn dot(text: &mut String, x: f64, y: f64, colour: &str) {
    let _ok = writeln!(text, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{colour}\"/>");
}

fn label(text: &mut String, x: f64, y: f64, anchor: &str, what: &str) {
    let _ok = writeln!(
        text,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"#202124\">{what}</text>"
    );
}

/// As text of the picture.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}
