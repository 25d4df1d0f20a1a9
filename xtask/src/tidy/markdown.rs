//! Documents have one title, and their links lead somewhere.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;

#[cfg(test)]
mod tests;

/// One `.md` file, cut into what the rules look at.
#[derive(Debug, Default)]
pub(crate) struct Document {
    /// Line and text of each `# Title`.
    titles: Vec<(usize, String)>,
    /// What `#fragment` may name.
    anchors: BTreeSet<String>,
    /// Line and target of each link, image and link definition.
    links: Vec<(usize, String)>,
}

impl Document {
    pub(crate) fn parse(text: &str) -> Self {
        let mut document = Self::default();
        let mut fence = None;
        for (index, line) in text.lines().enumerate() {
            let mark = fence_mark(line);
            match (fence, mark) {
                (None, Some(mark)) => fence = Some(mark),
                (Some(open), Some(mark)) if mark == open => fence = None,
                (None, None) => document.read_line(index + 1, line),
                _ => {}
            }
        }
        document
    }

    fn read_line(&mut self, number: usize, line: &str) {
        let level = line.bytes().take_while(|&byte| byte == b'#').count();
        if let Some(heading) = line[level..].strip_prefix(' ').filter(|_| level > 0) {
            if level == 1 {
                self.titles.push((number, heading.to_owned()));
            }
            self.add_anchor(heading);
        }
        let plain = without_code(line);
        self.links.extend(targets(&plain).map(|target| (number, target.to_owned())));
    }

    /// A heading said twice gets a number at its second anchor.
    fn add_anchor(&mut self, heading: &str) {
        let slug = slug(heading);
        let numbered = (1..).map(|n| format!("{slug}-{n}"));
        let free = std::iter::once(slug.clone()).chain(numbered);
        let anchor = free.into_iter().find(|anchor| !self.anchors.contains(anchor));
        self.anchors.extend(anchor);
    }
}

/// A document begins with its title and has no second one.
pub(crate) fn title(path: &str, document: &Document, findings: &mut Vec<Finding>) {
    if document.titles.first().is_none_or(|(line, _)| *line != 1) {
        findings.push(Finding::new(path, 1, "title", "begin the file with `# Title`"));
    }
    for (line, title) in document.titles.iter().skip(1) {
        let what = format!("a file has one title: write `## {title}`");
        findings.push(Finding::new(path, *line, "title", what));
    }
}

/// Relative links name a file of the tree, and fragments a heading of it.
pub(crate) fn links(
    files: &BTreeSet<String>,
    documents: &BTreeMap<&str, Document>,
    findings: &mut Vec<Finding>,
) {
    for (path, document) in documents {
        for (line, target) in &document.links {
            if let Err(what) = resolve(path, target, files, documents) {
                findings.push(Finding::new(path, *line, "link", what));
            }
        }
    }
}

fn resolve(
    from: &str,
    target: &str,
    files: &BTreeSet<String>,
    documents: &BTreeMap<&str, Document>,
) -> Result<(), String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return Ok(());
    }
    let (file, fragment) = target.split_once('#').unwrap_or((target, ""));
    let path = if file.is_empty() { Some(from.to_owned()) } else { join(from, file) };
    let path = path.ok_or_else(|| format!("`{target}` leaves the tree"))?;
    let folder = format!("{path}/");
    let is_folder = path.is_empty()
        || files.range(folder.clone()..).next().is_some_and(|file| file.starts_with(&folder));
    if !files.contains(&path) && !is_folder {
        return Err(format!("`{target}` leads nowhere: there is no `{path}`"));
    }
    let known = |document: &Document| document.anchors.contains(fragment);
    if fragment.is_empty() || documents.get(path.as_str()).is_some_and(known) {
        return Ok(());
    }
    Err(format!("`{target}` leads nowhere: `{path}` has no heading `#{fragment}`"))
}

/// The path of `target` as seen from the file `from`; none when it climbs out of the tree.
fn join(from: &str, target: &str) -> Option<String> {
    if target.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.trim_end_matches('/').split('/') {
        match part {
            "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The targets of `[text](target)`, `![image](target)` and `[name]: target`.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    let definition = line.trim_start().strip_prefix('[').and_then(|rest| {
        let (name, target) = rest.split_once("]: ")?;
        (!name.contains(']')).then_some(target)
    });
    let inline = line.match_indices("](").map(|(at, mark)| {
        let rest = &line[at + mark.len()..];
        rest.split(')').next().unwrap_or(rest)
    });
    let all = definition.into_iter().chain(inline);
    all.filter_map(|target| target.split_whitespace().next())
}

/// The line with everything between backquotes blanked out.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join("``")
}

/// The mark of a line that opens or closes a block of code.
fn fence_mark(line: &str) -> Option<&'static str> {
    ["```", "~~~"].into_iter().find(|mark| line.trim_start().starts_with(mark))
}

/// The anchor that code hosts make of a heading: lower case, blanks to hyphens, other marks dropped.
fn slug(heading: &str) -> String {
    let kept =
        heading.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}
