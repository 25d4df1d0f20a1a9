//! What a model cannot do, because the checker does not control it, is refused by its name and place.

use norace::config::{Hot, file::Source};
use norace::net::{TcpListener, TcpStream};
use norace::rt;
use norace::signal::{Signal, SignalKind};
use norace_check::Builder;
use std::net::{Ipv4Addr, SocketAddr};

/// Runs `model` on a runtime; it has to be refused here, as something that a model cannot do.
#[track_caller]
fn is_refused<F: Future<Output = ()>>(what: &str, model: impl Fn() -> F) {
    let outcome = Builder::new().run(|| {
        let runtime = rt::Builder::new().workers(1).build().expect("a runtime");
        runtime.block_on(model());
    });
    let finding = outcome.finding.expect("it is refused");
    let text = finding.to_text();
    let title = format!("a model cannot {what}: the checker does not control it");
    assert!(finding.kind == "panic" && finding.title.ends_with(&title), "{text}");
    assert!(text.contains("refused.rs"), "it is not said where: {text}");
}

const NOWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 1);

#[test]
fn a_socket_is_refused_by_name() {
    let what = "open a socket";
    is_refused(what, || async { drop(TcpListener::bind(NOWHERE)) });
    is_refused(what, || async { drop(TcpStream::connect(NOWHERE).await) });
}

#[test]
fn a_file_is_refused_by_name() {
    let source = || Source::new("nowhere.txt", |text: &[u8]| Ok::<_, ()>(text.len()));
    is_refused("read a file", || async { drop(source().read()) });
    is_refused("read a file", || async { drop(source().look(&Hot::new(1))) });
    is_refused("follow a file", || async { drop(source().follow(&Hot::new(1), |_| {})) });
}

#[test]
fn a_signal_is_refused_by_name() {
    let what = "wait for a signal of the system";
    is_refused(what, || async { drop(Signal::new(SignalKind::Hangup)) });
}
