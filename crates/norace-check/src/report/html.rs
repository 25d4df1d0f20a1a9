//! The report as one page that needs nothing else.

use std::fmt::Write as _;

use super::{Finding, Fix, Frame, Place, Row, Stack, Task};

/// The page.
pub(crate) fn render(finding: &Finding) -> String {
    let mut page = Page(String::new());
    page.head(finding);
    page.stacks(finding);
    page.why(finding);
    page.schedule(finding);
    page.raw("</main>\n</body>\n</html>\n");
    page.0
}

struct Page(String);

impl Page {
    fn raw(&mut self, markup: &str) {
        self.0.push_str(markup);
    }

    fn markup(&mut self, markup: std::fmt::Arguments<'_>) {
        self.0.write_fmt(markup).expect("writing to a string does not fail");
    }

    fn head(&mut self, finding: &Finding) {
        let (title, test, kind) = (text(&finding.title), text(&finding.test), finding.kind);
        self.markup(format_args!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{test}: {kind}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n\
             <p class=\"brand\">norace check</p>\n<h1>{title}</h1>\n<p>in <code>{test}</code></p>\n"
        ));
        self.markup(format_args!(
            "<p>Replay: <code class=\"token\">cargo norace replay {}</code></p>\n",
            text(&finding.token)
        ));
    }

    fn stacks(&mut self, finding: &Finding) {
        if finding.stacks.is_empty() {
            return;
        }
        self.raw("<h2>Who did what</h2>\n<div class=\"cards\">\n");
        for stack in &finding.stacks {
            self.stack(stack, &finding.tasks);
        }
        self.raw("</div>\n");
    }

    fn stack(&mut self, stack: &Stack, tasks: &[Task]) {
        let spawned = stack.what == "was spawned";
        let class = if spawned { "card spawned" } else { "card" };
        let name = tasks.iter().find(|task| task.id == stack.task).map_or("", |task| &task.name);
        let value = stack
            .value
            .as_ref()
            .map_or_else(String::new, |value| format!(" <code>{}</code>", text(value)));
        self.markup(format_args!(
            "<section class=\"{class}\"><h3><span class=\"task t{}\">{}</span> {}{value}</h3>\n<p>{}</p>\n",
            stack.task % COLOURS,
            text(name),
            text(&stack.what),
            place(stack.place.as_ref())
        ));
        if !stack.frames.is_empty() {
            let open = if spawned { "" } else { " open" };
            self.markup(format_args!("<details{open}><summary>calls</summary><ol>\n"));
            for frame in &stack.frames {
                self.frame(frame);
            }
            self.raw("</ol></details>\n");
        }
        self.raw("</section>\n");
    }

    fn frame(&mut self, frame: &Frame) {
        let class = if frame.library { " class=\"library\"" } else { "" };
        let function = text(&frame.function);
        let at = place(frame.place.as_ref());
        self.markup(format_args!("<li{class}><code>{function}</code> <span>{at}</span></li>\n"));
    }

    fn why(&mut self, finding: &Finding) {
        if !finding.why.is_empty() {
            self.raw("<h2>Why</h2>\n");
            for reason in &finding.why {
                self.markup(format_args!("<p>{}</p>\n", text(reason)));
            }
        }
        match &finding.fix {
            None => {}
            Some(Fix::NoOrderingHelps { advice }) => {
                self.markup(format_args!("<h2>Fix</h2>\n<p>{}</p>\n", text(advice)));
            }
            Some(Fix::Found { changes, executions, complete, not_enough }) => {
                self.raw("<h2>Fix, tried</h2>\n<ul>\n");
                for change in changes {
                    self.markup(format_args!("<li>{}</li>\n", text(&change.to_string())));
                }
                let all = if *complete { "all " } else { "" };
                self.markup(format_args!("</ul>\n<p>Clean in {all}{executions} executions.</p>\n"));
                for less in not_enough {
                    self.markup(format_args!("<p>Not enough: {}</p>\n", text(less)));
                }
            }
        }
    }

    fn schedule(&mut self, finding: &Finding) {
        if finding.schedule.is_empty() {
            return;
        }
        let switches = finding.switches_in_words();
        self.markup(format_args!(
            "<h2>Schedule</h2>\n<p>{switches}.</p>\n\
             <div class=\"scroll\"><table>\n<thead><tr><th>step</th>"
        ));
        let tasks: Vec<&Task> = finding
            .tasks
            .iter()
            .filter(|task| finding.schedule.iter().any(|row| row.task == task.id))
            .collect();
        for task in &tasks {
            let (colour, name) = (task.id % COLOURS, text(&task.name));
            self.markup(format_args!("<th><span class=\"task t{colour}\">{name}</span></th>"));
        }
        self.raw("</tr></thead>\n<tbody>\n");
        let mut last = 0;
        for row in &finding.schedule {
            let missing = row.number - last - 1;
            if missing > 0 {
                self.markup(format_args!(
                    "<tr><td></td><td colspan=\"{}\">… {missing} not shown …</td></tr>\n",
                    tasks.len()
                ));
            }
            last = row.number;
            self.row(row, &tasks);
        }
        self.raw("</tbody></table></div>\n");
    }

    fn row(&mut self, row: &Row, tasks: &[&Task]) {
        let number = row.number;
        let class = if row.mark.is_some() { " class=\"marked\"" } else { "" };
        self.markup(format_args!("<tr{class}><td>{number}</td>"));
        for task in tasks {
            if task.id == row.task {
                let mark = row
                    .mark
                    .as_ref()
                    .map_or_else(String::new, |mark| format!(" <strong>{}</strong>", text(mark)));
                let (what, at) = (text(&row.text), text(&row.place.to_string()));
                self.markup(format_args!("<td title=\"{at}\"><code>{what}</code>{mark}</td>"));
            } else {
                self.raw("<td></td>");
            }
        }
        self.raw("</tr>\n");
    }
}

/// Colours of tasks in the style sheet.
const COLOURS: usize = 6;

fn place(place: Option<&Place>) -> String {
    place.map_or_else(String::new, |place| format!("<code>{}</code>", text(&place.to_string())))
}

/// Text as it may stand in markup.
fn text(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '"' => safe.push_str("&quot;"),
            _ => safe.push(letter),
        }
    }
    safe
}

const STYLE: &str = "\
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --mark: #e5484d; }
body { margin: 0; font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 72rem; margin: 0 auto; padding: 1.5rem; }
h1 { font-size: 1.4rem; line-height: 1.3; margin: .2rem 0 .6rem; }
h2 { font-size: 1.1rem; margin: 1.8rem 0 .6rem; }
h3 { font-size: 1rem; margin: 0 0 .3rem; font-weight: 600; }
p { margin: .3rem 0; }
code { font: 13px/1.45 ui-monospace, monospace; }
.brand { color: var(--mark); font-weight: 600; }
.token { background: var(--soft); padding: .15rem .4rem; border-radius: 4px; word-break: break-all; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(22rem, 1fr)); gap: .8rem; }
.card { border: 1px solid var(--line); border-radius: 8px; padding: .8rem; min-width: 0; }
.card.spawned { opacity: .75; }
ol { margin: .4rem 0 0; padding-left: 1.6rem; }
li { overflow-wrap: anywhere; }
li span { opacity: .7; }
li.library { opacity: .5; }
summary { cursor: pointer; opacity: .7; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .2rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
td:first-child { opacity: .6; width: 3rem; }
tr.marked td { background: color-mix(in srgb, var(--mark) 14%, transparent); }
strong { color: var(--mark); }
.task { padding: .05rem .45rem; border-radius: 999px; background: var(--soft); }
.t0 { background: #3b82f633; } .t1 { background: #f59e0b33; } .t2 { background: #10b98133; }
.t3 { background: #a855f733; } .t4 { background: #ef444433; } .t5 { background: #06b6d433; }
";
