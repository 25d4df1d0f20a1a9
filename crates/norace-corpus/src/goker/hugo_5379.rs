//! gohugoio/hugo#5379: a page that shows its own word count is rendered for too long, and then nobody gets on.
//!
//! A page's content is made once, by a goroutine that takes the page's lock, and whoever needs it waits for at most a
//! timeout. A shortcode in the page asks for its word count: that needs the content, waits for whoever is making it,
//! which is what the timeout is for, and then makes the plain text, once, under the lock that the goroutine holds
//! already. Fixed by taking the lock outside of the goroutine, until the content is made or the time is over.

use super::BLOCKS;
use crate::case::Case;
use crate::go::{Chan, Lock, WaitGroup, go};
use norace::context::Context;
use norace::select_blocking;
use norace_prim::sync::{Arc, Once};
use std::time::Duration;

pub(super) const CASE: Case = Case {
    name: "hugo_5379",
    class: "Double locking",
    kinds: BLOCKS,
    blames: &["content"],
    program,
};

const WORKERS: usize = 2;

struct Page {
    content_init: Once,
    plain_init: Once,
    content_init_mu: Lock<()>,
    shortcodes: Vec<fn(&Arc<Page>, bool)>,
}

impl Page {
    fn new(shortcodes: Vec<fn(&Arc<Self>, bool)>) -> Self {
        let (content_init, plain_init) = (Once::new(), Once::new());
        Self { content_init, plain_init, content_init_mu: Lock::new(()), shortcodes }
    }

    fn word_count(self: &Arc<Self>, fixed: bool) {
        self.init_content(fixed);
        self.init_plain();
    }

    fn init_content(self: &Arc<Self>, fixed: bool) {
        self.content_init.call_once(|| {
            let context = Context::new().with_timeout(Duration::from_millis(1));
            let made = Chan::new(1);
            let _locked = fixed.then(|| self.content_init_mu.lock());
            let (page, report) = (self.clone(), made.clone());
            go("content", move || {
                let _locked = (!fixed).then(|| page.content_init_mu.lock());
                page.prepare_for_render(fixed);
                report.send(());
            });
            select_blocking! {
                _ = context.cancelled() => {}
                _ = made.receiver().recv() => {}
            }
        });
    }

    fn prepare_for_render(self: &Arc<Self>, fixed: bool) {
        for render in &self.shortcodes {
            render(self, fixed);
        }
    }

    fn init_plain(&self) {
        self.plain_init.call_once(|| drop(self.content_init_mu.lock()));
    }
}

/// The site's `renderPages`.
fn program(fixed: bool) {
    let page = Arc::new(Page::new(vec![Page::word_count]));
    let wait_group = WaitGroup::new();
    for _ in 0..WORKERS {
        wait_group.add(1);
        let (page, wait_group) = (page.clone(), wait_group.clone());
        go("renderer", move || {
            page.word_count(fixed);
            wait_group.done();
        });
    }
    wait_group.wait();
}
