//! Waiting for a decision that admits.

use super::decision::{CostError, Decision};
use crate::time;

/// Asks again whenever the last refusal says that it may be worth it.
pub(super) async fn until(mut check: impl FnMut() -> Decision) -> Decision {
    loop {
        match check() {
            Decision::Denied { retry_after, .. } => time::sleep(retry_after).await,
            allowed @ Decision::Allowed { .. } => return allowed,
        }
    }
}

/// The same, unless it can never be admitted.
pub(super) async fn try_until(
    mut check: impl FnMut() -> Result<Decision, CostError>,
) -> Result<Decision, CostError> {
    loop {
        match check()? {
            Decision::Denied { retry_after, .. } => time::sleep(retry_after).await,
            allowed @ Decision::Allowed { .. } => return Ok(allowed),
        }
    }
}
