//! Executions that showed something once, kept beside the code and run first.
//!
//! `norace-regressions/<model>.nr` in the package's folder holds one token a line. Findings are added by themselves;
//! the files are meant to be committed, so that a defect which comes back is found at once, and by everybody.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;

use crate::report::Finding;
use crate::settings::Settings;
use crate::token::Token;

const FOLDER: &str = "norace-regressions";

/// Tokens of one model that are kept; more say nothing new.
const TOKENS_MAX: usize = 32;

const HEAD: &str =
    "# Executions of this model that showed a defect, run first: see `cargo norace check`.\n";

fn path(settings: &Settings, name: &str) -> Option<PathBuf> {
    let file: String =
        name.chars().map(|letter| if letter.is_alphanumeric() { letter } else { '-' }).collect();
    Some(settings.package.as_ref()?.join(FOLDER).join(format!("{file}.nr")))
}

/// What is kept for one model.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(crate) tokens: Vec<Token>,
    /// Lines that are no token: damaged, or made by a newer version. They are counted, and no reason to fail.
    pub(crate) unread: u64,
}

/// What is kept for the model `name`. Two models may share a file, for names of files are plainer.
pub(crate) fn read(settings: &Settings, name: &str) -> Kept {
    let text = path(settings, name).and_then(|path| fs::read_to_string(path).ok());
    let mut kept = Kept::default();
    for line in text.unwrap_or_default().lines().map(str::trim) {
        match line.parse::<Token>() {
            Ok(token) if token.model == name && kept.tokens.len() < TOKENS_MAX => {
                kept.tokens.push(token);
            }
            Ok(_) => {}
            Err(_) => kept.unread += u64::from(!line.is_empty() && !line.starts_with('#')),
        }
    }
    kept
}

/// Keeps the execution of `finding`.
pub(crate) fn add(settings: &Settings, name: &str, finding: &Finding) {
    let known = read(settings, name).tokens;
    let new = known.iter().all(|token| token.to_string() != finding.token);
    if let Some(path) = path(settings, name).filter(|_| new && known.len() < TOKENS_MAX) {
        // The finding is reported either way; a folder that cannot be written must not hide it.
        let _ = append(&path, &finding.token);
    }
}

fn append(path: &PathBuf, token: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let file = fs::OpenOptions::new().append(true).create_new(true).open(path);
    let mut file = match file {
        Ok(mut file) => {
            file.write_all(HEAD.as_bytes())?;
            file
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            fs::OpenOptions::new().append(true).open(path)?
        }
        Err(error) => return Err(error),
    };
    writeln!(file, "{token}")
}
