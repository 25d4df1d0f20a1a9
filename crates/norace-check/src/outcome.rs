//! What a check came to.

use crate::json;
use crate::report::Finding;

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Every class of executions was run, and showed nothing.
    Complete,
    /// Every execution with at most so many preemptions was run, and others, and showed nothing.
    WithinBound,
    /// Some executions were run, and showed nothing.
    Incomplete,
    /// An execution shows a defect.
    Found,
    /// The model did not repeat itself.
    Diverged,
    /// The execution that was to be replayed shows nothing.
    NotReproduced,
    /// Another process, or another replay, has this model.
    Skipped,
}

impl Status {
    /// A word for it that does not change between versions.
    pub fn word(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::WithinBound => "within-bound",
            Self::Incomplete => "incomplete",
            Self::Found => "found",
            Self::Diverged => "diverged",
            Self::NotReproduced => "not-reproduced",
            Self::Skipped => "skipped",
        }
    }
}

/// What a check came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// `norace.model/1`.
    pub schema: &'static str,
    /// The model's name.
    pub test: String,
    /// How it ended.
    pub status: Status,
    /// Whether completeness was required.
    pub required_complete: bool,
    /// Executions that were run, those that repeated a known class not counted.
    pub executions: u64,
    /// Steps over all of them.
    pub steps: u64,
    /// The number of preemptions within which all executions were run, with [`Status::WithinBound`].
    pub preemptions: Option<u32>,
    /// Whether loads that kept returning the same were held until there was something new.
    pub up_to_spinning: bool,
    /// Executions of the regression folder that were run first and show nothing any more: what they showed is mended,
    /// or the model has changed so that they lead elsewhere.
    pub kept_silent: u64,
    /// Lines there that no execution could be read from.
    pub kept_unread: u64,
    /// How long it took.
    pub seconds: f64,
    /// The defect.
    pub finding: Option<Finding>,
}

impl Outcome {
    /// Whether nothing is wrong and nothing is missing.
    pub fn is_ok(&self) -> bool {
        match self.status {
            Status::Complete | Status::Skipped => true,
            Status::WithinBound | Status::Incomplete => !self.required_complete,
            Status::Found | Status::Diverged | Status::NotReproduced => false,
        }
    }

    /// What to tell when something is wrong.
    pub fn failure(&self) -> Option<String> {
        match (&self.finding, self.status) {
            (Some(finding), _) => Some(finding.to_text()),
            (None, Status::NotReproduced) => Some(format!(
                "norace: the replayed execution of {} shows nothing: the code it runs has changed",
                self.test
            )),
            (None, _) if !self.is_ok() => Some(format!(
                "norace: the search of {} was to be complete, and was not: {}",
                self.test,
                self.extent()
            )),
            (None, _) => None,
        }
    }

    /// The outcome as JSON: the fields of this struct, and of those in it.
    pub fn to_json(&self) -> String {
        json::to_string(self)
    }

    /// How much was run, in words.
    pub fn extent(&self) -> String {
        let executions = count(self.executions);
        let time = format!("{executions} executions in {:.1} s", self.seconds);
        match self.status {
            Status::Complete if self.up_to_spinning => format!("complete up to spinning: {time}"),
            Status::Complete => format!("complete: {time}"),
            Status::WithinBound => {
                let bound = self.preemptions.unwrap_or_default();
                format!("complete for up to {bound} preemptions: {time}")
            }
            Status::Skipped => "skipped".to_owned(),
            _ => time,
        }
    }
}

/// A number with commas.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let first = digits.len() % 3;
    let groups = digits.as_bytes()[first..].chunks(3).map(|group| String::from_utf8_lossy(group));
    let head = (first > 0).then(|| digits[..first].into());
    head.into_iter().chain(groups).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    #[test]
    fn large_numbers_have_commas() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (12_345_678, "12,345,678")]
        {
            assert_eq!(super::count(number), text);
        }
    }
}
