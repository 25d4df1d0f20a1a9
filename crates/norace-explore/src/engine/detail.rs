//! Stacks and values: recorded only where a report is made of the execution.

use std::backtrace::Backtrace;
use std::rc::Rc;

use crate::event::ThreadId;

/// What a detailed execution keeps.
#[derive(Debug, Default)]
pub(crate) struct Detail {
    /// By event: the stack of the thread that made it.
    stacks: Vec<Option<Rc<Backtrace>>>,
    /// By event: the value read or written, of a cell.
    values: Vec<(u32, String)>,
    /// By thread: the stack with which it announced what it waits for.
    pending: Vec<Option<Rc<Backtrace>>>,
    /// By thread: the stack of its last panic.
    panics: Vec<Option<Rc<Backtrace>>>,
}

fn capture() -> Rc<Backtrace> {
    Rc::new(Backtrace::force_capture())
}

fn set(list: &mut Vec<Option<Rc<Backtrace>>>, at: usize, stack: Rc<Backtrace>) {
    if list.len() <= at {
        list.resize(at + 1, None);
    }
    list[at] = Some(stack);
}

fn get(list: &[Option<Rc<Backtrace>>], at: usize) -> Option<Rc<Backtrace>> {
    list.get(at)?.clone()
}

impl Detail {
    pub(super) fn clear(&mut self) {
        self.stacks.clear();
        self.values.clear();
        self.pending.clear();
        self.panics.clear();
    }

    /// `event` happens: what `thread` has announced, or something on the stack of the thread that runs.
    pub(super) fn record(&mut self, event: usize, thread: Option<ThreadId>) {
        let stack = thread.and_then(|thread| self.pending_stack(thread));
        set(&mut self.stacks, event, stack.unwrap_or_else(capture));
    }

    /// `thread`, which runs, has come to an operation.
    pub(super) fn announce(&mut self, thread: ThreadId) {
        set(&mut self.pending, thread.index(), capture());
    }

    /// `thread`, which runs, begins to panic.
    pub(crate) fn panic(&mut self, thread: ThreadId) {
        set(&mut self.panics, thread.index(), capture());
    }

    pub(crate) fn set_value(&mut self, event: u32, value: String) {
        self.values.push((event, value));
    }

    pub(crate) fn stack(&self, event: u32) -> Option<Rc<Backtrace>> {
        get(&self.stacks, event as usize)
    }

    pub(crate) fn pending_stack(&self, thread: ThreadId) -> Option<Rc<Backtrace>> {
        get(&self.pending, thread.index())
    }

    pub(crate) fn panic_stack(&self, thread: ThreadId) -> Option<Rc<Backtrace>> {
        get(&self.panics, thread.index())
    }

    pub(crate) fn value(&self, event: u32) -> Option<&str> {
        let value = self.values.iter().find(|(of, _)| *of == event)?;
        Some(&value.1)
    }
}
