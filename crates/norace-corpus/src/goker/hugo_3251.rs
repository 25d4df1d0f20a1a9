//! gohugoio/hugo#3251: waiting for a download of the same address blocks the one that is to be waited for.
//!
//! While an address is downloaded its lock is held, so that nobody does it twice. The locks stand in a table, which
//! has a lock as well. Who wants an address writes to the table and waits, with the table locked, for the address; who
//! has it reads the table to find what to unlock. Fixed by unlocking the table before waiting.

use super::BLOCKS;
use crate::case::Case;
use crate::go::{Lock, RwMutex, WaitGroup, go, sleep};
use norace_prim::sync::Arc;
use std::collections::BTreeMap;

pub(super) const CASE: Case =
    Case { name: "hugo_3251", class: "AB-BA deadlock", kinds: BLOCKS, blames: &["page"], program };

const PAGES: usize = 2;
const TURNS: usize = 2;
const URL: &str = "http://foo.bar/";

struct RemoteLock {
    urls: RwMutex<BTreeMap<&'static str, Arc<Lock<()>>>>,
}

impl RemoteLock {
    /// Downloads `url` between `URLLock` and `URLUnlock`.
    fn get_remote(&self, url: &'static str, fixed: bool) {
        let mut urls = self.urls.write();
        let lock = urls.entry(url).or_insert_with(|| Arc::new(Lock::new(()))).clone();
        let urls = (!fixed).then_some(urls);
        let downloading = lock.lock();
        drop(urls);

        let urls = self.urls.read();
        assert!(urls.contains_key(url));
        drop(downloading);
    }
}

fn program(fixed: bool) {
    let remote_url_lock = Arc::new(RemoteLock { urls: RwMutex::new(BTreeMap::new()) });
    let wait_group = WaitGroup::new();
    for _ in 0..PAGES {
        wait_group.add(1);
        let (remote_url_lock, wait_group) = (remote_url_lock.clone(), wait_group.clone());
        go("page", move || {
            for _ in 0..TURNS {
                remote_url_lock.get_remote(URL, fixed);
                sleep(1);
            }
            wait_group.done();
        });
    }
    wait_group.wait();
}
