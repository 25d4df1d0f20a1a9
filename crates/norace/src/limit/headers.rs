//! What an HTTP answer says of a limit: `RateLimit`, `RateLimit-Policy` and `Retry-After`.
//!
//! The first two are structured fields (RFC 9651) after draft-ietf-httpapi-ratelimit-headers: a policy has a name, a
//! quota `q`, and a window `w` in whole seconds; a limit says how much remains (`r`) and after how many seconds the
//! quota is whole (`t`). Seconds are rounded up, so that nobody comes too early, and `Retry-After` is never 0.
//!
//! ```
//! use norace::limit::{Limiter, Quota, headers};
//!
//! let quota = Quota::per_minute(100)?;
//! assert_eq!(headers::policy("default", quota)?, r#""default";q=100;w=60"#);
//!
//! let decision = Limiter::new(quota).check();
//! assert_eq!(headers::limit("default", decision)?, r#""default";r=99;t=1"#);
//! assert_eq!(headers::retry_after(decision), None);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use norace_prim::time::Duration;
use std::error::Error;
use std::fmt;

use super::decision::Decision;
use super::quota::Quota;

/// The name of the field [`limit`] writes.
pub const RATE_LIMIT: &str = "ratelimit";
/// The name of the field [`policy`] writes.
pub const RATE_LIMIT_POLICY: &str = "ratelimit-policy";
/// The name of the field [`retry_after`] writes.
pub const RETRY_AFTER: &str = "retry-after";

/// A structured field has no greater integer.
const INTEGER_MAX: u64 = 999_999_999_999_999;

/// `RateLimit-Policy`: what `quota` allows, under the name `name`. For a rate that is its burst, and the time in which
/// that is made up for.
///
/// # Errors
///
/// When `name` is no string of visible ASCII and blanks.
pub fn policy(name: &str, quota: Quota) -> Result<String, NameError> {
    let window = seconds_up(quota.whole_after()).max(1);
    let many = quota.at_once().min(INTEGER_MAX);
    Ok(format!("{};q={many};w={window}", quoted(name)?))
}

/// `RateLimit`: how things stand under the policy `name` after `decision`.
///
/// # Errors
///
/// When `name` is no string of visible ASCII and blanks.
pub fn limit(name: &str, decision: Decision) -> Result<String, NameError> {
    let (remaining, after) = match decision {
        Decision::Allowed { remaining, reset_after } => (remaining, reset_after),
        Decision::Denied { retry_after, .. } => (0, retry_after),
    };
    let many = remaining.min(INTEGER_MAX);
    Ok(format!("{};r={many};t={}", quoted(name)?, seconds_up(after)))
}

/// `Retry-After` of a refusal, in seconds, at least 1.
pub fn retry_after(decision: Decision) -> Option<String> {
    match decision {
        Decision::Allowed { .. } => None,
        Decision::Denied { retry_after, .. } => Some(seconds_up(retry_after).max(1).to_string()),
    }
}

fn seconds_up(time: Duration) -> u64 {
    let seconds = time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0));
    seconds.min(INTEGER_MAX)
}

/// Whether a policy can have this name.
pub(super) fn check(name: &str) -> Result<(), NameError> {
    let is_right = name.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    if is_right { Ok(()) } else { Err(NameError(())) }
}

/// A string of structured fields.
fn quoted(name: &str) -> Result<String, NameError> {
    check(name)?;
    Ok(format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\"")))
}

/// A policy's name cannot stand in a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameError(());

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a policy's name is made of visible ASCII characters and blanks")
    }
}

impl Error for NameError {}
