//! What a build without the feature `redis` has in the place of shared limits: none, and a word about it.

use norace::limit::{Decision, Quota};
use norace_prim::sync::Arc;

use super::Redis;
use crate::limits::Limits;
use crate::metrics::Page;
use crate::settings::InvalidSetting;

/// There is none.
#[derive(Debug)]
pub(in crate::limits) enum Shared {}

impl Shared {
    pub(in crate::limits) fn ask(&self, _key: &str, _cost: u64) -> Decision {
        match *self {}
    }

    pub(in crate::limits) fn keys(&self) -> usize {
        match *self {}
    }
}

/// Has none.
#[derive(Debug)]
pub(in crate::limits) struct Store;

impl Store {
    pub(in crate::limits) fn new(_settings: Option<Redis>, _clients_max: usize) -> Self {
        Self
    }

    pub(in crate::limits) fn clients(&self, _quota: Quota) -> Option<Arc<Shared>> {
        None
    }

    pub(in crate::limits) fn service(&self, _quota: Quota) -> Option<Arc<Shared>> {
        None
    }

    pub(in crate::limits) fn write(&self, _page: &mut Page) {}
}

/// Says that it can't be.
pub(super) fn check(_redis: &Redis, _limits: &Limits) -> Result<(), InvalidSetting> {
    let detail = "this program was built without it: build it with the feature `redis`";
    Err(InvalidSetting::new("redis", detail))
}
