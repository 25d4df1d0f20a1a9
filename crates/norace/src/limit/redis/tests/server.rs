//! A Redis of a test's own, and a way to it that loses answers; the benchmark of limits uses this file as well.

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// A free port, for what is told a number beforehand.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A server with an empty folder; it ends with this value.
pub(super) struct Server {
    pub(super) port: u16,
    folder: PathBuf,
    child: Child,
}

impl Server {
    /// None, with a word about it, where there is no `redis-server`; unless there has to be one.
    pub(super) fn start() -> Option<Self> {
        let there = Command::new("redis-server").arg("--version").stdout(Stdio::null()).status();
        if there.is_err() {
            let required = std::env::var("NORACE_REQUIRE_SERVERS").is_ok_and(|value| value == "1");
            assert!(!required, "`redis-server` is not installed");
            eprintln!("skipped: `redis-server` is not installed");
            return None;
        }
        let port = free_port();
        let folder =
            std::env::temp_dir().join(format!("norace-redis-{}-{port}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let child = launch(port, &folder);
        let server = Self { port, folder, child };
        server.wait();
        Some(server)
    }

    /// One that has been there for long, as far as it remembers.
    pub(super) fn known() -> Option<Self> {
        let server = Self::start()?;
        server.know("norace");
        Some(server)
    }

    /// Makes it remember that it has been there for long.
    pub(super) fn know(&self, prefix: &str) {
        self.query(&["HSET", &format!("{{{prefix}}}:epoch"), "born", "1", "doubted", "0"]);
    }

    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    pub(super) fn client(&self) -> redis::Client {
        redis::Client::open(self.url()).unwrap()
    }

    fn query(&self, words: &[&str]) {
        let mut connection = self.client().get_connection().unwrap();
        let mut command = redis::cmd(words[0]);
        words[1..].iter().for_each(|word| {
            command.arg(word);
        });
        let _: redis::Value = command.query(&mut connection).unwrap();
    }

    fn wait(&self) {
        let begun = Instant::now();
        let alive = || {
            let mut connection = self.client().get_connection().ok()?;
            redis::cmd("PING").query::<String>(&mut connection).ok()
        };
        while alive().is_none() {
            assert!(begun.elapsed() < Duration::from_secs(20), "redis-server does not answer");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Ends it and starts one that remembers nothing, in the same place.
    pub(super) fn restart(&mut self) {
        self.stop();
        self.child = launch(self.port, &self.folder);
        self.wait();
    }

    pub(super) fn stop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        self.child.wait().unwrap();
    }

    /// Freezes it, as a machine does that swaps: nobody has an answer, and it remembers everything.
    pub(super) fn pause(&self) {
        self.signal("-STOP");
    }

    pub(super) fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    }
}

fn launch(port: u16, folder: &std::path::Path) -> Child {
    let port = port.to_string();
    Command::new("redis-server")
        .args(["--bind", "127.0.0.1", "--port", &port, "--save", "", "--appendonly", "no"])
        .arg("--dir")
        .arg(folder)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Passes everything on, but for some answers: then it hangs up, after the server has done what it was told.
pub(super) struct Proxy {
    pub(super) port: u16,
    /// Each how-manieth answer is lost; 0 for none.
    pub(super) each: Arc<AtomicU32>,
    /// How long each answer takes.
    pub(super) delay_ms: Arc<AtomicU32>,
}

impl Proxy {
    pub(super) fn to(server: &Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (each, count) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
        let delay_ms = Arc::new(AtomicU32::new(0));
        let (target, rate, slow) = (server.port, Arc::clone(&each), Arc::clone(&delay_ms));
        // It ends with the process.
        thread::spawn(move || {
            for client in listener.incoming() {
                let Ok(server) = TcpStream::connect(("127.0.0.1", target)) else { continue };
                let (client, each, count, delay_ms) =
                    (client.unwrap(), Arc::clone(&rate), Arc::clone(&count), Arc::clone(&slow));
                let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                thread::spawn(move || pass(from, to, || false));
                let lose = move || {
                    // Relaxed: a test's knob.
                    let delay_ms = delay_ms.load(Ordering::Relaxed);
                    thread::sleep(Duration::from_millis(delay_ms.into()));
                    // Relaxed: the same.
                    let each = each.load(Ordering::Relaxed);
                    // Relaxed: the same.
                    each > 0 && count.fetch_add(1, Ordering::Relaxed) % each == each - 1
                };
                thread::spawn(move || pass(server, client, lose));
            }
        });
        Self { port, each, delay_ms }
    }

    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, lose: impl Fn() -> bool) {
    let mut buffer = [0; 16 << 10];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if lose() || to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
